import { join } from "node:path";
import type { Disk } from "../base/os/disk.ts";
import { UsageError } from "../base/os/flags.ts";
import { databaseFolder } from "./offline/stopped-database.ts";

/** Refuses a directory with a database of etcd and none of this store, and changes nothing: the log alone is not the whole state.
 *  Throws UsageError. */
export async function refuseForeignDatabase(dataDir: string, disk: Pick<Disk, "exists">): Promise<void> {
  const foreign = join(dataDir, "member", "snap", "db");
  if ((await disk.exists(databaseFolder(dataDir))) || !(await disk.exists(foreign))) return;
  throw new UsageError(
    `--data-dir: ${dataDir} holds the database of an etcd (${foreign}); ` +
      `\`pintle store migrate ${dataDir} --data-dir DIR\` makes a directory of this store of it, to be started with the same flags`,
  );
}
