import { orAbsent } from "../../../client/api-error.ts";
import type { Informer } from "../../../client/informer.ts";
import { keyOf, keyOfRef, refOfKey } from "../../../client/object-cache.ts";
import { resources } from "../../../client/resources.ts";
import { isBindCompleted } from "../../../client/rules/volume-binding.ts";
import { volumeClaims } from "../../../client/rules/volume-claims.ts";
import type { PersistentVolume, PersistentVolumeClaim, Pod, StorageClass } from "../../../client/types.ts";
import type { WorkQueue } from "../../../client/work-queue.ts";
import type { Controller, ControllerContext } from "../controller.ts";
import { type ClaimStep, planClaim } from "./plan-claim.ts";
import { planVolume, type Reclaim } from "./plan-volume.ts";
import { bind, setVolumePhase, unbind, withAnnotations, writeClaimStatus } from "./write-binding.ts";

/** How often a claim that waits is looked at again, and told of again, as in Kubernetes. */
const waitingMs = 15_000;

interface Parts {
  readonly context: ControllerContext;
  readonly queue: WorkQueue;
  readonly claims: Informer<PersistentVolumeClaim>;
  readonly volumes: Informer<PersistentVolume>;
  readonly classes: Informer<StorageClass>;
  readonly pods: Informer<Pod>;
}

/** Kubernetes' PersistentVolumeController without plugins of its own: volumes and claims find each other, and part. */
export const persistentVolumeBinder: Controller = {
  name: "persistentvolume-binder-controller",
  workers: 1,
  setUp(context, queue) {
    const { informers } = context;
    const parts: Parts = {
      context,
      queue,
      claims: informers.informer(resources.persistentvolumeclaims),
      volumes: informers.informer(resources.persistentvolumes),
      classes: informers.informer(resources.storageclasses),
      pods: informers.informer(resources.pods),
    };
    follow(parts);
    return (key) => {
      const [kind = "", ...rest] = key.split(":");
      const name = rest.join(":");
      return kind === "claim" ? syncClaim(parts, name) : syncVolume(parts, name);
    };
  },
};

const claimKey = (key: string) => `claim:${key}`;
const volumeKey = (name: string) => `volume:${name}`;

function follow({ queue, claims, volumes, classes }: Parts): void {
  const openClaims = () => {
    for (const claim of claims.list()) if (!isBindCompleted(claim)) queue.add(claimKey(keyOf(claim)));
  };
  const ofClaim = (claim: PersistentVolumeClaim) => queue.add(claimKey(keyOf(claim)));
  claims.subscribe({
    onAdd: ofClaim,
    onUpdate: ofClaim,
    onDelete: (claim) => {
      for (const volume of volumes.list())
        if (claimKeyOf(volume) === keyOf(claim)) queue.add(volumeKey(volume.metadata.name));
    },
  });
  const ofVolume = (volume: PersistentVolume) => {
    queue.add(volumeKey(volume.metadata.name));
    const key = claimKeyOf(volume);
    if (key !== undefined) queue.add(claimKey(key));
    else if (volume.status?.phase === "Available") openClaims();
  };
  volumes.subscribe({ onAdd: ofVolume, onUpdate: ofVolume, onDelete: ofVolume });
  classes.subscribe({ onAdd: openClaims, onUpdate: openClaims });
}

/** The claim that a volume names. */
const claimKeyOf = ({ spec: { claimRef } }: PersistentVolume): string | undefined =>
  claimRef?.name === undefined ? undefined : keyOfRef({ namespace: claimRef.namespace, name: claimRef.name });

async function syncClaim(parts: Parts, key: string) {
  const { claims, volumes, classes, pods, context } = parts;
  const claim = claims.getByKey(key);
  if (claim === undefined) return undefined;
  const unscheduledPods = pods
    .byNamespace(claim.metadata.namespace ?? "")
    .filter((pod) => isWaiting(pod) && volumeClaims(pod).some(({ name }) => name === claim.metadata.name))
    .map(({ metadata }) => metadata.name);
  const step = planClaim({ claim, volumes: volumes.list(), classes: classes.list(), unscheduledPods });
  return doClaimStep(context, claim, step);
}

const isWaiting = ({ spec, status }: Pod): boolean =>
  !spec.nodeName && status?.phase !== "Succeeded" && status?.phase !== "Failed";

async function doClaimStep(context: ControllerContext, claim: PersistentVolumeClaim, step: ClaimStep) {
  const { client, recorder } = context;
  switch (step.kind) {
    case "nothing":
      return undefined;
    case "bind":
      await bind(client, step.volume, claim);
      return undefined;
    case "pending":
      if (step.event !== undefined) recorder.record(claim, step.event);
      await writeClaimStatus(client, claim, { phase: "Pending" });
      return { requeueAfterMs: waitingMs };
    case "lost":
      if (claim.status?.phase === "Lost") return undefined;
      await writeClaimStatus(client, claim, { phase: "Lost" });
      recorder.record(claim, step.event);
      return undefined;
    case "setClass":
      await client.update(resources.persistentvolumeclaims, {
        ...claim,
        spec: { ...claim.spec, storageClassName: step.className },
      });
      return undefined;
    case "provision": {
      const { provisioner } = step;
      const asked = withAnnotations(claim, { provisioner, betaProvisioner: provisioner });
      if (asked !== claim) await client.update(resources.persistentvolumeclaims, asked);
      recorder.record(claim, step.event);
      return { requeueAfterMs: waitingMs };
    }
    case "tell":
      recorder.record(claim, step.event);
      return { requeueAfterMs: waitingMs };
  }
}

async function syncVolume(parts: Parts, name: string) {
  const { volumes, queue, context } = parts;
  const { client, recorder } = context;
  const volume = volumes.getByKey(name);
  if (volume === undefined) return undefined;
  const claim = await claimOf(parts, volume);
  const step = planVolume(volume, claim);
  switch (step.kind) {
    case "nothing":
      return undefined;
    case "phase":
      await setVolumePhase(client, volume, step.phase);
      return undefined;
    case "askClaim":
      if (claim !== undefined) queue.add(claimKey(keyOf(claim)));
      return undefined;
    case "unbind":
      await unbind(client, volume);
      return undefined;
    case "release":
      await release(context, volume, step.reclaim);
      return undefined;
    case "tell":
      recorder.record(volume, step.volumeEvent);
      if (claim !== undefined) recorder.record(claim, step.claimEvent);
      return { requeueAfterMs: waitingMs };
  }
}

/** A volume that failed stays so: whoever looks is to see it. */
async function release(
  { client, recorder }: ControllerContext,
  volume: PersistentVolume,
  reclaim: Reclaim,
): Promise<void> {
  const { phase } = volume.status ?? {};
  const released =
    phase === "Released" || phase === "Failed" ? volume : await setVolumePhase(client, volume, "Released");
  if (reclaim.kind === "leave" || phase === "Failed") return;
  await setVolumePhase(client, released, "Failed", reclaim.event.message);
  recorder.record(volume, reclaim.event);
}

/** That the claim of a volume is gone must be true of the API itself. */
async function claimOf(
  { claims, context }: Parts,
  { spec: { claimRef } }: PersistentVolume,
): Promise<PersistentVolumeClaim | undefined> {
  if (!claimRef?.uid) return undefined;
  const key = keyOfRef({ namespace: claimRef.namespace, name: claimRef.name ?? "" });
  const cached = claims.getByKey(key);
  if (cached?.metadata.uid === claimRef.uid) return cached;
  const live = await orAbsent(context.client.get(resources.persistentvolumeclaims, refOfKey(key)));
  return live?.metadata.uid === claimRef.uid ? live : undefined;
}
