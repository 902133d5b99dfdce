import { StoreError } from "../errors.ts";
import { majority } from "../raft/quorum.ts";
import type { MemberId } from "../raft/types.ts";
import type { Member } from "./member.ts";

/** etcd's health interval: how long connections must have stood for the cluster to count as healthy. */
export const healthIntervalMs = 5_000;

export interface ClusterView {
  readonly self: MemberId;
  readonly members: readonly Member[];
  /** How long the connection with a member has stood; 0 when there is none. */
  readonly connectedForMs: (id: MemberId) => number;
  readonly strict: boolean;
  readonly maxLearners: number;
}

const votersOf = (view: ClusterView) => view.members.filter((member) => !member.isLearner);
const isStarted = (member: Member) => member.name !== "";

/** Throws StoreError when the member may not be added. */
export function checkAdd(added: Member, view: ClusterView): void {
  const voters = votersOf(view);
  if (view.strict && !added.isLearner) {
    const started = voters.filter(isStarted).length;
    const count = voters.length + 1;
    // A cluster of one may grow to two, else it could never grow.
    if (!(started === 1 && count === 2) && started < majority(count))
      throw new StoreError("MEMBER_NOT_ENOUGH_STARTED");
  }
  if (view.strict) checkConnectedToQuorumOfOneMore(view);
  if (view.members.some((member) => member.id === added.id)) throw new StoreError("MEMBER_EXISTS");
  const taken = new Set(view.members.flatMap((member) => member.peerUrls));
  if (added.peerUrls.some((url) => taken.has(url))) throw new StoreError("PEER_URL_EXISTS");
  const learners = view.members.length - voters.length;
  if (added.isLearner && learners >= view.maxLearners) throw new StoreError("TOO_MANY_LEARNERS");
}

export function checkRemove(id: MemberId, view: ClusterView): void {
  const removed = view.members.find((member) => member.id === id);
  if (removed === undefined) throw new StoreError("MEMBER_NOT_FOUND");
  if (!view.strict || removed.isLearner) return;
  const rest = votersOf(view).filter((member) => member.id !== id);
  if (rest.length === 0 || rest.filter(isStarted).length < majority(rest.length))
    throw new StoreError("MEMBER_NOT_ENOUGH_STARTED");
  if (id !== view.self && view.connectedForMs(id) === 0) return; // it is down, the quorum does not count on it
  const active = votersOf(view).filter((member) => isActive(member.id, view)).length;
  if (active - 1 < majority(rest.length)) throw new StoreError("UNHEALTHY");
}

export function checkUpdate(id: MemberId, peerUrls: readonly string[], view: ClusterView): void {
  if (!view.members.some((member) => member.id === id)) throw new StoreError("MEMBER_NOT_FOUND");
  const taken = new Set(
    view.members.filter((member) => member.id !== id).flatMap((member) => member.peerUrls),
  );
  if (peerUrls.some((url) => taken.has(url))) throw new StoreError("PEER_URL_EXISTS");
}

/** On the leader only: `matched` is how much of the leader's log the learner has, 0 to 1. */
export function checkPromote(id: MemberId, matched: number, view: ClusterView): Member {
  const learner = view.members.find((member) => member.id === id);
  if (learner === undefined) throw new StoreError("MEMBER_NOT_FOUND");
  if (!learner.isLearner) throw new StoreError("MEMBER_NOT_LEARNER");
  if (matched < 0.9) throw new StoreError("LEARNER_NOT_READY");
  const voters = votersOf(view);
  if (view.strict && voters.filter(isStarted).length + 1 < majority(voters.length + 1))
    throw new StoreError("MEMBER_NOT_ENOUGH_STARTED");
  return learner;
}

/** Of voters and the new one together, learner or not, as if that never came up. A cluster of one has nobody to lose. */
function checkConnectedToQuorumOfOneMore(view: ClusterView): void {
  const voters = votersOf(view);
  const active = voters.filter((member) => isActive(member.id, view)).length;
  if (voters.length > 1 && active < majority(voters.length + 1)) throw new StoreError("UNHEALTHY");
}

const isActive = (id: MemberId, view: ClusterView) =>
  id === view.self || view.connectedForMs(id) >= healthIntervalMs;
