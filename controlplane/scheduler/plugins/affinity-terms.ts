import { matchesLabels } from "../../../base/label-selector.ts";
import type { Snapshot } from "../cycle/plugin.ts";
import type { AffinityTerm, PodInfo } from "../cycle/pod-info.ts";

/** Whether a pod is one of those that the term speaks of. */
export function matchesAffinityTerm(term: AffinityTerm, pod: PodInfo, snapshot: Snapshot): boolean {
  return inNamespaces(term, pod.namespace, snapshot) && matchesLabels(term.selector, pod.labels);
}

function inNamespaces(term: AffinityTerm, namespace: string, snapshot: Snapshot): boolean {
  if (term.namespaces.has(namespace)) return true;
  const selector = term.namespaceSelector;
  return selector !== undefined && matchesLabels(selector, snapshot.namespaceLabels(namespace));
}

/** Numbers by topology: the value of a node label, under the label's key. */
export class TopologyCounts {
  readonly #byKey = new Map<string, Map<string, number>>();

  add(key: string, value: string, amount: number): void {
    const byValue = this.#byKey.get(key);
    if (byValue === undefined) this.#byKey.set(key, new Map([[value, amount]]));
    else byValue.set(value, (byValue.get(value) ?? 0) + amount);
  }

  get(key: string, value: string): number {
    return this.#byKey.get(key)?.get(value) ?? 0;
  }

  get empty(): boolean {
    return this.#byKey.size === 0;
  }

  /** The sum over the keys of what the node's own values have. */
  sumFor(labels: Readonly<Record<string, string>>): number {
    let sum = 0;
    for (const [key, byValue] of this.#byKey) {
      const value = labels[key];
      if (value !== undefined) sum += byValue.get(value) ?? 0;
    }
    return sum;
  }

  /** Whether any of the node's own values has more than nothing. */
  anyFor(labels: Readonly<Record<string, string>>): boolean {
    for (const [key, byValue] of this.#byKey) {
      const value = labels[key];
      if (value !== undefined && (byValue.get(value) ?? 0) > 0) return true;
    }
    return false;
  }
}
