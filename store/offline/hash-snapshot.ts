import type { Disk } from "../../base/os/disk.ts";
import { compactionKeys } from "../mvcc/compaction.ts";
import type { KeyValueHash } from "../mvcc/hash.ts";
import { restoreMvcc } from "../mvcc/restore.ts";
import { BoltRevisions } from "./bolt-revisions.ts";
import { hashState } from "./load-database.ts";
import { openSnapshotFile } from "./snapshot-file.ts";

/** HashKV of a snapshot file at a revision (0: the newest): what a member restored from it answers, and what `etcdutl hashkv` says
 *  of the file. Rejects with BoltError or StoreError. */
export async function hashSnapshot(path: string, disk: Disk, revision: number): Promise<KeyValueHash> {
  const bolt = await openSnapshotFile(path, disk, { digest: "where there is one" });
  try {
    const revisions = await BoltRevisions.open(bolt, Object.values(compactionKeys));
    return await hashState({ mvcc: await restoreMvcc(revisions) }, revision);
  } finally {
    await bolt.close();
  }
}
