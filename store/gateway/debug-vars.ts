import { getHeapStatistics } from "node:v8";
import { openFilesMax } from "../../base/os/open-files.ts";
import type { RaftStatus } from "../raft/status.ts";
import type { Route } from "./route.ts";

const roles: Readonly<Record<RaftStatus["role"], string>> = {
  follower: "StateFollower",
  preCandidate: "StatePreCandidate",
  candidate: "StateCandidate",
  leader: "StateLeader",
};
const feeds: Readonly<Record<RaftStatus["progress"][number]["state"], string>> = {
  probe: "StateProbe",
  replicate: "StateReplicate",
  snapshot: "StateSnapshot",
};
const hex = (id: bigint) => id.toString(16);

/** `/debug/vars`, as Go's expvar writes it: what etcd publishes there, and of Go's memory what has a counterpart in V8. */
export function debugVarsRoute(raftStatus: () => RaftStatus): Route {
  return {
    method: "GET",
    answer: async () => {
      const { used_heap_size, total_heap_size } = getHeapStatistics();
      const memory = { Alloc: used_heap_size, HeapAlloc: used_heap_size, HeapSys: total_heap_size };
      const vars = {
        cmdline: process.argv,
        file_descriptor_limit: openFilesMax(),
        memstats: memory,
        "raft.status": raftVars(raftStatus()),
      };
      const lines = Object.entries(vars).map(
        ([name, value]) => `${JSON.stringify(name)}: ${JSON.stringify(value)}`,
      );
      return {
        status: 200,
        contentType: "application/json; charset=utf-8",
        body: `{\n${lines.join(",\n")}\n}\n`,
      };
    },
  };
}

function raftVars({ id, term, vote, committed, leader, role, applied, progress, transferee }: RaftStatus) {
  return {
    id: hex(id),
    term,
    vote: hex(vote),
    commit: committed,
    lead: hex(leader),
    raftState: roles[role],
    applied,
    progress: Object.fromEntries(
      progress.map(({ id: peer, match, next, state }) => [hex(peer), { match, next, state: feeds[state] }]),
    ),
    leadtransferee: hex(transferee),
  };
}
