import type { Selector } from "../../base/label-selector.ts";
import type { Node, Pod } from "../../client/types.ts";
import type { ClusterEvent } from "./cycle/cluster-event.ts";
import type { NodeRefusal } from "./cycle/filter-run.ts";
import { NodeInfo } from "./cycle/node-info.ts";
import { NodeMemory } from "./cycle/node-memory.ts";
import type { Trial } from "./cycle/plugin.ts";
import { GroupIndex } from "./cycle/pod-group.ts";
import { type PodInfo, podInfo } from "./cycle/pod-info.ts";
import type { Snapshot } from "./cycle/snapshot.ts";
import { TermIndex } from "./cycle/term-index.ts";
import { TopologyIndex } from "./cycle/topology-index.ts";
import type { Counting, TopologyTable } from "./cycle/topology-table.ts";
import { Nominations } from "./nominations.ts";
import type { Storage } from "./storage/storage.ts";

/** What the cache asks of the informers beside it. */
export interface CacheSources {
  readonly namespaceLabels: (namespace: string) => Readonly<Record<string, string>>;
  readonly siblings: (pod: Pod) => Selector | undefined;
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
 *  Invariant: each placement is in the NodeInfo of its node if that node is known, and in no other; the indexes count
 *  exactly the pods and nodes that are there. */
export class SchedulerCache implements Snapshot {
  readonly nominations = new Nominations();
  readonly terms = new TermIndex();
  readonly verdicts = new NodeMemory<NodeRefusal | undefined>();
  readonly scores = new NodeMemory<number>();
  readonly trials = new NodeMemory<Trial>();
  readonly #sources: CacheSources;
  readonly #nodes = new Map<string, NodeInfo>();
  #list: readonly NodeInfo[] | undefined;
  readonly #placements = new Map<string, Placement>();
  /** Placements on nodes that are not known. */
  readonly #astray = new Map<string, Set<string>>();
  readonly #tables = new TopologyIndex();
  readonly #images = new Map<string, number>();
  readonly #claims = new Map<string, number>();
  readonly #groups = new GroupIndex();
  #tainted = 0;
  #assumed = 0;

  constructor(sources: CacheSources) {
    this.#sources = sources;
  }

  get nodes(): readonly NodeInfo[] {
    this.#list ??= [...this.#nodes.values()];
    return this.#list;
  }

  get taintedNodes(): number {
    return this.#tainted;
  }

  get storage(): Storage {
    return this.#sources.storage;
  }

  get assumedCount(): number {
    return this.#assumed;
  }

  get podCount(): number {
    return this.#placements.size;
  }

  get nominatedRepel(): boolean {
    return this.nominations.repel;
  }

  node(name: string): NodeInfo | undefined {
    return this.#nodes.get(name);
  }

  nodesWithImage(name: string): number {
    return this.#images.get(name) ?? 0;
  }

  table(counting: Counting): TopologyTable {
    return this.#tables.table(counting, this.nodes);
  }

  namespaceLabels(namespace: string): Readonly<Record<string, string>> {
    return this.#sources.namespaceLabels(namespace);
  }

  siblings({ pod }: PodInfo): Selector | undefined {
    return this.#sources.siblings(pod);
  }

  claimUsers(key: string): number {
    return this.#claims.get(key) ?? 0;
  }

  placedOf(group: string): ReadonlySet<string> {
    return this.#groups.of(group);
  }

  nominatedOn(node: string): readonly PodInfo[] {
    return this.nominations.on(node);
  }

  namespaceChanged(): void {
    this.#tables.namespaceChanged();
  }

  putNode(node: Node): ClusterEvent | undefined {
    const known = this.#nodes.get(node.metadata.name);
    if (known === undefined) {
      this.#addNode(new NodeInfo(node));
      return { kind: "nodeAdded", node };
    }
    const before = known.node;
    const changed = schedulingView(before) !== schedulingView(node);
    const moved = changed && topologyView(before) !== topologyView(node);
    if (moved) this.#leave(known);
    if (changed) this.#countNode(known, -1);
    known.setNode(node);
    if (changed) this.#countNode(known, 1);
    if (moved) this.#join(known);
    return changed ? { kind: "nodeChanged", node, before } : undefined;
  }

  deleteNode(name: string): void {
    const info = this.#nodes.get(name);
    if (info === undefined) return;
    this.#leave(info);
    this.#countNode(info, -1);
    this.#nodes.delete(name);
    this.verdicts.forget(info);
    this.scores.forget(info);
    this.trials.forget(info);
    this.#list = undefined;
    if (info.pods.size > 0) this.#astray.set(name, new Set(info.pods.keys()));
  }

  /** A pod that the API server says is on a node; confirms or corrects what was assumed. */
  putPod(pod: Pod): ClusterEvent | undefined {
    const info = podInfo(pod);
    const node = pod.spec.nodeName ?? "";
    const before = this.#placements.get(info.key);
    this.#place({ info, node, assumed: false });
    if (before === undefined || before.node !== node || before.assumed)
      return { kind: "podPlaced", pod: info };
    if (shrank(before.info, info)) return { kind: "podShrank", pod: info };
    if (JSON.stringify(before.info.labels) === JSON.stringify(info.labels)) return undefined;
    return { kind: "podRelabelled", pod: info, before: before.info };
  }

  /** The pod is gone or has ended. */
  deletePod(key: string): ClusterEvent | undefined {
    const placement = this.#unplace(key);
    return placement && { kind: "podRemoved", pod: placement.info };
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

  #addNode(info: NodeInfo): void {
    this.#nodes.set(info.name, info);
    this.#list = undefined;
    for (const key of this.#astray.get(info.name) ?? []) {
      const placement = this.#placements.get(key);
      if (placement?.node === info.name) info.add(placement.info);
    }
    this.#astray.delete(info.name);
    this.#countNode(info, 1);
    this.#join(info);
  }

  #join(node: NodeInfo): void {
    this.#tables.join(node);
    this.terms.join(node);
  }

  #leave(node: NodeInfo): void {
    this.#tables.leave(node);
    this.terms.leave(node);
  }

  #countNode(node: NodeInfo, by: 1 | -1): void {
    if (node.taints.length > 0) this.#tainted += by;
    for (const name of node.imageBytes.keys()) bump(this.#images, name, by);
  }

  #place(placement: Placement): void {
    this.#unplace(placement.info.key);
    const { info, node: name, assumed } = placement;
    this.#placements.set(info.key, placement);
    if (assumed) this.#assumed++;
    for (const claim of info.claims) bump(this.#claims, claim, 1);
    this.#groups.add(info);
    const node = this.#nodes.get(name);
    if (node === undefined) {
      const astray = this.#astray.get(name);
      if (astray === undefined) this.#astray.set(name, new Set([info.key]));
      else astray.add(info.key);
      return;
    }
    node.add(info);
    this.#tables.place(info, node, 1);
    this.terms.place(info, node, 1);
  }

  #unplace(key: string): Placement | undefined {
    const placement = this.#placements.get(key);
    if (placement === undefined) return undefined;
    const { info, node: name, assumed } = placement;
    this.#placements.delete(key);
    if (assumed) this.#assumed--;
    for (const claim of info.claims) bump(this.#claims, claim, -1);
    this.#groups.delete(info);
    const node = this.#nodes.get(name);
    if (node === undefined) {
      const astray = this.#astray.get(name);
      astray?.delete(key);
      if (astray?.size === 0) this.#astray.delete(name);
      return placement;
    }
    node.remove(key);
    this.#tables.place(info, node, -1);
    this.terms.place(info, node, -1);
    return placement;
  }
}

function bump(counts: Map<string, number>, key: string, by: 1 | -1): void {
  const count = (counts.get(key) ?? 0) + by;
  if (count === 0) counts.delete(key);
  else counts.set(key, count);
}

/** What of a node matters for scheduling; heartbeats change none of it. */
function schedulingView({ metadata, spec, status }: Node): string {
  return JSON.stringify([
    metadata.labels,
    spec?.taints,
    spec?.unschedulable,
    status?.allocatable,
    status?.images,
    status?.declaredFeatures,
  ]);
}

/** What of a node says which topologies it belongs to, and whether it counts there. */
const topologyView = ({ metadata, spec }: Node): string => JSON.stringify([metadata.labels, spec?.taints]);

function shrank(before: PodInfo, after: PodInfo): boolean {
  return Object.entries(before.requests).some(([name, amount]) => (after.requests[name] ?? 0) < amount);
}
