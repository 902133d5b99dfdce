import { dirname, join } from "node:path";
import type { Disk } from "../../base/os/disk.ts";
import type { Os } from "../../base/os/os.ts";
import type { Backend } from "../backend/backend.ts";
import { LevelHome } from "../backend/home.ts";
import { backendDefaults } from "../backend/layered-backend.ts";
import type { Entry, HardState, SnapshotMeta } from "../raft/types.ts";
import type { WalMetadata } from "../wal/recovery.ts";
import { Wal } from "../wal/wal.ts";
import { type FoundState, loadDatabase } from "./load-database.ts";
import { OfflineError } from "./offline-error.ts";

export type OfflineOs = Pick<Os, "disk" | "clock" | "log" | "metrics">;

export interface NewDataDir {
  readonly dataDir: string;
  /** Undefined: within the data directory. */
  readonly walDir: string | undefined;
}

/** How the log of the new directory begins: at a mark, behind which may be entries. */
export interface NewLog {
  readonly metadata: WalMetadata;
  readonly mark: SnapshotMeta;
  readonly hardState: HardState;
  readonly entries: readonly Entry[];
}

/** Makes a member's data directory: `fill` fills its database and says how its log begins. It appears under its name when it is
 *  whole, durable, and was read again. Rejects with OfflineError where there is something in its place already. */
export async function makeDataDir(
  place: NewDataDir,
  os: OfflineOs,
  fill: (backend: Backend) => Promise<NewLog>,
): Promise<FoundState> {
  const { disk } = os;
  await checkPlace(place, disk);
  const draft = `${place.dataDir}.partial`;
  await disk.remove(draft);
  try {
    const database = join(draft, "member", "db");
    const log = await withDatabase(database, disk, fill);
    const found = await withDatabase(database, disk, loadDatabase);
    await writeLog(place.walDir ?? join(draft, "member", "wal"), log, os);
    await disk.rename(draft, place.dataDir);
    await disk.syncFolder(dirname(place.dataDir));
    return found;
  } catch (error) {
    await disk.remove(draft);
    throw error;
  }
}

async function checkPlace({ dataDir, walDir }: NewDataDir, disk: Disk): Promise<void> {
  if ((await disk.list(dataDir)).length > 0)
    throw new OfflineError(
      `--data-dir: ${dataDir} is not empty; choose another directory, or remove it first`,
    );
  if (walDir !== undefined && (await disk.list(walDir)).length > 0)
    throw new OfflineError(`--wal-dir: ${walDir} is not empty; choose another directory, or remove it first`);
}

/** Opens a database for the time of `use`. A failure of its disk is heard of by whoever writes. */
export async function withDatabase<T>(
  folder: string,
  disk: Disk,
  use: (backend: Backend) => Promise<T>,
): Promise<T> {
  const backend = await new LevelHome(folder, backendDefaults, { disk, onFailure: () => undefined }).open();
  try {
    return await use(backend);
  } finally {
    await backend.close();
  }
}

/** So much is encoded at a stretch. */
const appendBytes = 16 * 1024 * 1024;

async function writeLog(folder: string, log: NewLog, os: OfflineOs): Promise<void> {
  const { mark: snapshot, hardState, entries, metadata } = log;
  const wal = await Wal.create({ folder }, metadata, os);
  try {
    await wal.append({
      snapshot,
      hardState: { ...hardState, commit: snapshot.index },
      entries: [],
      sync: true,
    });
    let batch: Entry[] = [];
    let bytes = 0;
    for (const entry of entries) {
      batch.push(entry);
      bytes += entry.data.length;
      if (bytes < appendBytes) continue;
      await wal.append({ entries: batch, sync: true });
      [batch, bytes] = [[], 0];
    }
    await wal.append({ entries: batch, hardState, sync: true });
  } finally {
    await wal.close();
  }
}
