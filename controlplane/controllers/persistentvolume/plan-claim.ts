import type { EventInput } from "../../../client/events.ts";
import { defaultStorageClass } from "../../../client/rules/default-storage-class.ts";
import {
  classOf,
  findVolume,
  hasClass,
  isBindCompleted,
  isKeptFor,
  mismatch,
  selectedNodeOf,
  volumeAnnotations,
  waitsForConsumer,
} from "../../../client/rules/volume-binding.ts";
import type { PersistentVolume, PersistentVolumeClaim, StorageClass } from "../../../client/types.ts";

export interface ClaimInput {
  readonly claim: PersistentVolumeClaim;
  readonly volumes: readonly PersistentVolume[];
  readonly classes: readonly StorageClass[];
  /** Names of pods that use the claim and have no node yet. */
  readonly unscheduledPods: readonly string[];
}

export type ClaimStep =
  | { readonly kind: "nothing" }
  /** Makes both ends of the binding say so, as far as they do not. */
  | { readonly kind: "bind"; readonly volume: PersistentVolume }
  | { readonly kind: "pending"; readonly event?: EventInput }
  /** For good: the claim had a volume. The event is for when it comes to that. */
  | { readonly kind: "lost"; readonly event: EventInput }
  | { readonly kind: "setClass"; readonly className: string }
  /** Tells the provisioner that it is its turn. */
  | { readonly kind: "provision"; readonly provisioner: string; readonly event: EventInput }
  | { readonly kind: "tell"; readonly event: EventInput };

/** What is to be done about a claim: Kubernetes' syncClaim. Pure. */
export function planClaim(input: ClaimInput): ClaimStep {
  if (isBindCompleted(input.claim)) return planBound(input);
  return input.claim.spec.volumeName ? planNamed(input) : planOpen(input);
}

/** It took any volume. */
function planOpen({ claim, volumes, classes, unscheduledPods }: ClaimInput): ClaimStep {
  const className = classOf(claim);
  const storageClass = classes.find(({ metadata }) => metadata.name === className);
  const waits = waitsForConsumer(storageClass);
  const volume = findVolume(claim, { volumes, waits });
  if (volume !== undefined) return { kind: "bind", volume };
  const fallback = hasClass(claim) ? undefined : defaultStorageClass(classes);
  if (fallback !== undefined) return { kind: "setClass", className: fallback.metadata.name };
  if (waits && selectedNodeOf(claim) === undefined)
    return { kind: "pending", event: waitingEvent(unscheduledPods) };
  if (className !== "") return provision(className, storageClass);
  const message = "no persistent volumes available for this claim and no storage class is set";
  return { kind: "pending", event: { type: "Normal", reason: "FailedBinding", message } };
}

function waitingEvent(pods: readonly string[]): EventInput {
  if (pods.length === 0)
    return {
      type: "Normal",
      reason: "WaitForFirstConsumer",
      message: "waiting for first consumer to be created before binding",
    };
  const names = `pod${pods.length > 1 ? "s" : ""} ${pods.join(",")}`;
  return { type: "Normal", reason: "WaitForPodScheduled", message: `waiting for ${names} to be scheduled` };
}

function provision(className: string, storageClass: StorageClass | undefined): ClaimStep {
  const failed = (message: string): ClaimStep => ({
    kind: "tell",
    event: { type: "Warning", reason: "ProvisioningFailed", message },
  });
  if (storageClass === undefined)
    return failed(`storageclass.storage.k8s.io ${JSON.stringify(className)} not found`);
  const { provisioner } = storageClass;
  // Kubernetes' own names are for what came with it once.
  if (provisioner.startsWith("kubernetes.io/"))
    return failed(`no volume plugin matched name: ${provisioner}`);
  const message = `Waiting for a volume to be created either by the external provisioner '${provisioner}' or manually by the system administrator. If volume creation is delayed, please verify that the provisioner is running and correctly registered.`;
  return {
    kind: "provision",
    provisioner,
    event: { type: "Normal", reason: "ExternalProvisioning", message },
  };
}

/** It asks for one volume by name. */
function planNamed({ claim, volumes }: ClaimInput): ClaimStep {
  const { volumeName = "" } = claim.spec;
  const volume = volumes.find(({ metadata }) => metadata.name === volumeName);
  if (volume === undefined) return { kind: "pending" };
  const quoted = JSON.stringify(volumeName);
  if (volume.spec.claimRef === undefined) {
    const why = mismatch(volume, claim);
    if (why === undefined) return { kind: "bind", volume };
    const message = `Cannot bind to requested volume ${quoted}: ${why}`;
    return { kind: "pending", event: { type: "Warning", reason: "VolumeMismatch", message } };
  }
  if (isKeptFor(volume, claim)) return { kind: "bind", volume };
  const message = `volume ${quoted} already bound to a different claim.`;
  const event = { type: "Warning", reason: "FailedBinding", message } as const;
  const isOurs = claim.metadata.annotations?.[volumeAnnotations.boundByController] !== undefined;
  return isOurs ? { kind: "tell", event } : { kind: "pending", event };
}

/** It had a volume once: that one or none. */
function planBound({ claim, volumes }: ClaimInput): ClaimStep {
  const { volumeName = "" } = claim.spec;
  const lost = (reason: string, message: string): ClaimStep => ({
    kind: "lost",
    event: { type: "Warning", reason, message },
  });
  if (volumeName === "")
    return lost(
      "ClaimLost",
      "Bound claim has lost reference to PersistentVolume. Data on the volume is lost!",
    );
  const volume = volumes.find(({ metadata }) => metadata.name === volumeName);
  if (volume === undefined)
    return lost("ClaimLost", "Bound claim has lost its PersistentVolume. Data on the volume is lost!");
  const { claimRef } = volume.spec;
  if (claimRef !== undefined && claimRef.uid !== claim.metadata.uid)
    return lost("ClaimMisbound", "Two claims are bound to the same volume, this one is bound incorrectly");
  return { kind: "bind", volume };
}
