import { readOnlyDisk } from "../../base/os/disk.ts";
import { latin1Bytes } from "../../base/wire.ts";
import { writeAppliedAt } from "../apply/applied-index.ts";
import { writeConfState } from "../apply/conf-state.ts";
import type { Backend } from "../backend/backend.ts";
import { type InitialCluster, newCluster } from "../membership/initial-cluster.ts";
import { memberJson } from "../membership/member.ts";
import { compactionKeys } from "../mvcc/compaction.ts";
import { restoreMvcc } from "../mvcc/restore.ts";
import { ownMember } from "../open-log.ts";
import type { SnapshotMeta } from "../raft/types.ts";
import { revisionKey } from "../revisions/revision-key.ts";
import { BackendFiller } from "../snapshot/fill.ts";
import { fillFromBolt } from "./etcd-rows.ts";
import type { FoundState } from "./load-database.ts";
import { makeDataDir, type NewDataDir, type NewLog, type OfflineOs } from "./new-data-dir.ts";
import { openSnapshotFile } from "./snapshot-file.ts";

export interface RestorePlan extends NewDataDir {
  readonly snapshotPath: string;
  readonly skipHashCheck: boolean;
  readonly name: string;
  readonly initialCluster: ReadonlyMap<string, readonly string[]>;
  readonly initialClusterToken: string;
  /** So far revisions go on behind the snapshot's newest, and everything up to there counts as compacted; 0: not at all. */
  readonly bumpRevision: number;
}

/** Makes the data directory of one member of a new cluster that begins with a snapshot's keys, leases, users and roles; its
 *  members are those of the plan. Made with the same snapshot and cluster for each member, the directories agree. */
export async function restoreSnapshot(plan: RestorePlan, os: OfflineOs): Promise<FoundState> {
  const cluster = newCluster(plan.initialCluster, plan.initialClusterToken);
  const metadata = { nodeId: ownMember(cluster, plan.name), clusterId: cluster.clusterId };
  const snapshot = await openSnapshotFile(plan.snapshotPath, readOnlyDisk, {
    digest: plan.skipHashCheck ? "ignored" : "needed",
  });
  try {
    return await makeDataDir(plan, os, async (backend): Promise<NewLog> => {
      const filler = new BackendFiller(backend);
      await fillFromBolt(snapshot, filler, (bucket) => bucket !== "members" && bucket !== "members_removed");
      const mark = beginCluster(cluster, backend);
      await filler.finish();
      if (plan.bumpRevision > 0) await bump(plan.bumpRevision, backend);
      return { metadata, mark, hardState: { term: mark.term, vote: 0n, commit: mark.index }, entries: [] };
    });
  } finally {
    await snapshot.close();
  }
}

/** The place in the log is behind the one at which a member with an empty directory begins, and of a later term. So one that
 *  was started without its restored directory is sent the state, and cannot lead the others. */
function beginCluster({ members }: InitialCluster, backend: Backend): SnapshotMeta {
  const conf = { voters: members.map(({ id }) => id), learners: [] };
  const mark = { index: members.length + 1, term: 2, conf };
  for (const member of members) backend.put("members", member.id.toString(16), memberJson(member));
  writeAppliedAt(backend, mark);
  writeConfState(backend, conf);
  return mark;
}

async function bump(revisions: number, backend: Backend): Promise<void> {
  const { revision } = await restoreMvcc(backend);
  backend.put("meta", compactionKeys.scheduled, latin1Bytes(revisionKey(revision + revisions, 0)));
  backend.commit();
}
