import type { PodInfo } from "./cycle/pod-info.ts";

const nobody: readonly PodInfo[] = [];

/** Which node was promised to which waiting pod, once others were told to leave it.
 *  Invariant: a pod is promised one node at most. */
export class Nominations {
  readonly #byNode = new Map<string, Map<string, PodInfo>>();
  readonly #nodeOf = new Map<string, string>();
  #repelling = 0;

  on(node: string): readonly PodInfo[] {
    if (this.#byNode.size === 0) return nobody;
    const pods = this.#byNode.get(node);
    return pods === undefined ? nobody : [...pods.values()];
  }

  /** Whether one of them keeps others away from it. */
  get repel(): boolean {
    return this.#repelling > 0;
  }

  nodeOf(key: string): string | undefined {
    return this.#nodeOf.get(key);
  }

  put(pod: PodInfo, node: string): void {
    this.delete(pod.key);
    this.#nodeOf.set(pod.key, node);
    const pods = this.#byNode.get(node) ?? new Map<string, PodInfo>();
    this.#byNode.set(node, pods.set(pod.key, pod));
    if (pod.antiAffinity.length > 0) this.#repelling++;
  }

  delete(key: string): void {
    const node = this.#nodeOf.get(key);
    if (node === undefined) return;
    this.#nodeOf.delete(key);
    const pods = this.#byNode.get(node);
    if ((pods?.get(key)?.antiAffinity.length ?? 0) > 0) this.#repelling--;
    pods?.delete(key);
    if (pods?.size === 0) this.#byNode.delete(node);
  }
}
