import type { Informer } from "../client/informer.ts";
import type { Node, Pod } from "../client/types.ts";

/** What a controller must keep of its pods at every moment. */
export interface Bounds {
  /** What reports call them. */
  readonly name: string;
  /** Pods with these labels. */
  readonly labels: Readonly<Record<string, string>>;
  /** Not more at once, those that are being deleted left out; unbounded where absent. */
  readonly most?: number;
  /** Not fewer ready ones at once, once there were so many. */
  readonly readyLeast: number;
  /** Not two of them on one node, but for one that is being deleted. */
  readonly onePerNode?: boolean;
}

/** Watches pods as they come and go, and notes each moment at which bounds are broken. Also that no pod changes its node. */
export class RolloutWitness {
  readonly problems: string[] = [];
  readonly #pods: Informer<Pod>;
  readonly #nodes = new Map<string, string>();
  /** Names of those for which there once were enough. */
  readonly #begun = new Set<string>();
  #bounds: readonly Bounds[];
  /** Pods that were seen: their names by their uids, by the bounds' name. */
  readonly seen = new Map<string, Map<string, string>>();

  constructor(pods: Informer<Pod>, bounds: readonly Bounds[]) {
    this.#pods = pods;
    this.#bounds = bounds;
    const look = (pod: Pod) => this.#look(pod);
    pods.subscribe({ onAdd: look, onUpdate: look, onDelete: look });
  }

  /** From now on it is to be so: somebody scaled. */
  expect(bounds: readonly Bounds[]): void {
    this.#bounds = bounds;
    this.#begun.clear();
  }

  #look(pod: Pod): void {
    const { uid, name } = pod.metadata;
    const node = pod.spec.nodeName;
    const before = this.#nodes.get(uid);
    if (node !== undefined && before !== undefined && before !== node)
      this.problems.push(`${name} was on ${before}, now on ${node}`);
    if (node !== undefined) this.#nodes.set(uid, node);
    for (const bounds of this.#bounds) {
      if (!podHas(pod, bounds.labels)) continue;
      const seen = this.seen.get(bounds.name) ?? new Map();
      this.seen.set(bounds.name, seen.set(uid, name));
      this.#check(bounds);
    }
  }

  #check({ name, labels, most = Number.POSITIVE_INFINITY, readyLeast, onePerNode }: Bounds): void {
    const there = standing(this.#pods.list(), labels);
    const ready = there.filter(isReady).length;
    if (there.length > most)
      this.problems.push(`${name}: ${there.length} pods at once, not more than ${most} are allowed`);
    if (ready >= readyLeast) this.#begun.add(name);
    else if (this.#begun.has(name))
      this.problems.push(`${name}: ${ready} ready pods, not fewer than ${readyLeast} are allowed`);
    const nodes = there.flatMap(({ spec }) => spec.nodeName ?? []);
    if (onePerNode && new Set(nodes).size < nodes.length)
      this.problems.push(`${name}: two pods on one node: ${nodes.sort().join(" ")}`);
  }
}

/** Of the pods with these labels that are not being deleted and have not ended: how many there are, and how many are ready. */
export function countOf(
  pods: readonly Pod[],
  labels: Readonly<Record<string, string>>,
): { readonly there: number; readonly ready: number } {
  const there = standing(pods, labels);
  return { there: there.length, ready: there.filter(isReady).length };
}

const standing = (pods: readonly Pod[], labels: Readonly<Record<string, string>>) =>
  pods.filter(
    (pod) =>
      podHas(pod, labels) &&
      pod.metadata.deletionTimestamp === undefined &&
      !["Succeeded", "Failed"].includes(pod.status?.phase ?? ""),
  );

export const podHas = ({ metadata }: Pod, labels: Readonly<Record<string, string>>): boolean =>
  Object.entries(labels).every(([key, value]) => metadata.labels?.[key] === value);

/** Whether a pod or a node says that it is ready. */
export const isReady = ({ status }: Pick<Pod | Node, "status">): boolean =>
  (status?.conditions ?? []).some(({ type, status: is }) => type === "Ready" && is === "True");
