/** Pods that are placed together or not at all say so by labels, those of the scheduler plugins' coscheduling: the name of
 *  their group in their namespace, and how many of it must have a node before any is bound. */
export const groupLabels = {
  name: "pod-group.scheduling.sigs.k8s.io/name",
  least: "pod-group.scheduling.sigs.k8s.io/min-available",
} as const;

export interface PodGroup {
  /** `namespace/name`. */
  readonly key: string;
  readonly least: number;
}

/** Undefined for pods of no group; a group of fewer than two is none. */
export function podGroup(namespace: string, labels: Readonly<Record<string, string>>): PodGroup | undefined {
  const name = labels[groupLabels.name];
  const least = Number(labels[groupLabels.least] ?? "0");
  if (name === undefined || name === "" || !Number.isSafeInteger(least) || least < 2) return undefined;
  return { key: `${namespace}/${name}`, least };
}

const nobody: ReadonlySet<string> = new Set();

/** The keys of pods by their group. */
export class GroupIndex {
  readonly #members = new Map<string, Set<string>>();

  of(group: string): ReadonlySet<string> {
    return this.#members.get(group) ?? nobody;
  }

  add(pod: { readonly key: string; readonly group: PodGroup | undefined }): void {
    if (pod.group === undefined) return;
    const members = this.#members.get(pod.group.key);
    if (members === undefined) this.#members.set(pod.group.key, new Set([pod.key]));
    else members.add(pod.key);
  }

  delete(pod: { readonly key: string; readonly group: PodGroup | undefined }): void {
    if (pod.group === undefined) return;
    const members = this.#members.get(pod.group.key);
    members?.delete(pod.key);
    if (members?.size === 0) this.#members.delete(pod.group.key);
  }
}
