import { join } from "node:path";
import type { Disk } from "../../base/os/disk.ts";
import { FileHeldError, holdFile } from "../../base/os/hold-file.ts";
import { BoltFile } from "../snapshot/bolt-reader.ts";
import { type Recovered, recover } from "../wal/recovery.ts";
import { OfflineError } from "./offline-error.ts";

export interface EtcdPlace {
  readonly dataDir: string;
  /** Undefined: within the data directory. */
  readonly walDir: string | undefined;
}

/** The data of a stopped etcd, opened for reading. */
export interface EtcdDir {
  readonly bolt: BoltFile;
  readonly log: Recovered;
  /** Closes all, and lets etcd be started again. */
  close(): Promise<void>;
}

/** Opens the directory of an etcd that does not run, and keeps it from being started meanwhile. Rejects with OfflineError,
 *  BoltError or WalDamageError, which name what is missing or cannot be read. */
export async function openEtcdDir({ dataDir, walDir }: EtcdPlace, disk: Disk): Promise<EtcdDir> {
  const folder = join(dataDir, "member", "snap");
  const database = join(folder, "db");
  const logFolder = walDir ?? join(dataDir, "member", "wal");
  if (await disk.exists(join(dataDir, "member", "db")))
    throw new OfflineError(
      `${dataDir} is a data directory of this store already; there is nothing to migrate`,
    );
  for (const path of [database, logFolder])
    if (!(await disk.exists(path)))
      throw new OfflineError(`${path} is missing: ${dataDir} is no data directory of etcd 3`);
  const release = await holdStopped(database, dataDir);
  try {
    const log = await recover(disk, logFolder);
    const bolt = await newestDatabase(folder, log.snapshot.index, disk);
    const close = async () => {
      await bolt.close();
      await release();
    };
    return { bolt, log, close };
  } catch (error) {
    await release();
    throw error;
  }
}

/** A running etcd has this lock for as long as it lives. */
async function holdStopped(database: string, dataDir: string): Promise<() => Promise<void>> {
  try {
    return await holdFile(database);
  } catch (error) {
    if (error instanceof FileHeldError)
      throw new OfflineError(`${dataDir}: an etcd runs on it; stop it first`);
    throw new OfflineError(
      `${database}: nobody can tell whether an etcd runs on it: ${error instanceof Error ? error.message : error}; ` +
        "install flock (util-linux)",
    );
  }
}

/** The database, or the one that came with a leader's snapshot when etcd ended before it put that in place. */
async function newestDatabase(folder: string, markIndex: number, disk: Disk): Promise<BoltFile> {
  const database = await BoltFile.open(await disk.open(join(folder, "db")));
  const index = await appliedIndexOf(database);
  if (index >= markIndex) return database;
  await database.close();
  const received = join(folder, `${markIndex.toString(16).padStart(16, "0")}.snap.db`);
  if (!(await disk.exists(received)))
    throw new OfflineError(
      `${join(folder, "db")} ends at index ${index}, the log begins at ${markIndex}, and ${received} is missing; ` +
        "let etcd start on this directory once, or migrate another member's",
    );
  return BoltFile.open(await disk.open(received));
}

async function appliedIndexOf(bolt: BoltFile): Promise<number> {
  for await (const { rows } of bolt.rows((bucket) => bucket === "meta")) {
    const row = rows.find(({ key }) => key === "consistent_index");
    if (row !== undefined) return Number(Buffer.from(row.value).readBigUInt64BE());
  }
  return 0;
}
