import { join } from "node:path";
import type { Disk } from "../../base/os/disk.ts";
import type { Backend } from "../backend/backend.ts";
import { lockDataDir } from "../lock-data-dir.ts";
import { withDatabase } from "./new-data-dir.ts";
import { OfflineError } from "./offline-error.ts";

export function databaseFolder(dataDir: string): string {
  return join(dataDir, "member", "db");
}

/** Keeps a member from being started on a directory for the time of `use`. Rejects with OfflineError where no member of this store
 *  had it, and where one runs. */
export async function whileStopped<T>(dataDir: string, disk: Disk, use: () => Promise<T>): Promise<T> {
  const folder = databaseFolder(dataDir);
  if (!(await disk.exists(join(folder, "current"))))
    throw new OfflineError(`${folder} is missing: ${dataDir} is no data directory of this store`);
  const release = await lockDataDir(dataDir, disk);
  try {
    return await use();
  } finally {
    await release();
  }
}

/** Opens the database of a member that does not run. As at any start LevelDB tidies its own files; no row changes. Rejects with
 *  BackendError where it cannot be opened. */
export function withStoppedDatabase<T>(
  dataDir: string,
  disk: Disk,
  use: (backend: Backend) => Promise<T>,
): Promise<T> {
  return whileStopped(dataDir, disk, () => withDatabase(databaseFolder(dataDir), disk, use));
}
