import { readOnlyDisk } from "../../base/os/disk.ts";
import { type AppliedAt, readAppliedAt, writeAppliedAt } from "../apply/applied-index.ts";
import { readConfState, writeConfState } from "../apply/conf-state.ts";
import type { Backend } from "../backend/backend.ts";
import { entryProblem } from "../entry-problem.ts";
import { readMemberJson } from "../membership/member.ts";
import type { ConfState, Entry, Term } from "../raft/types.ts";
import { BackendFiller } from "../snapshot/fill.ts";
import type { Recovered } from "../wal/recovery.ts";
import { type EtcdPlace, openEtcdDir } from "./etcd-dir.ts";
import { fillFromBolt } from "./etcd-rows.ts";
import type { FoundState } from "./load-database.ts";
import { makeDataDir, type NewDataDir, type NewLog, type OfflineOs } from "./new-data-dir.ts";
import { OfflineError } from "./offline-error.ts";
import { translateV2Request } from "./v2-request.ts";

export interface Migrated extends FoundState {
  readonly memberId: bigint;
  readonly clusterId: bigint;
  /** Entries of the log behind the applied index; a member applies those that are committed when it starts. */
  readonly entries: number;
}

/** Makes this store's data directory of a stopped etcd's: the same member of the same cluster, with its vote, its state and all
 *  entries of its log behind that state. The old directory stays as it is. */
export async function migrateEtcd(from: EtcdPlace, to: NewDataDir, os: OfflineOs): Promise<Migrated> {
  const etcd = await openEtcdDir(from, readOnlyDisk);
  try {
    const { metadata } = etcd.log;
    let entries: readonly Entry[] = [];
    const found = await makeDataDir(to, os, async (backend): Promise<NewLog> => {
      const filler = new BackendFiller(backend);
      await fillFromBolt(etcd.bolt, filler, () => true);
      await filler.finish();
      const mark = await completeMeta(backend, etcd.log);
      entries = etcd.log.entries.filter(({ index }) => index > mark.index).map(translated);
      return { metadata, mark, hardState: hardStateFor(etcd.log, mark), entries };
    });
    return { memberId: metadata.nodeId, clusterId: metadata.clusterId, entries: entries.length, ...found };
  } finally {
    await etcd.close();
  }
}

/** What etcd before 3.5 keeps elsewhere: the term of the applied entry, and the membership as consensus knows it. */
async function completeMeta(
  backend: Backend,
  log: Recovered,
): Promise<AppliedAt & { readonly conf: ConfState }> {
  const { index, term } = readAppliedAt(backend);
  const at = { index, term: termAt(index, log) ?? term };
  if (at.term === 0)
    throw new OfflineError(`the database ends at index ${index}, which the log does not have`);
  const saved = readConfState(backend);
  const conf = saved.voters.length > 0 ? saved : await confOf(backend);
  writeAppliedAt(backend, at);
  writeConfState(backend, conf);
  backend.commit();
  return { ...at, conf };
}

function termAt(index: number, { snapshot, entries }: Recovered): Term | undefined {
  return index === snapshot.index ? snapshot.term : entries[index - snapshot.index - 1]?.term;
}

async function confOf(backend: Backend): Promise<ConfState> {
  const voters: bigint[] = [];
  const learners: bigint[] = [];
  for await (const page of backend.pages("members"))
    for (const { value } of page) {
      const { id, isLearner } = readMemberJson(value);
      (isLearner ? learners : voters).push(id);
    }
  return { voters, learners };
}

/** etcd writes down lazily how far is committed: what is applied is so in any case. */
function hardStateFor({ hardState }: Recovered, mark: AppliedAt) {
  return {
    term: Math.max(hardState.term, mark.term),
    vote: hardState.vote,
    commit: Math.max(hardState.commit, mark.index),
  };
}

function translated(entry: Entry): Entry {
  const { index, term, type } = entry;
  try {
    const data = type === "normal" ? (translateV2Request(entry.data) ?? entry.data) : entry.data;
    const same: Entry = { index, term, type, data };
    const problem = entryProblem(same);
    if (problem !== undefined) throw new OfflineError(problem);
    return same;
  } catch (error) {
    throw new OfflineError(
      `entry ${index} of the log cannot be taken over: ${error instanceof Error ? error.message : error}; ` +
        "take a snapshot of the running etcd and restore that in place of migrating",
    );
  }
}
