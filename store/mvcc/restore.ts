import { latin1, WireReader } from "../../base/wire.ts";
import { type Backend, BackendError } from "../backend/backend.ts";
import { mainOf } from "../revisions/revision-key.ts";
import type { PlacedRow } from "../revisions/row-format.ts";
import { compactionKeys } from "./compaction.ts";
import { KeyIndex } from "./key-index.ts";
import { marks } from "./key-records.ts";
import { readBare } from "./key-value.ts";

export interface RestoredMvcc {
  readonly backend: Backend;
  readonly index: KeyIndex;
  readonly revision: number;
  readonly compactRevision: number;
  /** The process stopped before all that the compaction drops was removed. */
  readonly unfinishedCompaction: boolean;
  /** Keys that hang on a lease. */
  readonly leased: ReadonlyMap<string, bigint>;
}

/** Reads all revisions and builds the index. Rejects with BackendError or WireError when a row is none. */
export async function restoreMvcc(backend: Backend): Promise<RestoredMvcc> {
  const index = new KeyIndex();
  const leased = new Map<string, bigint>();
  let revision = 1;
  let reader = new WireReader(new Uint8Array(0)); // one for all rows that lie in the same memory
  await backend.visitRevisions((row) => {
    if (reader.buffer !== row.bytes) reader = new WireReader(row.bytes);
    restoreRow(index, leased, { row, reader });
    revision = row.main;
  });
  const scheduled = storedRevision(backend, compactionKeys.scheduled);
  const finished = storedRevision(backend, compactionKeys.finished);
  const compactRevision = Math.max(scheduled, finished);
  return {
    backend,
    index,
    // A compaction may have removed the newest rows; the revision never goes back behind it.
    revision: Math.max(revision, compactRevision),
    compactRevision,
    unfinishedCompaction: scheduled > finished,
    leased,
  };
}

/** Rows come in rising order. Throws BackendError or WireError. */
function restoreRow(
  index: KeyIndex,
  leased: Map<string, bigint>,
  { row, reader }: { readonly row: PlacedRow; readonly reader: WireReader },
): void {
  const { main, sub, deletion } = row;
  reader.position = row.start;
  reader.end = row.end;
  const { key, createRevision, version, lease } = readBare(reader);
  if (deletion !== (version === 0))
    throw new BackendError(
      "corrupt",
      `the database holds a row that is no revision of a key: ${main}.${sub}`,
    );
  const slot = index.restore(key, { main, sub, deletion, create: createRevision, version });
  const { records } = index;
  if (lease !== 0n) leased.set(latin1(key), lease);
  else if (!records.isMarked(slot, marks.leased)) return;
  else leased.delete(latin1(key));
  records.mark(slot, marks.leased, lease !== 0n);
}

/** -1, as in etcd, where none was stored: a compaction at 0 is one. */
function storedRevision(backend: Backend, name: string): number {
  const bytes = backend.get("meta", name);
  return bytes === undefined ? -1 : mainOf(latin1(bytes));
}
