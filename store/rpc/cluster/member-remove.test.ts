import assert from "node:assert/strict";
import { ManualClock } from "../../driver/fixtures/rig.ts";
import { StoreError, type StoreErrorCode } from "../../errors.ts";
import type { Member } from "../../membership/member.ts";
import type { MemberParts } from "../member.ts";
import { memberRemove } from "./member-remove.ts";

/** Member 1 of 1, 2 and 3, which is told these outcomes of its proposals one after the other, the last again and again. Member 2
 *  leads until the first. */
function asked(outcomes: readonly (StoreErrorCode | "applied")[]) {
  const clock = new ManualClock();
  const status = { leader: 2n };
  let proposed = 0;
  const members = [1n, 2n, 3n].map((id) => ({
    id,
    name: `m${id}`,
    peerUrls: [],
    clientUrls: [],
    isLearner: false,
  }));
  const parts = {
    clusterId: 4n,
    memberId: 1n,
    state: { revision: 5 },
    clock,
    limits: { strictReconfigCheck: false },
    consensus: { status },
    members: { all: () => members as readonly Member[], connectedForMs: () => 60_000 },
    proposer: {
      requestTimeoutMs: 7_000,
      proposeConfChange: async () => {
        const outcome = outcomes[Math.min(proposed++, outcomes.length - 1)];
        status.leader = 3n;
        if (outcome !== "applied") throw new StoreError(outcome ?? "STOPPED");
      },
    },
  } as unknown as MemberParts;
  const remove = async (id: bigint) => {
    let isOver = false;
    const answer = memberRemove({ id }, parts).finally(() => {
      isOver = true;
    });
    answer.catch(() => undefined);
    for (; !isOver; clock.jump(20)) await new Promise(setImmediate);
    return answer;
  };
  return { remove, clock, proposed: () => proposed };
}

const code = (wanted: StoreErrorCode) => (error: unknown) =>
  error instanceof StoreError && error.code === wanted;

describe("the removal of a member", () => {
  it("that leads is proposed until the next leader takes it", async () => {
    const { remove, proposed } = asked([
      "PROPOSAL_DROPPED",
      "LEADER_CHANGED",
      "TOO_MANY_REQUESTS",
      "PROPOSAL_DROPPED",
      "applied",
    ]);
    await remove(2n);
    assert.equal(proposed(), 5);
  });

  it("that leads is proposed again when the next leader came before its answer", async () => {
    const { remove, proposed } = asked(["LEADER_CHANGED", "applied"]);
    await remove(2n);
    assert.equal(proposed(), 2);
  });

  it("that leads is given up when the time of a request is over", async () => {
    const { remove, clock } = asked(["PROPOSAL_DROPPED"]);
    await assert.rejects(remove(2n), code("PROPOSAL_DROPPED"));
    assert.ok(clock.monotonicMs() >= 7_000);
  });

  it("that does not lead is proposed once", async () => {
    for (const refusal of ["PROPOSAL_DROPPED", "TOO_MANY_REQUESTS", "LEADER_CHANGED"] as const) {
      const { remove, proposed } = asked([refusal]);
      await assert.rejects(remove(1n), code(refusal));
      assert.equal(proposed(), 1);
    }
  });

  it("is not proposed again when nobody knows whether it was taken", async () => {
    const { remove, proposed } = asked(["PROPOSAL_DROPPED", "TIMEOUT"]);
    await assert.rejects(remove(2n), code("TIMEOUT"));
    assert.equal(proposed(), 2);
  });
});
