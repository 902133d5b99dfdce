import type { EventInput } from "../../../client/events.ts";
import { sameMode, volumeAnnotations } from "../../../client/rules/volume-binding.ts";
import type { PersistentVolume, PersistentVolumeClaim } from "../../../client/types.ts";

export type VolumeStep =
  | { readonly kind: "nothing" }
  | { readonly kind: "phase"; readonly phase: "Available" | "Bound" }
  /** Its claim is gone, or elsewhere. */
  | { readonly kind: "release"; readonly reclaim: Reclaim }
  /** Gives it back, or keeps it for the claim that its maker named. */
  | { readonly kind: "unbind" }
  /** The claim's turn. */
  | { readonly kind: "askClaim" }
  | { readonly kind: "tell"; readonly volumeEvent: EventInput; readonly claimEvent: EventInput };

/** What becomes of a volume without a claim: it stays, its provisioner removes it, or nobody here can. */
export type Reclaim = { readonly kind: "leave" } | { readonly kind: "fail"; readonly event: EventInput };

/** What is to be done about a volume: Kubernetes' syncVolume. `claim` is the one that it names, undefined where that is gone.
 *  Pure. */
export function planVolume(volume: PersistentVolume, claim: PersistentVolumeClaim | undefined): VolumeStep {
  const { metadata, spec } = volume;
  if (!spec.claimRef?.uid) return inPhase(volume, "Available");
  if (claim === undefined || claim.metadata.uid !== spec.claimRef.uid)
    return { kind: "release", reclaim: reclaim(volume) };
  if (!claim.spec.volumeName)
    return sameMode(claim, volume) ? { kind: "askClaim" } : mismatched(volume, claim);
  if (claim.spec.volumeName === metadata.name) return inPhase(volume, "Bound");
  const provisioned = metadata.annotations?.[volumeAnnotations.provisionedBy] !== undefined;
  // It was made for the claim, which got another meanwhile.
  if (provisioned && spec.persistentVolumeReclaimPolicy === "Delete")
    return { kind: "release", reclaim: reclaim(volume) };
  return { kind: "unbind" };
}

const inPhase = ({ status }: PersistentVolume, phase: "Available" | "Bound"): VolumeStep =>
  status?.phase === phase ? { kind: "nothing" } : { kind: "phase", phase };

function mismatched({ metadata }: PersistentVolume, claim: PersistentVolumeClaim): VolumeStep {
  const event = (message: string) => ({ type: "Warning", reason: "VolumeMismatch", message }) as const;
  const why = "due to incompatible volumeMode.";
  return {
    kind: "tell",
    volumeEvent: event(
      `Cannot bind PersistentVolume to requested PersistentVolumeClaim ${JSON.stringify(claim.metadata.name)} ${why}`,
    ),
    claimEvent: event(
      `Cannot bind PersistentVolume ${JSON.stringify(metadata.name)} to requested PersistentVolumeClaim ${why}`,
    ),
  };
}

function reclaim({ metadata, spec }: PersistentVolume): Reclaim {
  const fail = (reason: string, message: string): Reclaim => ({
    kind: "fail",
    event: { type: "Warning", reason, message },
  });
  switch (spec.persistentVolumeReclaimPolicy ?? "Retain") {
    case "Retain":
      return { kind: "leave" };
    case "Recycle":
      return fail("VolumeFailedRecycle", "No recycler plugin found for the volume!");
    case "Delete": {
      const by = metadata.annotations?.[volumeAnnotations.provisionedBy] ?? "";
      const name = JSON.stringify(metadata.name);
      return by !== "" && !by.startsWith("kubernetes.io/")
        ? { kind: "leave" }
        : fail(
            "VolumeFailedDelete",
            `error getting deleter volume plugin for volume ${name}: no deletable volume plugin matched`,
          );
    }
    default:
      return fail("VolumeUnknownReclaimPolicy", "Volume has unrecognized PersistentVolumeReclaimPolicy");
  }
}
