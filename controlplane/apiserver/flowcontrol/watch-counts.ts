import type { RequestInfo, ResourceInfo } from "../filters/request-info.ts";

/** How many watches there are, by what they watch; selectors do not count, but for the one by which pods are looked up. */
export class WatchCounts {
  readonly #counts = new Map<string, number>();

  /** The returned function forgets the watch (once). */
  add({ resource, query }: RequestInfo): () => void {
    if (resource === undefined) return () => {};
    const selector = query.get("fieldSelector") ?? "";
    // A node's watch sees its own pods only.
    if (resource.plural === "pods" && /(^|,)spec\.nodeName==?[^,]/.test(selector)) return () => {};
    const key = keyOf(resource, resource.namespace, resource.name || nameIn(selector));
    this.#counts.set(key, (this.#counts.get(key) ?? 0) + 1);
    let counted = true;
    return () => {
      if (!counted) return;
      counted = false;
      const left = (this.#counts.get(key) ?? 1) - 1;
      if (left === 0) this.#counts.delete(key);
      else this.#counts.set(key, left);
    };
  }

  /** Watches that an event of this request may concern: of all, of its namespace, of the object itself. */
  concerned(resource: ResourceInfo): number {
    const { namespace, name } = resource;
    let sum = this.#count(resource, "", "");
    if (namespace !== "") sum += this.#count(resource, namespace, "");
    if (name !== "") sum += this.#count(resource, namespace, name);
    return sum;
  }

  #count(resource: ResourceInfo, namespace: string, name: string): number {
    return this.#counts.size === 0 ? 0 : (this.#counts.get(keyOf(resource, namespace, name)) ?? 0);
  }
}

const keyOf = ({ group, plural }: ResourceInfo, namespace: string, name: string) =>
  `${plural}.${group}/${namespace}/${name}`;

const nameIn = (selector: string) => /(?:^|,)metadata\.name==?([^,]+)/.exec(selector)?.[1] ?? "";
