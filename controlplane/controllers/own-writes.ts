import type { Informer } from "../../client/informer.ts";
import { keyOf, type Stored } from "../../client/object-cache.ts";

/** Knows whether a cache already shows what we ourselves wrote, so that nothing is decided on a state of before.
 *  Revisions are compared as numbers, which Kubernetes allows since 1.35 (and ours always were).
 *  Size: bounded by the writes not yet seen. */
export class OwnWrites<T extends Stored> {
  readonly #informer: Informer<T>;
  readonly #written = new Map<string, bigint>();

  constructor(informer: Informer<T>) {
    this.#informer = informer;
    const seen = (object: T) => {
      const key = keyOf(object);
      const written = this.#written.get(key);
      if (written !== undefined && revision(object) >= written) this.#written.delete(key);
    };
    informer.subscribe({
      onAdd: seen,
      onUpdate: seen,
      onDelete: (last) => this.#written.delete(keyOf(last)),
    });
  }

  /** Call with the server's answer to a write. */
  wrote(object: T): void {
    const held = this.#informer.getByKey(keyOf(object));
    if (held !== undefined && revision(held) >= revision(object)) return;
    this.#written.set(keyOf(object), revision(object));
  }

  /** The cache shows our last write to every one of these. */
  areSeen(objects: Iterable<Stored>): boolean {
    for (const object of objects) if (this.#written.has(keyOf(object))) return false;
    return true;
  }
}

function revision(object: Stored): bigint {
  return /^\d+$/.test(object.metadata.resourceVersion) ? BigInt(object.metadata.resourceVersion) : 0n;
}
