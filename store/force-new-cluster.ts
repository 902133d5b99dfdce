import { utf8 } from "../base/wire.ts";
import { decodeConfChange, encodeConfChange } from "./driver/conf-change-wire.ts";
import { type Member, memberJson } from "./membership/member.ts";
import type { ConfChange, Entry, HardState, Index, MemberId } from "./raft/types.ts";
import type { Recovered } from "./wal/recovery.ts";

/** The log says less than the state beside it: whom to take out of the cluster is not known. */
export class LogBehindStateError extends Error {
  override readonly name = "LogBehindStateError";
  readonly operator = true;

  constructor(end: Index, applied: Index) {
    super(
      `--force-new-cluster: the write-ahead log ends at index ${end}, before the state, which is at ${applied}; ` +
        "start this member once without the flag, so that both are put in order",
    );
  }
}

/** What makes a log that of a cluster of one: what was not agreed on goes, and changes follow, agreed on, that take every
 *  other member out. Undefined where this member is alone already. What others agreed on that this log does not have is lost.
 *  @param self With its peer URLs, for a log in which it is not of the cluster. */
export function loneCluster(
  { hardState, snapshot, entries }: Pick<Recovered, "hardState" | "snapshot" | "entries">,
  self: Pick<Member, "id" | "peerUrls">,
  appliedIndex: Index,
): { readonly hardState: HardState; readonly entries: readonly Entry[] } | undefined {
  const commit = Math.max(hardState.commit, appliedIndex);
  const end = snapshot.index + entries.length;
  if (end < commit) throw new LogBehindStateError(end, commit);
  const agreed = entries.slice(0, commit - snapshot.index);
  const roles = rolesAfter(snapshot.conf, agreed);
  const others = [...roles.keys()].filter((id) => id !== self.id);
  if (others.length === 0 && roles.get(self.id) === "voter") return undefined;
  const nobody = utf8("");
  const changes: ConfChange[] = others.map((nodeId) => ({
    id: 0n,
    type: "removeNode",
    nodeId,
    context: nobody,
  }));
  // The set of voters must never be empty, so this member comes first.
  if (roles.get(self.id) !== "voter") {
    const isPromote = roles.has(self.id);
    const member: Member = { ...self, name: "", clientUrls: [], isLearner: false };
    changes.unshift({ id: 0n, type: "addNode", nodeId: self.id, context: memberJson(member, { isPromote }) });
  }
  const { term } = hardState;
  const made = changes.map((change, at): Entry => {
    return { term, index: commit + 1 + at, type: "confChange", data: encodeConfChange(change) };
  });
  return { hardState: { ...hardState, commit: commit + made.length }, entries: [...agreed, ...made] };
}

function rolesAfter(
  conf: Recovered["snapshot"]["conf"],
  entries: readonly Entry[],
): ReadonlyMap<MemberId, "voter" | "learner"> {
  const roles = new Map<MemberId, "voter" | "learner">();
  for (const id of conf.voters) roles.set(id, "voter");
  for (const id of conf.learners) roles.set(id, "learner");
  for (const { type, data } of entries) {
    if (type !== "confChange") continue;
    const change = decodeConfChange(data);
    if (change.type === "addNode") roles.set(change.nodeId, "voter");
    if (change.type === "addLearner" && !roles.has(change.nodeId)) roles.set(change.nodeId, "learner");
    if (change.type === "removeNode") roles.delete(change.nodeId);
  }
  return roles;
}
