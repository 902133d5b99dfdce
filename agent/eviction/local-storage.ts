import { type Amount, amountText, readAmount } from "../../base/quantity-text.ts";
import { limitOf, podLimit } from "../../client/rules/pod-limits.ts";
import type { Pod, PodSpec, Volume } from "../../client/types.ts";

const resource = "ephemeral-storage";
const nano = 1_000_000_000n;

/** What has to be measured to judge a pod. */
export interface StorageQuestion {
  /** Names of volumes. */
  readonly volumes: readonly string[];
  /** Whether what the running containers wrote, logs and writable layers, counts. */
  readonly containers: boolean;
}

/** Bytes on disk, as far as they are known; what was never measured is missing. */
export interface StorageUsage {
  /** By the volume's name. */
  readonly volumes: ReadonlyMap<string, number>;
  /** Log and writable layer of each running container, by its name. */
  readonly containers: ReadonlyMap<string, number>;
}

/** Undefined for a pod that limits nothing: nothing of it needs to be measured. */
export function storageQuestion({ spec }: Pod): StorageQuestion | undefined {
  const limited = podLimit(spec, resource) !== undefined;
  const volumes = (spec.volumes ?? []).filter(
    (volume) => sizeLimit(volume) !== undefined || (limited && isOnDisk(volume)),
  );
  if (!limited && volumes.length === 0) return undefined;
  return { volumes: volumes.map(({ name }) => name), containers: limited };
}

/** Why the pod has to go for what it wrote to this node's disk, in the kubelet's words; undefined when it may stay. Asked in
 *  the kubelet's order: each empty folder, the pod as a whole, each container. */
export function excessStorage({ spec }: Pod, usage: StorageUsage): string | undefined {
  for (const volume of spec.volumes ?? []) {
    const limit = sizeLimit(volume);
    const used = usage.volumes.get(volume.name);
    if (limit !== undefined && used !== undefined && exceeds(used, limit))
      return `Usage of EmptyDir volume "${volume.name}" exceeds the limit "${amountText(limit)}". `;
  }
  const whole = podLimit(spec, resource);
  if (whole !== undefined && exceeds(totalOf(spec, usage), whole))
    return `Pod ephemeral local storage usage exceeds the total limit of containers ${amountText(whole)}. `;
  for (const { name, resources } of spec.containers) {
    const limit = limitOf(resources?.limits, resource);
    const used = usage.containers.get(name);
    if (limit !== undefined && limit.nanos !== 0n && used !== undefined && exceeds(used, limit))
      return `Container ${name} exceeded its local ephemeral storage limit "${amountText(limit)}". `;
  }
  return undefined;
}

const exceeds = (bytes: number, { nanos }: Amount): boolean => BigInt(bytes) * nano > nanos;

/** A limit of zero is none. */
function sizeLimit({ emptyDir }: Volume): Amount | undefined {
  if (emptyDir?.sizeLimit === undefined) return undefined;
  const limit = readAmount(emptyDir.sizeLimit);
  return limit.nanos > 0n ? limit : undefined;
}

/** What lies on the node's disk as the pod's own: what it writes, and what was written for it from config maps. */
export const isOnDisk = ({ emptyDir, configMap }: Volume): boolean =>
  configMap !== undefined || (emptyDir !== undefined && (emptyDir.medium ?? "") === "");

function totalOf({ volumes = [] }: PodSpec, usage: StorageUsage): number {
  let bytes = 0;
  for (const volume of volumes) if (isOnDisk(volume)) bytes += usage.volumes.get(volume.name) ?? 0;
  for (const used of usage.containers.values()) bytes += used;
  return bytes;
}
