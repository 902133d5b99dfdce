import { OrderedMap } from "../../base/ordered-map.ts";
import type { Write } from "./backend.ts";

const rowOverheadBytes = 64; // what a row costs in memory beside its bytes

/** Writes that wait for the disk, newest value per key, in byte order. */
export class Layer {
  readonly #rows = new OrderedMap<Uint8Array | null>(); // null: deleted
  #bytes = 0;

  get rows(): number {
    return this.#rows.size;
  }

  /** Roughly; a key that is overwritten counts again. */
  get sizeBytes(): number {
    return this.#bytes;
  }

  /** `undefined`: this layer says nothing of the key; `null`: deleted. */
  get(key: string): Uint8Array | null | undefined {
    return this.#rows.get(key);
  }

  set(key: string, value: Uint8Array | null): void {
    this.#rows.set(key, value);
    this.#bytes += key.length + (value?.length ?? 0) + rowOverheadBytes;
  }

  visit(from: string, to: string, visit: (key: string, value: Uint8Array | null) => unknown): void {
    this.#rows.visit(from, to, visit);
  }

  /** All of it, in order; the layer must not change meanwhile. */
  *pages(rowsMax: number): Iterable<readonly Write[]> {
    for (let from: string | undefined = ""; from !== undefined; ) {
      const page: Write[] = [];
      let next: string | undefined;
      this.#rows.visit(from, undefined, (key, value) => {
        if (page.length === rowsMax) {
          next = key;
          return false;
        }
        page.push([key, value ?? undefined]);
        return true;
      });
      if (page.length > 0) yield page;
      from = next;
    }
  }
}
