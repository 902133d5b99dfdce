import { crc32c } from "../../base/crc32c.ts";
import { latin1Bytes, utf8, WireReader } from "../../base/wire.ts";
import type { Backend } from "../backend/backend.ts";
import { isTombstone, revisionKey, tombstoneKey } from "../revisions/revision-key.ts";
import type { PlacedRow } from "../revisions/row-format.ts";
import { type KeyIndex, noPoint } from "./key-index.ts";
import { readBare } from "./key-value.ts";
import type { MvccStore } from "./mvcc-store.ts";

export interface KeyValueHash {
  readonly hash: number;
  /** -1: nothing was compacted. */
  readonly compactRevision: number;
  readonly hashRevision: number;
}

/** Where keys and their history lie. */
export interface HashedState {
  readonly index: KeyIndex;
  readonly backend: Pick<Backend, "visitRevisions">;
  /** Lets others run. */
  readonly pause: () => Promise<void>;
}

/** What a hash is made of. */
export type HashedStore = HashedState &
  Pick<MvccStore, "revision" | "compactRevision"> & {
    /** Throws StoreError where the revision is not to be had. */
    readonly checkRevision: (revision: number) => void;
  };

/** etcd's HashKV: CRC-32C over the bucket's name and the rows up to `revision` (0: the newest), without those that a
 *  compaction drops, removed already or not; equal on all members at equal compact revisions. Throws StoreError. */
export async function hashKeyValues(store: HashedStore, revision: number): Promise<KeyValueHash> {
  const hashRevision = revision === 0 ? store.revision : revision;
  for (;;) {
    const { compactRevision, backend, index, pause } = store;
    store.checkRevision(hashRevision);
    const state = { index, backend, pause };
    const isEmpty = !(await isAnyLiving(state, hashRevision));
    const hash = await hashRows(state, { compactRevision, hashRevision, isEmpty });
    // A compaction meanwhile changes which rows count.
    if (store.compactRevision === compactRevision && store.backend === backend)
      return { hash, compactRevision, hashRevision };
  }
}

/** What etcd hashes while it compacts at `hashRevision`, before anything of that compaction is dropped: the rows up to there
 *  as the compaction before left them. Rejects with the signal's reason. */
export async function hashBeforeCompaction(
  state: HashedState & { readonly backend: Backend },
  revisions: { readonly compactRevision: number; readonly hashRevision: number },
  signal: AbortSignal,
): Promise<KeyValueHash> {
  const { hashRevision } = revisions;
  const isEmpty =
    !(await isAnyLiving(state, hashRevision)) && !(await isAnyDeletedAt(state.backend, hashRevision));
  return { hash: await hashRows(state, { ...revisions, isEmpty }, signal), ...revisions };
}

/** `isEmpty`: no key is left at the revision. Then etcd leaves out nothing of what the last compaction kept. */
async function hashRows(
  { index, backend }: HashedState,
  revisions: { readonly compactRevision: number; readonly hashRevision: number; readonly isEmpty: boolean },
  signal?: AbortSignal,
): Promise<number> {
  const { compactRevision, hashRevision, isEmpty } = revisions;
  let crc = crc32c(0, utf8("key"));
  if (hashRevision < 0) return crc; // no row is that old
  const keptAt = isEmpty ? compactRevision : hashRevision;
  await backend.visitRevisions((row) => {
    const { main, sub, deletion, bytes, start, end } = row;
    if (main > hashRevision) return;
    signal?.throwIfAborted();
    if (main <= compactRevision && !isNewestAt(index, row, keptAt)) return;
    crc = crc32c(crc, latin1Bytes(deletion ? tombstoneKey(main, sub) : revisionKey(main, sub)));
    crc = crc32c(crc, bytes, start, end);
  });
  return crc;
}

/** Whether a row is what its key is at `revision`. A deletion is not: versions of etcd differ in whether they remove one at
 *  the compact revision itself, and none hashes it. */
function isNewestAt(index: KeyIndex, row: PlacedRow, revision: number): boolean {
  if (row.deletion) return false;
  const reader = new WireReader(row.bytes);
  reader.position = row.start;
  reader.end = row.end;
  const slot = index.find(readBare(reader).key);
  const point = noPoint();
  if (slot === 0 || !index.pointAt(slot, revision, point)) return false;
  return !point.deletion && point.main === row.main && point.sub === row.sub;
}

/** Keys looked at in one turn. */
const sliceKeys = 1_000;

async function isAnyLiving({ index, pause }: HashedState, revision: number): Promise<boolean> {
  let isAny = false;
  const found = () => {
    isAny = true;
    return false;
  };
  for (let from: Uint8Array | undefined = new Uint8Array(0); ; ) {
    from = index.visitAt({ from, to: undefined }, { revision, keysMax: sliceKeys }, found);
    if (isAny || from === undefined) return isAny;
    await pause();
  }
}

async function isAnyDeletedAt(backend: Backend, revision: number): Promise<boolean> {
  const range = { from: revisionKey(revision, 0), to: revisionKey(revision + 1, 0) };
  for await (const page of backend.pages("key", range))
    if (page.some((row) => isTombstone(row.key))) return true;
  return false;
}
