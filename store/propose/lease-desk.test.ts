import assert from "node:assert/strict";
import { AppliedWaiters } from "../apply/applied-index.ts";
import { ManualClock } from "../driver/fixtures/rig.ts";
import type { ConsensusStatus } from "../driver/seams.ts";
import { StoreError } from "../errors.ts";
import { LeaseDesk } from "./lease-desk.ts";

const requestTimeoutMs = 7_000;
const turn = () => new Promise(setImmediate);

/** Member 1, which knows of a lease with 9 of 10 seconds left, and has applied 5 of 8 committed entries. */
function member(leader: bigint, refusals: readonly StoreError[] = []) {
  const clock = new ManualClock();
  const listeners = new Set<(status: ConsensusStatus) => void>();
  const status = { leader, term: 1 };
  const applied = { index: 5, waiters: new AppliedWaiters() };
  const asked: bigint[] = [];
  const timeoutsMs: number[] = [];
  const desk = new LeaseDesk({
    memberId: 1n,
    clock,
    leases: {
      exists: (id) => id === 1n,
      renew: () => ({ ttl: 10 }),
      checkpointsToTakeBack: () => undefined,
      tookBack: () => undefined,
      timeToLive: () => ({ grantedTtl: 10, ttl: 9, keys: [] }),
      list: () => [],
    },
    consensus: {
      status: status as unknown as ConsensusStatus,
      readIndex: async () => 8,
      onLeadership(listener) {
        listeners.add(listener);
        return () => listeners.delete(listener);
      },
    },
    state: {
      get appliedIndex() {
        return applied.index;
      },
      waitApplied: (index, signal) => applied.waiters.wait(index, signal),
    },
    proposer: { requestTimeoutMs, propose: () => Promise.reject(new Error("proposes nothing")) },
    asRoot: () => undefined,
    ask: async (to, _kind, _id, withinMs) => {
      timeoutsMs.push(withinMs);
      const refusal = refusals[asked.push(to) - 1];
      if (refusal !== undefined) throw refusal;
      return new Uint8Array(0);
    },
  });
  return {
    desk,
    clock,
    asked,
    timeoutsMs,
    listeners,
    lead(id: bigint) {
      status.leader = id;
      status.term++;
      for (const listener of [...listeners]) listener(status as unknown as ConsensusStatus);
    },
    applyAll() {
      applied.index = 8;
      applied.waiters.reached(8);
    },
  };
}

describe("who asks how long a lease lives", () => {
  it("has a lease that is known renewed by a leader that is slow to apply, as long as a request may take", async () => {
    const { desk, clock, applyAll } = member(1n);
    const renewed = desk.renew(1n);
    await turn();
    clock.jump(requestTimeoutMs - 1);
    applyAll();
    assert.equal(await renewed, 10);
  });

  it("is refused a renewal that takes longer than that", async () => {
    const { desk, clock } = member(1n);
    const refused = assert.rejects(desk.renew(1n), { code: "TIMEOUT_WAIT_APPLIED_INDEX" });
    await turn();
    clock.jump(requestTimeoutMs);
    await refused;
  });

  for (const ask of ["renew", "timeToLive"] as const) {
    const answer = (desk: LeaseDesk, id = 1n) =>
      ask === "renew" ? desk.renew(id) : desk.timeToLive(id, false);

    it(`is answered by the leader (${ask}) once it has applied what is committed`, async () => {
      const { desk, clock, applyAll } = member(1n);
      const told = answer(desk);
      await turn();
      clock.jump(999);
      applyAll();
      assert.deepEqual(await told, ask === "renew" ? 10 : { ttlSeconds: 9, grantedTtlSeconds: 10, keys: [] });
    });

    it(`is refused by a leader (${ask}) that takes a second and longer for that`, async () => {
      const { desk, clock } = member(1n);
      const unknown = 2n;
      const refused = assert.rejects(answer(desk, unknown), { code: "TIMEOUT_WAIT_APPLIED_INDEX" });
      await turn();
      clock.jump(1_000);
      await refused;
    });

    it(`waits for a leader (${ask}), and asks anew where it was none any more`, async () => {
      const { desk, asked, lead, listeners } = member(0n, [new StoreError("NOT_LEADER")]);
      const told = answer(desk);
      lead(2n);
      await turn();
      lead(3n);
      await told;
      assert.deepEqual([asked, listeners.size], [[2n, 3n], 0]);
    });

    it(`asks the same leader anew (${ask}) once it was elected again`, async () => {
      const { desk, asked, lead, listeners } = member(2n, [new StoreError("NOT_LEADER")]);
      const told = answer(desk);
      await turn();
      lead(2n);
      await told;
      assert.deepEqual([asked, listeners.size], [[2n, 2n], 0]);
    });

    it(`gives the leader (${ask}) what is left of the time that a request may take`, async () => {
      const { desk, clock, lead, timeoutsMs } = member(2n, [new StoreError("NOT_LEADER")]);
      const told = answer(desk);
      await turn();
      clock.jump(2_000);
      lead(3n);
      await told;
      assert.deepEqual(timeoutsMs, [requestTimeoutMs, requestTimeoutMs - 2_000]);
    });

    it(`waits for a leader (${ask}) no longer than a request may take`, async () => {
      const { desk, clock, asked, listeners } = member(0n);
      const refused = assert.rejects(answer(desk), { code: "NO_LEADER" });
      clock.jump(requestTimeoutMs);
      await refused;
      assert.deepEqual([asked, listeners.size], [[], 0]);
    });
  }
});
