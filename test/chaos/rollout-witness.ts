import type { Informer } from "../../client/informer.ts";
import type { Pod } from "../../client/types.ts";

/** What a controller must keep of its pods at every moment. */
export interface Bounds {
  /** Pods of this label `app`. */
  readonly app: string;
  /** Not more at once, those that are being deleted left out. */
  readonly most: number;
  /** Not fewer ready ones at once, once there were so many. */
  readonly readyLeast: number;
}

/** Watches pods as they come and go, and notes each moment at which bounds are broken. Also that no pod changes its node. */
export class RolloutWitness {
  readonly problems: string[] = [];
  readonly #bounds: readonly Bounds[];
  readonly #pods: Informer<Pod>;
  readonly #begun = new Set<string>();
  readonly #nodes = new Map<string, string>();
  /** Names of pods that were seen, by app. */
  readonly seen = new Map<string, Set<string>>();

  constructor(pods: Informer<Pod>, bounds: readonly Bounds[]) {
    this.#pods = pods;
    this.#bounds = bounds;
    const look = (pod: Pod) => this.#look(pod);
    pods.subscribe({ onAdd: look, onUpdate: look, onDelete: look });
  }

  #look(pod: Pod): void {
    const { uid, name, labels = {} } = pod.metadata;
    const node = pod.spec.nodeName;
    const before = this.#nodes.get(uid);
    if (node !== undefined && before !== undefined && before !== node)
      this.problems.push(`${name} was on ${before}, now on ${node}`);
    if (node !== undefined) this.#nodes.set(uid, node);
    const bounds = this.#bounds.find(({ app }) => app === labels.app);
    if (bounds === undefined) return;
    const seen = this.seen.get(bounds.app) ?? new Set();
    this.seen.set(bounds.app, seen.add(name));
    this.#check(bounds);
  }

  #check({ app, most, readyLeast }: Bounds): void {
    const { there, ready } = countOf(this.#pods.list(), app);
    if (there > most) this.problems.push(`${app}: ${there} pods at once, not more than ${most} are allowed`);
    if (ready >= readyLeast) this.#begun.add(app);
    else if (this.#begun.has(app))
      this.problems.push(`${app}: ${ready} ready pods, not fewer than ${readyLeast} are allowed`);
  }
}

/** Of the pods of an app that are not being deleted and have not ended: how many there are, and how many are ready. */
export function countOf(
  pods: readonly Pod[],
  app: string,
): { readonly there: number; readonly ready: number } {
  const there = pods.filter(
    ({ metadata, status }) =>
      metadata.labels?.app === app &&
      metadata.deletionTimestamp === undefined &&
      !["Succeeded", "Failed"].includes(status?.phase ?? ""),
  );
  return { there: there.length, ready: there.filter(isReady).length };
}

const isReady = ({ status }: Pod): boolean =>
  (status?.conditions ?? []).some(({ type, status: is }) => type === "Ready" && is === "True");
