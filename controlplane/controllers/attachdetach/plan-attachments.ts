import type { PersistentVolume, Pod, VolumeAttachment } from "../../../client/types.ts";
import { timeMs } from "../times.ts";

/** A node that has, or wants, the volume. */
export interface NodeSeen {
  readonly name: string;
  /** Pods there that need the volume, and whose node leaves attaching to controllers. */
  readonly pods: readonly Pod[];
  readonly attachment: VolumeAttachment | undefined;
  /** The node's status says that the volume may be mounted. */
  readonly isReported: boolean;
  /** There is no such node any more: nothing is attached to it, and nobody can be told. */
  readonly isGone: boolean;
  /** The node's status says that it is mounted, or about to be, or did so when it went; assumed where nobody knows. */
  readonly isInUse: boolean;
  readonly isHealthy: boolean;
  readonly isOutOfService: boolean;
  /** Since when nobody there needs it, on the monotonic clock. */
  readonly unneededSinceMs: number | undefined;
}

export interface VolumeSeen {
  /** Undefined: the persistent volume is gone, or its driver needs no attaching; it can only be detached. */
  readonly volume: PersistentVolume | undefined;
  readonly nodes: readonly NodeSeen[];
  readonly nowMs: number;
  readonly wallNowMs: number;
  /** Whether a volume is taken from a node that is not ready once it had its time to unmount it. */
  readonly forcesOnTimeout: boolean;
}

export type ForcedBy = "timeout" | "out-of-service";

export type AttachmentStep =
  /** Asks the driver's attacher for it. */
  | { readonly step: "attach"; readonly node: string; readonly volume: PersistentVolume }
  /** Tells the node that it may be mounted, or may not be any more. */
  | { readonly step: "report"; readonly node: string; readonly pods: readonly Pod[] }
  | { readonly step: "unreport"; readonly node: string }
  /** Tells the node, then asks the attacher: unless forced, only where the API itself says that it is not in use. */
  | {
      readonly step: "detach";
      readonly node: string;
      readonly attachment: VolumeAttachment;
      readonly forcedBy?: ForcedBy;
    }
  /** The attacher failed, or is silent. */
  | { readonly step: "tell"; readonly node: string; readonly pods: readonly Pod[]; readonly why: string }
  /** Another node has it, and only one can. `users`: the pods there. */
  | {
      readonly step: "exclude";
      readonly node: string;
      readonly pods: readonly Pod[];
      readonly users: readonly Pod[];
    }
  | { readonly step: "wait"; readonly node: string; readonly forMs: number };

export const attachLimits = {
  /** How long a node that is not ready may take to unmount. */
  unmountMs: 360_000,
  /** How long an attacher may be silent. */
  answerMs: 120_000,
} as const;

/** Of volumes without modes nobody knows; the driver is asked. */
export function allowsManyNodes({ spec }: PersistentVolume): boolean {
  const { accessModes = [] } = spec;
  const shared = accessModes.some((mode) => mode === "ReadWriteMany" || mode === "ReadOnlyMany");
  return accessModes.length === 0 || shared;
}

/** What is to be done for one volume on all nodes that have or want it: Kubernetes' reconcile. Detaching comes first. Pure. */
export function planAttachments(seen: VolumeSeen): readonly AttachmentStep[] {
  const { volume, nodes } = seen;
  const wanted = volume === undefined ? [] : nodes.filter(wantsIt);
  const steps = nodes.filter((node) => !wanted.includes(node)).flatMap((node) => planDetach(node, seen));
  if (volume === undefined) return steps;
  /** The node that is to have a volume of which only one can. */
  let holder = allowsManyNodes(volume) ? undefined : nodes.find(hasIt);
  for (const node of [...wanted].sort(oldestFirst)) {
    if (holder !== undefined && holder !== node) {
      if (isThere(holder))
        steps.push({ step: "exclude", node: node.name, pods: node.pods, users: holder.pods });
      continue;
    }
    if (!allowsManyNodes(volume)) holder = node;
    steps.push(...planAttach(node, volume, seen));
  }
  return steps;
}

const hasIt = (node: NodeSeen): boolean => node.attachment !== undefined || node.isReported;
/** Nothing is attached to a node that is gone: there it is only kept. */
const wantsIt = (node: NodeSeen): boolean => node.pods.length > 0 && (!node.isGone || hasIt(node));
const isThere = (node: NodeSeen): boolean => node.isReported || node.attachment?.status?.attached === true;

/** Who asked first gets it. */
function oldestFirst(a: NodeSeen, b: NodeSeen): number {
  const sinceMs = ({ pods }: NodeSeen) =>
    Math.min(...pods.map(({ metadata }) => timeMs(metadata.creationTimestamp)));
  return sinceMs(a) - sinceMs(b) || (a.name < b.name ? -1 : 1);
}

function planAttach(
  { name: node, pods, attachment, isReported, isGone }: NodeSeen,
  volume: PersistentVolume,
  { wallNowMs }: VolumeSeen,
): readonly AttachmentStep[] {
  if (isGone) return [];
  const unreport: readonly AttachmentStep[] = isReported ? [{ step: "unreport", node }] : [];
  if (attachment === undefined) return [...unreport, { step: "attach", node, volume }];
  const tell = (why: string): AttachmentStep => ({ step: "tell", node, pods, why });
  const { metadata, status } = attachment;
  if (metadata.deletionTimestamp !== undefined)
    return [...unreport, tell("volume attachment is being deleted")];
  if (status?.attached === true) return isReported ? [] : [{ step: "report", node, pods }];
  if (status?.attachError !== undefined) return [...unreport, tell(status.attachError.message ?? "")];
  const forMs = timeMs(metadata.creationTimestamp) + attachLimits.answerMs - wallNowMs;
  if (forMs > 0) return [...unreport, { step: "wait", node, forMs }];
  const { driver = "", volumeHandle = "" } = volume.spec.csi ?? {};
  return [
    ...unreport,
    tell(`timed out waiting for external-attacher of ${driver} CSI driver to attach volume ${volumeHandle}`),
  ];
}

function planDetach(seen: NodeSeen, { nowMs, forcesOnTimeout }: VolumeSeen): readonly AttachmentStep[] {
  const { name: node, attachment, isReported, isInUse, isHealthy, isOutOfService, unneededSinceMs } = seen;
  if (!hasIt(seen)) return [];
  const leftMs = (unneededSinceMs ?? nowMs) + attachLimits.unmountMs - nowMs;
  const isLate = leftMs <= 0 && forcesOnTimeout;
  if (isInUse && !(isLate && !isHealthy) && !isOutOfService)
    return forcesOnTimeout && leftMs > 0 ? [{ step: "wait", node, forMs: leftMs }] : [];
  // What is asked for already is the attacher's to finish.
  if (attachment === undefined || attachment.metadata.deletionTimestamp !== undefined)
    return isReported ? [{ step: "unreport", node }] : [];
  const forcedBy = isLate ? "timeout" : isOutOfService ? "out-of-service" : undefined;
  return [{ step: "detach", node, attachment, ...(forcedBy !== undefined && { forcedBy }) }];
}
