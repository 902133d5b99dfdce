import { matchesLabels, type Selector } from "../../../base/label-selector.ts";
import type { Pod } from "../../../client/types.ts";

/** Which pods each autoscaler scales, as far as it was found out: of one that was not looked at yet, none. */
export class SelectingAutoscalers {
  readonly #byNamespace = new Map<string, Map<string, Selector>>();

  get size(): number {
    let size = 0;
    for (const selectors of this.#byNamespace.values()) size += selectors.size;
    return size;
  }

  /** @param selector null while it is not known. */
  set(namespace: string, name: string, selector: Selector): void {
    const selectors = this.#byNamespace.get(namespace) ?? new Map<string, Selector>();
    this.#byNamespace.set(namespace, selectors.set(name, selector));
  }

  has(namespace: string, name: string): boolean {
    return this.#byNamespace.get(namespace)?.has(name) ?? false;
  }

  delete(namespace: string, name: string): void {
    const selectors = this.#byNamespace.get(namespace);
    selectors?.delete(name);
    if (selectors?.size === 0) this.#byNamespace.delete(namespace);
  }

  /** Those of the namespace that scale any of the pods, by name. */
  of(namespace: string, pods: readonly Pod[]): readonly string[] {
    const found: string[] = [];
    for (const [name, selector] of this.#byNamespace.get(namespace) ?? [])
      if (pods.some(({ metadata }) => matchesLabels(selector, metadata.labels))) found.push(name);
    return found.sort();
  }
}
