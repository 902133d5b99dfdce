import assert from "node:assert/strict";
import { membersResponse } from "../../../proto/etcd-cluster.ts";
import { ManualClock } from "../../driver/fixtures/rig.ts";
import type { ConsensusStatus } from "../../driver/seams.ts";
import { StoreError } from "../../errors.ts";
import type { MemberParts } from "../member.ts";
import { memberPromote, promoteAsLeader } from "./member-promote.ts";

const highId = 2n ** 63n + 5n;

/** Member 1, which is not the leader; `answers` are what others answer, one after the other. */
function follower(leader: bigint, answers: readonly (Uint8Array | StoreError)[]) {
  const clock = new ManualClock();
  const asked: (readonly [bigint, string, bigint, number])[] = [];
  const listeners = new Set<(status: ConsensusStatus) => void>();
  const status = { leader } as { leader: bigint };
  const parts = {
    clusterId: 4n,
    memberId: 1n,
    state: { revision: 5 },
    clock,
    proposer: { requestTimeoutMs: 7_000 },
    consensus: {
      status,
      onLeadership(listener: (status: ConsensusStatus) => void) {
        listeners.add(listener);
        return () => listeners.delete(listener);
      },
    },
    ask: async (to: bigint, kind: string, id: bigint, withinMs: number) => {
      const answer = answers[asked.push([to, kind, id, withinMs]) - 1];
      if (answer instanceof Uint8Array) return answer;
      throw answer;
    },
  } as unknown as MemberParts;
  return {
    parts,
    asked,
    clock,
    listeners,
    lead(id: bigint) {
      status.leader = id;
      for (const listener of listeners) listener(status as ConsensusStatus);
    },
  };
}

const members = membersResponse.encode({ members: [{ id: 9n, name: "learner" }] });
const turn = () => new Promise(setImmediate);

describe("a promotion asked of a member that does not lead", () => {
  it("is the leader's, with the member's whole id", async () => {
    const { parts, asked, listeners } = follower(2n, [members]);
    const answer = await memberPromote({ id: highId }, parts);
    assert.deepEqual(
      answer.members.map(({ id }) => id),
      [9n],
    );
    assert.equal(answer.header?.memberId, 1n);
    assert.deepEqual(asked, [[2n, "promote", BigInt.asIntN(64, highId), 7_000]]);
    assert.equal(listeners.size, 0);
  });

  it("tells what the leader refuses, and is not asked again", async () => {
    for (const code of ["LEARNER_NOT_READY", "MEMBER_NOT_FOUND", "MEMBER_NOT_LEARNER", "TIMEOUT"] as const) {
      const { parts, asked } = follower(2n, [new StoreError(code)]);
      await assert.rejects(memberPromote({ id: 9n }, parts), { code });
      assert.equal(asked.length, 1);
    }
  });

  it("waits for a leader, and asks the next where one leads no more", async () => {
    const { parts, asked, lead } = follower(0n, [new StoreError("NOT_LEADER"), members]);
    const answer = memberPromote({ id: 9n }, parts);
    await turn();
    lead(2n);
    await turn();
    assert.equal(asked.length, 1);
    lead(3n);
    assert.equal((await answer).members.length, 1);
    assert.deepEqual(
      asked.map(([to]) => to),
      [2n, 3n],
    );
  });

  it("fails where no leader comes as long as a request may take", async () => {
    const { parts, clock, listeners } = follower(0n, []);
    const answer = assert.rejects(memberPromote({ id: 9n }, parts), { code: "NO_LEADER" });
    await turn();
    clock.jump(7_000);
    await answer;
    assert.equal(listeners.size, 0);
  });

  it("is refused by a member that is taken for the leader", async () => {
    const { parts } = follower(2n, []);
    await assert.rejects(promoteAsLeader(9n, parts), { code: "NOT_LEADER" });
  });
});
