import { latin1Bytes } from "../../base/wire.ts";
import type { Row } from "../backend/backend.ts";
import { isTombstone, mainOf, revisionKey, subOf } from "../revisions/revision-key.ts";
import { type Change, DeletionChange, PutChange } from "./change.ts";
import { noPoint } from "./key-index.ts";
import type { MvccStore } from "./mvcc-store.ts";

/** Rows read at a time; a revision with more is read whole. */
const rowsPerReadDefault = 2_000;

/** The store's past as changes, in order, read from the backend. */
export class MvccHistory {
  readonly #store: MvccStore;

  readonly #rowsPerRead: number;

  constructor(store: MvccStore, rowsPerRead = rowsPerReadDefault) {
    this.#store = store;
    this.#rowsPerRead = rowsPerRead;
  }

  get revision(): number {
    return this.#store.revision;
  }

  get compactRevision(): number {
    return this.#store.compactRevision;
  }

  /** The changes of the revisions [from, upTo], each revision whole; `upTo` is at least `from`. */
  async read(from: number): Promise<{
    readonly revisions: readonly { readonly revision: number; readonly changes: readonly Change[] }[];
    readonly upTo: number;
  }> {
    const revisions: { revision: number; changes: Change[] }[] = [];
    // What the walk can see at the least: it begins now.
    const newest = this.#store.revision;
    const rowsPerRead = this.#rowsPerRead;
    let rows = 0;
    for await (const page of this.#store.backend.pages("key", { from: revisionKey(from, 0) }, rowsPerRead)) {
      for (const row of page) {
        const main = mainOf(row.key);
        let last = revisions.at(-1);
        if (last === undefined || last.revision !== main) {
          if (rows >= rowsPerRead) return { revisions, upTo: main - 1 };
          last = { revision: main, changes: [] };
          revisions.push(last);
        }
        last.changes.push(changeOf(row));
        rows++;
      }
    }
    return { revisions, upTo: Math.max(newest, from, revisions.at(-1)?.revision ?? 0) };
  }

  /** The value a change replaced, or undefined where there was none or compaction has removed it. */
  previous(change: Change): Uint8Array | undefined {
    const store = this.#store;
    if (change.revision - 1 < store.compactRevision) return undefined;
    if (change.previous !== undefined) return store.stored(change.previous);
    const slot = store.index.find(latin1Bytes(change.key));
    const point = noPoint();
    if (slot === 0 || !store.index.pointAt(slot, change.revision - 1, point)) return undefined;
    return point.deletion ? undefined : store.stored(point);
  }
}

function changeOf(row: Row): Change {
  const place = { main: mainOf(row.key), sub: subOf(row.key) };
  return isTombstone(row.key)
    ? new DeletionChange(place, row.value, undefined)
    : new PutChange(place, row.value, { isInEvent: false, previous: undefined });
}
