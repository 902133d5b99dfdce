import assert from "node:assert/strict";
import fc from "fast-check";
import { StoreError } from "../errors.ts";
import type { ConfChange } from "../raft/types.ts";
import { type ClusterView, checkAdd, checkPromote, checkRemove } from "./change-checks.ts";
import { isConnectedFor } from "./connections.ts";
import { newCluster, parseInitialCluster } from "./initial-cluster.ts";
import { type Member, memberJson, readMemberJson } from "./member.ts";
import { ClusterMembers } from "./membership-state.ts";

const member = (id: bigint, parts: Partial<Member> = {}): Member => ({
  id,
  name: `m${id}`,
  peerUrls: [`http://127.0.0.1:${2000n + id}`],
  clientUrls: [],
  isLearner: false,
  ...parts,
});

function view(members: readonly Member[], down: readonly bigint[] = []): ClusterView {
  const connectedForMs = (id: bigint) => (down.includes(id) ? 0 : 60_000);
  return { self: 1n, members, connectedForMs, strict: true, maxLearners: 1 };
}

const refusal = (act: () => void) => {
  try {
    act();
    return undefined;
  } catch (error) {
    return error instanceof StoreError ? error.code : error;
  }
};

describe("connections", () => {
  const members = [member(1n), member(2n), member(3n), member(4n, { isLearner: true })];
  const since = (ms: number, ...connected: readonly bigint[]) => {
    const connectedForMs = (id: bigint) => (connected.includes(id) ? 1_001 : 0);
    return (leader: bigint) => isConnectedFor(leader, ms, { self: 1n, members, connectedForMs });
  };

  it("count where they have stood for longer, with the leader alone for who follows it", () => {
    assert.equal(since(1_000, 2n)(2n), true);
    assert.equal(since(1_001, 2n)(2n), false);
    assert.equal(since(1_000, 3n, 4n)(2n), false);
  });

  it("count for a leader where they are with a majority of all members", () => {
    assert.equal(since(1_000, 2n, 4n)(1n), true);
    assert.equal(since(1_000, 2n)(1n), false);
    assert.equal(since(1_001, 2n, 3n, 4n)(1n), false);
  });
});

describe("membership", () => {
  it("newCluster gives the ids that etcd gives", () => {
    // As etcd 3.4.23 logs them for these flags.
    const urls = parseInitialCluster(["a=http://127.0.0.1:23801", "b=http://127.0.0.1:23802"]);
    const { clusterId, members } = newCluster(urls, "tok");
    assert.equal(clusterId.toString(16), "a70b7b723c713c11");
    assert.deepEqual(
      members.map(({ id, name }) => [id.toString(16), name]),
      [
        ["2737ecedbf2a9065", "b"],
        ["4036b1db24775ea0", "a"],
      ],
    );
  });

  it("parseInitialCluster names what is wrong", () => {
    assert.throws(() => parseInitialCluster(["a"]), /must look like name=http/);
    assert.throws(() => parseInitialCluster(["a=ftp://x:1"]), /must look like http/);
    assert.throws(() => parseInitialCluster(["a=http://x:1", "b=http://x:1"]), /given twice/);
  });

  it("memberJson is etcd's form and keeps 64-bit ids", () => {
    const id = 0xfedc_ba98_7654_3210n;
    assert.equal(
      Buffer.from(
        memberJson(member(id, { peerUrls: ["http://h:1"], name: "n", isLearner: true })),
      ).toString(),
      '{"id":18364758544493064720,"peerURLs":["http://h:1"],"isLearner":true,"name":"n"}',
    );
    const members = fc.record({
      id: fc.bigInt({ min: 1n, max: 2n ** 64n - 1n }),
      name: fc.string(),
      peerUrls: fc.array(fc.webUrl(), { maxLength: 3 }),
      clientUrls: fc.array(fc.webUrl(), { maxLength: 3 }),
      isLearner: fc.boolean(),
    });
    fc.assert(
      fc.property(members, fc.boolean(), (given, isPromote) => {
        assert.deepEqual(readMemberJson(memberJson(given, { isPromote })), { ...given, isPromote });
      }),
    );
  });

  it("ClusterMembers knows who learns, through every change", () => {
    const members = new ClusterMembers({ onMembers: () => undefined, onConfChange: () => undefined });
    const rows = { put: () => undefined, delete: () => undefined };
    const at = { term: 1, index: 1 };
    const change = (type: ConfChange["type"], nodeId: bigint, options = {}) =>
      members.applyConfChange(
        { id: 0n, type, nodeId, context: memberJson(member(nodeId), options) },
        at,
        rows,
      );
    const learners = () => [1n, 2n, 3n].filter((id) => members.isLearner(id));
    change("addNode", 1n);
    assert.deepEqual(learners(), []);
    change("addLearner", 2n);
    change("addLearner", 3n);
    assert.deepEqual(learners(), [2n, 3n]);
    change("addNode", 2n, { isPromote: true });
    assert.deepEqual(learners(), [3n]);
    change("removeNode", 3n);
    assert.deepEqual(learners(), []);
    members.restore({
      members: [{ key: "5", value: memberJson(member(5n, { isLearner: true })) }],
      members_removed: [],
      cluster: [],
    });
    assert.ok(members.isLearner(5n));
  });

  it("never takes out the last that has a vote, whatever was asked for at once", () => {
    const told: (string | undefined)[] = [];
    const members = new ClusterMembers({
      onMembers: () => undefined,
      onConfChange: (_id, refused) => told.push(refused?.code),
    });
    const change = (type: ConfChange["type"], nodeId: bigint) =>
      members.applyConfChange(
        { id: 0n, type, nodeId, context: memberJson(member(nodeId)) },
        { term: 1, index: 1 },
        { put: () => undefined, delete: () => undefined },
      );
    change("addNode", 1n);
    change("addNode", 2n);
    change("addLearner", 3n);
    change("removeNode", 2n);
    const conf = change("removeNode", 1n);
    assert.deepEqual(conf, { voters: [1n], learners: [3n] });
    assert.equal(told.at(-1), "MEMBER_NOT_ENOUGH_STARTED");
    assert.equal(members.isRemoved(1n), false);
    change("removeNode", 3n);
    assert.equal(told.at(-1), undefined);
  });

  it("checkAdd lets a cluster grow only while the quorum of the larger one is started", () => {
    assert.equal(
      refusal(() => checkAdd(member(9n), view([member(1n)]))),
      undefined,
    );
    const halfStarted = [member(1n), member(2n, { name: "" })];
    assert.equal(
      refusal(() => checkAdd(member(9n), view(halfStarted))),
      "MEMBER_NOT_ENOUGH_STARTED",
    );
    const three = [member(1n), member(2n), member(3n)];
    assert.equal(
      refusal(() => checkAdd(member(9n), view(three, [3n]))),
      "UNHEALTHY",
    );
    const five = [...three, member(4n), member(5n)];
    assert.equal(
      refusal(() => checkAdd(member(9n), view(five, [3n]))),
      undefined,
      "four of six are a quorum",
    );
    assert.equal(
      refusal(() => checkAdd(member(9n, { isLearner: true }), view(five, [2n, 3n]))),
      "UNHEALTHY",
    );
    assert.equal(
      refusal(() => checkAdd(member(3n), view(three))),
      "MEMBER_EXISTS",
    );
    const sameUrl = member(9n, { peerUrls: three[0]?.peerUrls ?? [] });
    assert.equal(
      refusal(() => checkAdd(sameUrl, view(three))),
      "PEER_URL_EXISTS",
    );
    const learners = [...three, member(4n, { isLearner: true })];
    assert.equal(
      refusal(() => checkAdd(member(9n), view(learners, [4n]))),
      undefined,
      "a learner that has not started yet is no reason to refuse",
    );
    assert.equal(
      refusal(() => checkAdd(member(9n, { isLearner: true }), view(learners))),
      "TOO_MANY_LEARNERS",
    );
  });

  it("checkRemove lets a dead member go, but none that the quorum needs", () => {
    const three = [member(1n), member(2n), member(3n)];
    assert.equal(
      refusal(() => checkRemove(9n, view(three))),
      "MEMBER_NOT_FOUND",
    );
    assert.equal(
      refusal(() => checkRemove(3n, view(three, [3n]))),
      undefined,
    );
    assert.equal(
      refusal(() => checkRemove(2n, view(three, [3n]))),
      "UNHEALTHY",
    );
    assert.equal(
      refusal(() => checkRemove(1n, view([member(1n)]))),
      "MEMBER_NOT_ENOUGH_STARTED",
    );
  });

  it("checkPromote wants a learner that has nearly all of the log", () => {
    const four = [member(1n), member(2n), member(3n), member(4n, { isLearner: true })];
    assert.equal(
      refusal(() => checkPromote(4n, 0.89, view(four))),
      "LEARNER_NOT_READY",
    );
    assert.equal(
      refusal(() => checkPromote(3n, 1, view(four))),
      "MEMBER_NOT_LEARNER",
    );
    assert.equal(checkPromote(4n, 0.9, view(four)).id, 4n);
  });
});
