import { crc32c } from "../../base/crc32c.ts";
import { latin1Bytes, utf8 } from "../../base/wire.ts";
import type { Row } from "../backend/backend.ts";
import { isTombstone, mainOf, revisionKey, subOf } from "../revisions/revision-key.ts";
import { noPoint } from "./key-index.ts";
import { decodeKeyValue } from "./key-value.ts";
import type { MvccStore } from "./mvcc-store.ts";

export interface KeyValueHash {
  readonly hash: number;
  readonly compactRevision: number;
  readonly hashRevision: number;
  /** The store's revision when the hash was asked for. */
  readonly revision: number;
}

/** What a hash is made of. */
export type HashedStore = Pick<
  MvccStore,
  "revision" | "compactRevision" | "backend" | "index" | "checkRevision"
>;

/** etcd's HashKV: CRC-32C over the bucket's name and the rows up to `revision` (0: the newest), without those that a
 *  compaction drops, removed already or not; equal on all members at equal compact revisions. Throws StoreError. */
export async function hashKeyValues(store: HashedStore, revision: number): Promise<KeyValueHash> {
  const current = store.revision;
  const hashRevision = revision === 0 ? current : revision;
  for (;;) {
    const { compactRevision, backend } = store;
    store.checkRevision(hashRevision);
    const hash = await hashRows(store, compactRevision, hashRevision);
    // A compaction meanwhile changes which rows count.
    if (store.compactRevision === compactRevision && store.backend === backend)
      return { hash, compactRevision, hashRevision, revision: current };
  }
}

async function hashRows(store: HashedStore, compactRevision: number, revision: number): Promise<number> {
  let crc = crc32c(0, utf8("key"));
  if (revision < 0) return crc; // no row is that old
  const to = revisionKey(revision + 1, 0);
  for await (const page of store.backend.pages("key", { to })) {
    for (const row of page) {
      if (mainOf(row.key) <= compactRevision && !kept(store, row, compactRevision, revision)) continue;
      crc = crc32c(crc, latin1Bytes(row.key));
      crc = crc32c(crc, row.value);
    }
  }
  return crc;
}

/** Whether a row at or below the compact revision is still what its key is at `revision`. */
function kept(store: HashedStore, row: Row, compactRevision: number, revision: number): boolean {
  const main = mainOf(row.key);
  // Versions of etcd differ in whether they remove a deletion at the compact revision itself; none hashes it.
  if (main === compactRevision && isTombstone(row.key)) return false;
  const slot = store.index.find(decodeKeyValue(row.value).key);
  const point = noPoint();
  if (slot === 0 || !store.index.pointAt(slot, revision, point)) return false;
  return !point.deletion && point.main === main && point.sub === subOf(row.key);
}
