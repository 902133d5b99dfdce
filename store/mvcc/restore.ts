import { latin1, WireError, WireReader } from "../../base/wire.ts";
import { type Backend, BackendError, type StoredRevisions } from "../backend/backend.ts";
import { CheckpointError, type CheckpointMark } from "../revisions/checkpoint.ts";
import type { PlacedRow } from "../revisions/row-format.ts";
import { compactionKeys, storedRevision } from "./compaction.ts";
import { IndexLoad } from "./index-load.ts";
import { KeyIndex } from "./key-index.ts";
import { marks } from "./key-records.ts";
import { readBare } from "./key-value.ts";

export interface RestoredMvcc<B extends StoredRevisions = Backend> {
  readonly backend: B;
  readonly index: KeyIndex;
  readonly revision: number;
  readonly compactRevision: number;
  /** The last compaction all of whose work is done; -1 where there was none. */
  readonly finishedCompaction: number;
  /** The process stopped before all that the compaction drops was removed. */
  readonly unfinishedCompaction: boolean;
  /** Keys that hang on a lease. */
  readonly leased: ReadonlyMap<string, bigint>;
  /** Revisions that were read: with a checkpoint, those behind it. */
  readonly rowsRead: number;
}

/** Builds the index: from the checkpoint and the revisions behind it, or, where there is none that can be used, from all
 *  revisions. Rejects with BackendError or WireError when a row is none. `onUnusable` hears why a checkpoint was not used. */
export async function restoreMvcc<B extends StoredRevisions>(
  backend: B,
  onUnusable: (problem: string) => void = () => undefined,
): Promise<RestoredMvcc<B>> {
  const scheduled = storedRevision(backend, compactionKeys.scheduled);
  const finished = storedRevision(backend, compactionKeys.finished);
  const loaded = await loadCheckpoint(backend, onUnusable);
  const { index, leased } = loaded ?? { index: new KeyIndex(), leased: new Map<string, bigint>() };
  let revision = loaded?.of.revision ?? 1;
  let rowsRead = 0;
  let reader = new WireReader(new Uint8Array(0)); // one for all rows that lie in the same memory
  const visit = (row: PlacedRow) => {
    if (reader.buffer !== row.bytes) reader = new WireReader(row.bytes);
    restoreRow(index, leased, { row, reader });
    revision = row.main;
    rowsRead++;
  };
  if (loaded === undefined) await backend.visitRevisions(visit);
  else await backend.visitBehind(loaded.of.revision, visit);
  const compactRevision = Math.max(scheduled, finished);
  return {
    backend,
    index,
    // A compaction may have removed the newest rows; the revision never goes back behind it.
    revision: Math.max(revision, compactRevision),
    compactRevision,
    finishedCompaction: finished,
    // What it dropped before may stand in the checkpoint.
    unfinishedCompaction:
      scheduled > finished || (loaded !== undefined && loaded.of.compactRevision < finished),
    leased,
    rowsRead,
  };
}

/** Undefined where there is none, or none that can be used. */
async function loadCheckpoint(
  backend: StoredRevisions,
  onUnusable: (problem: string) => void,
): Promise<(Pick<IndexLoad, "index" | "leased"> & { readonly of: CheckpointMark }) | undefined> {
  const of = backend.checkpoint;
  if (of === undefined) return undefined;
  const load = new IndexLoad(of.keys);
  try {
    await backend.readCheckpoint((bytes, start, end) => load.page(bytes, start, end));
    load.end();
    return { index: load.index, leased: load.leased, of };
  } catch (error) {
    if (!(error instanceof CheckpointError || error instanceof WireError)) throw error;
    onUnusable(error.message);
    return undefined;
  }
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
  if (slot === 0) return;
  const { records } = index;
  if (lease !== 0n) leased.set(latin1(key), lease);
  else if (!records.isMarked(slot, marks.leased)) return;
  else leased.delete(latin1(key));
  records.mark(slot, marks.leased, lease !== 0n);
}
