import assert from "node:assert/strict";
import { decodeConfChange, encodeConfChange } from "./driver/conf-change-wire.ts";
import { LogBehindStateError, loneCluster } from "./force-new-cluster.ts";
import { readMemberJson } from "./membership/member.ts";
import type { ConfChange, Entry } from "./raft/types.ts";

describe("the log of a member that is to be alone", () => {
  const self = { id: 1n, peerUrls: ["http://a:1"] };
  const normal = (index: number): Entry => ({ term: 3, index, type: "normal", data: new Uint8Array(1) });
  const change = (index: number, type: ConfChange["type"], nodeId: bigint): Entry => ({
    term: 3,
    index,
    type: "confChange",
    data: encodeConfChange({ id: 9n, type, nodeId, context: new Uint8Array(0) }),
  });
  const log = (
    entries: readonly Entry[],
    conf: { voters: bigint[]; learners: bigint[] },
    commit: number,
  ) => ({
    hardState: { term: 4, vote: 2n, commit },
    snapshot: { index: 10, term: 3, conf },
    entries,
  });
  const told = (entries: readonly Entry[] = []) =>
    entries.map(({ index, term, type, data }) => {
      const { type: what, nodeId } = type === "confChange" ? decodeConfChange(data) : { type, nodeId: 0n };
      return `${index} ${term} ${what} ${nodeId}`;
    });

  it("takes out all others, also those that came last, and drops what was not agreed on", () => {
    const entries = [normal(11), change(12, "addLearner", 4n), normal(13), change(14, "removeNode", 2n)];
    const lone = loneCluster(log(entries, { voters: [1n, 2n, 3n], learners: [] }, 12), self, 11);
    assert.deepEqual(told(lone?.entries), [
      "11 3 normal 0",
      "12 3 addLearner 4",
      "13 4 removeNode 2",
      "14 4 removeNode 3",
      "15 4 removeNode 4",
    ]);
    assert.deepEqual(lone?.hardState, { term: 4, vote: 2n, commit: 15 });
  });

  it("counts what the state has as agreed on", () => {
    const lone = loneCluster(log([normal(11), normal(12)], { voters: [1n, 2n], learners: [] }, 10), self, 12);
    assert.deepEqual(told(lone?.entries).slice(-1), ["13 4 removeNode 2"]);
    const cut = log([normal(11)], { voters: [1n, 2n], learners: [] }, 10);
    assert.throws(() => loneCluster(cut, self, 12), LogBehindStateError);
  });

  it("makes a voter of this member first, where it is a learner, or not of the cluster", () => {
    const learner = loneCluster(log([], { voters: [2n], learners: [1n] }, 10), self, 10);
    assert.deepEqual(told(learner?.entries), ["11 4 addNode 1", "12 4 removeNode 2"]);
    const [promote] = learner?.entries ?? [];
    assert.equal(
      readMemberJson(decodeConfChange(promote?.data ?? new Uint8Array(0)).context).isPromote,
      true,
    );
    const stranger = loneCluster(log([], { voters: [2n], learners: [] }, 10), self, 10);
    const [added] = stranger?.entries ?? [];
    const member = readMemberJson(decodeConfChange(added?.data ?? new Uint8Array(0)).context);
    assert.deepEqual([member.isPromote, member.peerUrls], [false, self.peerUrls]);
  });

  it("stays as it is where this member is alone", () => {
    assert.equal(loneCluster(log([normal(11)], { voters: [1n], learners: [] }, 10), self, 10), undefined);
  });
});
