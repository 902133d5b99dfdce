import type { Node, Pod, Service } from "../../client/types.ts";
import { NodeInfo } from "./cycle/node-info.ts";
import type { ClusterEvent, Snapshot } from "./cycle/plugin.ts";
import { type PodInfo, podInfo } from "./cycle/pod-info.ts";
import type { Storage } from "./storage/storage.ts";

/** What the cache asks of the informers beside it. */
export interface CacheSources {
  readonly namespaceLabels: (namespace: string) => Readonly<Record<string, string>>;
  readonly services: (namespace: string) => readonly Service[];
  readonly storage: Storage;
}

/** A pod on a node: as the API server says, or as we decided a moment ago and have not heard back of. */
interface Placement {
  readonly info: PodInfo;
  readonly node: string;
  readonly assumed: boolean;
}

/** The cluster as scheduling sees it: what the informers showed, plus the placements just decided ("assumed"), so that
 *  the next decision counts them. Methods answer what changed, for the queue.
 *  Invariant: each placement is in the NodeInfo of its node if that node is known, and in no other. */
export class SchedulerCache implements Snapshot {
  readonly #sources: CacheSources;
  readonly #nodes = new Map<string, NodeInfo>();
  #list: readonly NodeInfo[] | undefined;
  /** By label; emptied when nodes change. */
  readonly #domains = new Map<string, number>();
  readonly #placements = new Map<string, Placement>();
  readonly #withAffinity = new Set<NodeInfo>();
  readonly #withAntiAffinity = new Set<NodeInfo>();
  readonly #byController = new Map<string, Map<string, number>>();

  constructor(sources: CacheSources) {
    this.#sources = sources;
  }

  get nodes(): readonly NodeInfo[] {
    this.#list ??= [...this.#nodes.values()];
    return this.#list;
  }

  get nodesWithAffinity(): readonly NodeInfo[] {
    return [...this.#withAffinity];
  }

  get nodesWithAntiAffinity(): readonly NodeInfo[] {
    return [...this.#withAntiAffinity];
  }

  get storage(): Storage {
    return this.#sources.storage;
  }

  get assumedCount(): number {
    let count = 0;
    for (const { assumed } of this.#placements.values()) if (assumed) count++;
    return count;
  }

  node(name: string): NodeInfo | undefined {
    return this.#nodes.get(name);
  }

  domainCount(labelKey: string): number {
    const known = this.#domains.get(labelKey);
    if (known !== undefined) return known;
    const values = new Set(this.nodes.flatMap(({ labels }) => labels[labelKey] ?? []));
    this.#domains.set(labelKey, values.size);
    return values.size;
  }

  namespaceLabels(namespace: string): Readonly<Record<string, string>> {
    return this.#sources.namespaceLabels(namespace);
  }

  services(namespace: string): readonly Service[] {
    return this.#sources.services(namespace);
  }

  podsOfController(uid: string): ReadonlyMap<string, number> {
    return this.#byController.get(uid) ?? new Map();
  }

  putNode(node: Node): ClusterEvent | undefined {
    const known = this.#nodes.get(node.metadata.name);
    if (known !== undefined) {
      const changed = schedulingView(known.node) !== schedulingView(node);
      known.setNode(node);
      if (changed) this.#domains.clear();
      return changed ? "nodeChanged" : undefined;
    }
    const info = new NodeInfo(node);
    this.#nodes.set(info.name, info);
    this.#list = undefined;
    this.#domains.clear();
    for (const placement of this.#placements.values())
      if (placement.node === info.name) info.add(placement.info);
    this.#track(info);
    return "nodeAdded";
  }

  deleteNode(name: string): void {
    const info = this.#nodes.get(name);
    if (info === undefined) return;
    this.#nodes.delete(name);
    this.#list = undefined;
    this.#domains.clear();
    this.#withAffinity.delete(info);
    this.#withAntiAffinity.delete(info);
  }

  /** A pod that the API server says is on a node; confirms or corrects what was assumed. */
  putPod(pod: Pod): ClusterEvent | undefined {
    const info = podInfo(pod);
    const node = pod.spec.nodeName ?? "";
    const before = this.#placements.get(info.key);
    this.#place({ info, node, assumed: false });
    if (before === undefined || before.node !== node || before.assumed) return "podPlaced";
    if (shrank(before.info, info)) return "podRemoved";
    return JSON.stringify(before.info.labels) === JSON.stringify(info.labels) ? undefined : "podPlaced";
  }

  /** The pod is gone or has ended. */
  deletePod(key: string): ClusterEvent | undefined {
    return this.#unplace(key) ? "podRemoved" : undefined;
  }

  /** Counts a pod on the node that was chosen for it, before the API server knows. */
  assume(info: PodInfo, node: string): void {
    this.#place({ info, node, assumed: true });
  }

  /** Takes an assumption back: binding failed. Does nothing if the API server said otherwise meanwhile. */
  forget(info: PodInfo): ClusterEvent | undefined {
    const placement = this.#placements.get(info.key);
    const ours = placement?.assumed && placement.info.pod.metadata.uid === info.pod.metadata.uid;
    return ours ? this.deletePod(info.key) : undefined;
  }

  isPlaced(key: string): boolean {
    return this.#placements.has(key);
  }

  #place(placement: Placement): void {
    this.#unplace(placement.info.key);
    this.#placements.set(placement.info.key, placement);
    this.#countController(placement, 1);
    const node = this.#nodes.get(placement.node);
    if (node === undefined) return;
    node.add(placement.info);
    this.#track(node);
  }

  #unplace(key: string): boolean {
    const placement = this.#placements.get(key);
    if (placement === undefined) return false;
    this.#placements.delete(key);
    this.#countController(placement, -1);
    const node = this.#nodes.get(placement.node);
    node?.remove(key);
    if (node !== undefined) this.#track(node);
    return true;
  }

  #countController({ info, node }: Placement, by: 1 | -1): void {
    const uid = info.controllerUid;
    if (uid === undefined) return;
    const counts = this.#byController.get(uid) ?? new Map<string, number>();
    this.#byController.set(uid, counts);
    const count = (counts.get(node) ?? 0) + by;
    if (count > 0) counts.set(node, count);
    else counts.delete(node);
    if (counts.size === 0) this.#byController.delete(uid);
  }

  #track(node: NodeInfo): void {
    member(this.#withAffinity, node, node.podsWithAffinity.size > 0);
    member(this.#withAntiAffinity, node, node.podsWithAntiAffinity.size > 0);
  }
}

function member<T>(set: Set<T>, value: T, belongs: boolean): void {
  if (belongs) set.add(value);
  else set.delete(value);
}

/** What of a node matters for scheduling; heartbeats change none of it. */
function schedulingView({ metadata, spec, status }: Node): string {
  return JSON.stringify([
    metadata.labels,
    spec?.taints,
    spec?.unschedulable,
    status?.allocatable,
    status?.images,
  ]);
}

function shrank(before: PodInfo, after: PodInfo): boolean {
  return Object.entries(before.requests).some(([name, amount]) => (after.requests[name] ?? 0) < amount);
}
