import { stat } from "node:fs/promises";
import { join } from "node:path";
import type { Disk } from "../base/os/disk.ts";
import { BackendError } from "./backend/backend.ts";
import { LevelBase } from "./backend/level-base.ts";

/** The kernel's locks belong to a process: it would get the same lock twice, and lose it with the second's end. So within this
 *  process we count for ourselves. Folders by device and inode. */
const held = new Set<string>();

/** Keeps a second member off a data directory for as long as this process lives, however it ends. Node itself cannot lock
 *  files, but LevelDB locks its LOCK file with the kernel: by inode, so that the lock holds across containers and network
 *  namespaces, and until the process is gone. A process loses such a lock with the first descriptor of the file that it
 *  closes, whoever opened it; therefore the lock is that of an empty database of its own, which nobody else looks into, and
 *  which outlives the databases that snapshots replace. Rejects when another member holds it. Answers how to release it. */
export function lockDataDir(dataDir: string, disk: Disk): Promise<() => Promise<void>> {
  return lockFolder(join(dataDir, "member", "lock"), disk, `--data-dir: ${dataDir}`);
}

/** The same for a log that lies elsewhere. Its lock lies beside it, since a new log takes the folder's place. */
export function lockWalDir(walDir: string, disk: Disk): Promise<() => Promise<void>> {
  return lockFolder(`${walDir}.lock`, disk, `--wal-dir: ${walDir}`);
}

async function lockFolder(folder: string, disk: Disk, named: string): Promise<() => Promise<void>> {
  await disk.makeFolder(folder);
  const { dev, ino } = await stat(folder, { bigint: true });
  const id = `${dev}:${ino}`;
  if (held.has(id)) throw inUse(named);
  held.add(id);
  try {
    const database = await lock(folder, disk, named);
    return async () => {
      await database.close();
      held.delete(id);
    };
  } catch (error) {
    held.delete(id);
    throw error;
  }
}

async function lock(folder: string, disk: Disk, named: string): Promise<LevelBase> {
  // Begin with an empty database: a power cut may have damaged what the last holder left. Whoever holds the lock now does not
  // need these files any more.
  for (const name of await disk.list(folder)) if (name !== "LOCK") await disk.remove(join(folder, name));
  try {
    return await LevelBase.open(folder, disk);
  } catch (error) {
    if (error instanceof BackendError && error.reason === "locked") throw inUse(named, error);
    throw error;
  }
}

function inUse(named: string, cause?: unknown): Error {
  const remedy = "stop that process or choose another directory";
  return new Error(`${named} is in use by another member; ${remedy}`, { cause });
}
