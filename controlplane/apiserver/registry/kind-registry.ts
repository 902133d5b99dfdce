import type { Kind } from "./kind.ts";
import { type Kinds, KindTable, type ServedKind } from "./kind-table.ts";

/** Told of every change. Whoever kept something of a kind that is gone lets go of it. */
export type KindsListener = (change: {
  readonly added: readonly Kind[];
  readonly removed: readonly Kind[];
}) => void;

/** The kinds that are served now. Producers (the built-in table, custom resource definitions) each replace their own part;
 *  everybody else reads. A kind is a value: one that changed is another, and the old one is gone.
 *  Invariant: a reader that asks twice without waiting in between sees one state. */
export class KindRegistry implements Kinds {
  readonly #parts = new Map<string, readonly Kind[]>();
  readonly #listeners = new Set<KindsListener>();
  #table: KindTable;
  #version = 1;

  constructor(builtIn: readonly Kind[]) {
    this.#parts.set("built-in", builtIn);
    this.#table = new KindTable(builtIn);
  }

  /** Grows with every change: what was made of these kinds holds as long as this stays. */
  get version(): number {
    return this.#version;
  }
  get kinds(): readonly Kind[] {
    return this.#table.kinds;
  }
  get served(): readonly ServedKind[] {
    return this.#table.served;
  }
  byResource(group: string, version: string, plural: string): ServedKind | undefined {
    return this.#table.byResource(group, version, plural);
  }
  byKind(apiVersion: string, kind: string): ServedKind | undefined {
    return this.#table.byKind(apiVersion, kind);
  }
  named(group: string, plural: string): ServedKind | undefined {
    return this.#table.named(group, plural);
  }
  groups(): ReadonlyMap<string, readonly string[]> {
    return this.#table.groups();
  }

  /** Serves `kinds` in place of what the same producer gave before. Earlier producers win where two serve one resource. */
  replace(producer: string, kinds: readonly Kind[]): void {
    const before = this.#parts.get(producer) ?? [];
    this.#parts.set(producer, kinds);
    const added = kinds.filter((kind) => !before.includes(kind));
    const removed = before.filter((kind) => !kinds.includes(kind));
    if (added.length === 0 && removed.length === 0) return;
    this.#table = new KindTable([...this.#parts.values()].flat());
    this.#version += 1;
    for (const listener of this.#listeners) listener({ added, removed });
  }

  onChange(listener: KindsListener): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }
}
