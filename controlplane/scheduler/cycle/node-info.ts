import { onlyOwnFields } from "../../../base/own-field.ts";
import { type Amounts, amountsOf } from "../../../client/rules/pod-requests.ts";
import type { Node, Taint } from "../../../client/types.ts";
import type { PodInfo } from "./pod-info.ts";

/** A node and what is on it, kept up to date one pod at a time.
 *  Invariant: `requested`, `assumedRequested` and the lists of pods are those of exactly the pods in `pods`. */
export class NodeInfo {
  readonly name: string;
  /** Made to try changes on: not what the cluster is. */
  readonly isCopy: boolean;
  #version = 0;
  #node: Node;
  #allocatable: Amounts;
  #labels: Readonly<Record<string, string>> | undefined;
  #imageBytes: ReadonlyMap<string, number> | undefined;
  readonly #pods = new Map<string, PodInfo>();
  readonly #withAffinity = new Map<string, PodInfo>();
  readonly #withHostPorts = new Map<string, PodInfo>();
  #requested: Record<string, number> = {};
  #assumedRequested: Record<string, number> = {};

  constructor(node: Node, allocatable = amountsOf(node.status?.allocatable), isCopy = false) {
    this.name = node.metadata.name;
    this.isCopy = isCopy;
    this.#node = node;
    this.#allocatable = allocatable;
  }

  get node(): Node {
    return this.#node;
  }

  /** Another one after each change of the node and of the pods on it. */
  get version(): number {
    return this.#version;
  }

  setNode(node: Node): void {
    this.#version++;
    this.#node = node;
    this.#labels = undefined;
    this.#imageBytes = undefined;
    this.#allocatable = amountsOf(node.status?.allocatable);
  }

  get labels(): Readonly<Record<string, string>> {
    this.#labels ??= onlyOwnFields(this.#node.metadata.labels ?? {});
    return this.#labels;
  }

  get taints(): readonly Taint[] {
    return this.#node.spec?.taints ?? [];
  }

  get allocatable(): Amounts {
    return this.#allocatable;
  }

  /** The size of each image that is there, by each of its names. */
  get imageBytes(): ReadonlyMap<string, number> {
    this.#imageBytes ??= imageBytesOf(this.#node);
    return this.#imageBytes;
  }

  get requested(): Amounts {
    return this.#requested;
  }

  get assumedRequested(): Amounts {
    return this.#assumedRequested;
  }

  get pods(): ReadonlyMap<string, PodInfo> {
    return this.#pods;
  }

  /** Pods with any term of affinity or anti-affinity, required or preferred. */
  get podsWithAffinity(): ReadonlyMap<string, PodInfo> {
    return this.#withAffinity;
  }

  get podsWithHostPorts(): ReadonlyMap<string, PodInfo> {
    return this.#withHostPorts;
  }

  /** The same node to try changes of its pods on. */
  clone(): NodeInfo {
    const copy = new NodeInfo(this.#node, this.#allocatable, true);
    for (const [key, pod] of this.#pods) copy.#pods.set(key, pod);
    for (const [key, pod] of this.#withAffinity) copy.#withAffinity.set(key, pod);
    for (const [key, pod] of this.#withHostPorts) copy.#withHostPorts.set(key, pod);
    copy.#imageBytes = this.#imageBytes;
    copy.#requested = { ...this.#requested };
    copy.#assumedRequested = { ...this.#assumedRequested };
    return copy;
  }

  add(pod: PodInfo): void {
    if (this.#pods.has(pod.key)) this.remove(pod.key);
    this.#version++;
    this.#pods.set(pod.key, pod);
    count(this.#requested, pod.requests, 1);
    count(this.#assumedRequested, pod.assumedRequests, 1);
    if (pod.hostPorts.length > 0) this.#withHostPorts.set(pod.key, pod);
    const terms =
      pod.affinity.length +
      pod.antiAffinity.length +
      pod.preferredAffinity.length +
      pod.preferredAntiAffinity.length;
    if (terms > 0) this.#withAffinity.set(pod.key, pod);
  }

  remove(key: string): void {
    const pod = this.#pods.get(key);
    if (pod === undefined) return;
    this.#version++;
    this.#pods.delete(key);
    this.#withAffinity.delete(key);
    this.#withHostPorts.delete(key);
    count(this.#requested, pod.requests, -1);
    count(this.#assumedRequested, pod.assumedRequests, -1);
  }
}

function count(sums: Record<string, number>, amounts: Amounts, by: 1 | -1): void {
  for (const name in amounts) sums[name] = (sums[name] ?? 0) + by * (amounts[name] as number);
}

function imageBytesOf({ status }: Node): ReadonlyMap<string, number> {
  const bytes = new Map<string, number>();
  for (const { names = [], sizeBytes = 0 } of status?.images ?? [])
    for (const name of names) bytes.set(name, sizeBytes);
  return bytes;
}
