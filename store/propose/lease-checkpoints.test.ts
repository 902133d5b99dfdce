import assert from "node:assert/strict";
import { deferred } from "../../base/deferred.ts";
import { failpoint } from "../../base/failpoints/failpoint.ts";
import { silentLog } from "../../base/os/log.ts";
import { MetricsRegistry } from "../../base/os/metrics.ts";
import type { Requester } from "../auth/auth-state.ts";
import { ManualClock } from "../driver/fixtures/rig.ts";
import type { ConsensusStatus } from "../driver/seams.ts";
import { StoreError } from "../errors.ts";
import { type Checkpoint, Lessor } from "../lease/lessor.ts";
import { LeaseDesk } from "./lease-desk.ts";
import { expiryLimits, LeaseExpiry } from "./lease-expiry.ts";

const everyMs = 60_000;
const root: Requester = { name: "root", revision: 3 };

function newLessor(): Lessor {
  const rows = { put: () => undefined, delete: () => undefined };
  return new Lessor({ minTtlS: 1, checkpointEveryMs: everyMs }, rows);
}

/** A member that leads, with leases of 10 minutes, and one that follows; what is proposed takes effect on both at once. */
function twoMembers(leases = 1) {
  const clock = new ManualClock();
  const lessors = [newLessor(), newLessor()] as const;
  const [leader, follower] = lessors;
  const proposed: (readonly Checkpoint[])[] = [];
  const terms: (number | undefined)[] = [];
  let refusal: StoreError | undefined;
  let held = Promise.resolve();
  const consensus = {
    status: { role: "leader", term: 7, leader: 1n } as ConsensusStatus,
    onLeadership: () => () => undefined,
    readIndex: async () => 1,
  };
  const proposer = {
    requestTimeoutMs: 7_000,
    propose: async (
      _kind: string,
      body: { readonly id: bigint } | { readonly checkpoints: readonly Checkpoint[] },
      { by, onlyIn }: { readonly by: Requester | undefined; readonly onlyIn?: number },
    ) => {
      assert.equal(by, root);
      if (refusal !== undefined) throw refusal;
      const { checkpoints } = body as { readonly checkpoints: readonly Checkpoint[] };
      proposed.push(checkpoints);
      terms.push(onlyIn);
      await held;
      for (const lessor of lessors) for (const checkpoint of checkpoints) lessor.checkpoint(checkpoint);
    },
  };
  const parts = { leases: leader, consensus, proposer, clock, asRoot: () => root };
  new LeaseExpiry(
    { electionTimeoutMs: 1_000 },
    { ...parts, appliedTerm: () => 7, log: silentLog, meter: new MetricsRegistry() },
  );
  const desk = new LeaseDesk({
    ...parts,
    memberId: 1n,
    state: { appliedIndex: 1, waitApplied: async () => undefined },
    ask: () => Promise.reject(new Error("asks nobody")),
  });
  for (let at = 1; at <= leases; at++)
    for (const lessor of lessors) lessor.grant({ id: BigInt(at), ttl: 600 }, clock.monotonicMs());
  return {
    desk,
    leader,
    follower,
    proposed,
    terms,
    clock,
    refuse: (error: StoreError | undefined) => {
      refusal = error;
    },
    /** What is proposed from now on takes effect, in its order, once the promise resolves. */
    holdUntil: (released: Promise<void>) => {
      held = released;
    },
    /** Time goes by, and all that it brings is over. */
    async pass(ms: number) {
      clock.jump(ms);
      await new Promise(setImmediate);
    },
    /** What the lease would have left if the other member led from now on. */
    leftAfterChange(id = 1n) {
      follower.promote(clock.monotonicMs(), 0);
      const left = follower.timeToLive(id, clock.monotonicMs())?.ttl;
      follower.demote();
      return left;
    },
  };
}

describe("checkpoints of leases", () => {
  afterEach(() => failpoint("beforeCheckpointInLeaseRenew").disarm());

  it("let the next leader know how much time a lease has left", async () => {
    const { pass, proposed, terms, leftAfterChange } = twoMembers();
    await pass(everyMs - 1);
    assert.deepEqual([proposed, leftAfterChange()], [[], 600]);
    await pass(expiryLimits.lookEveryMs);
    assert.deepEqual(proposed, [[{ id: 1n, remainingTtl: 540 }]]);
    assert.deepEqual([terms, leftAfterChange()], [[7], 540]);
    for (let at = 0; at < 17; at++) await pass(everyMs / 2);
    const told = proposed.map(([checkpoint]) => checkpoint?.remainingTtl);
    assert.deepEqual(
      told,
      [540, 480, 420, 360, 300, 240, 180, 120, 60],
      "none comes after the lease has ended",
    );
  });

  it("are taken back before a renewal is answered", async () => {
    const { pass, proposed, desk, leftAfterChange } = twoMembers();
    assert.equal(await desk.renew(1n), 600);
    assert.deepEqual(proposed, [], "there is none yet");
    await pass(everyMs + expiryLimits.lookEveryMs);
    assert.equal(proposed.length, 1);
    assert.equal(await desk.renew(1n), 600);
    assert.deepEqual(proposed.slice(1), [[{ id: 1n, remainingTtl: 0 }]]);
    assert.equal(leftAfterChange(), 600);
    await desk.renew(1n);
    assert.equal(proposed.length, 2);
  });

  it("are taken back, too, where they are made while a renewal takes the one before back", async () => {
    const { pass, proposed, desk, holdUntil, leftAfterChange } = twoMembers();
    await pass(everyMs + expiryLimits.lookEveryMs);
    const released = deferred<void>();
    holdUntil(released.promise);
    const renewal = desk.renew(1n);
    await pass(0);
    await pass(everyMs);
    released.resolve();
    assert.equal(await renewal, 600);
    assert.equal(leftAfterChange(), 600);
    const told = proposed.map(([checkpoint]) => checkpoint?.remainingTtl);
    assert.deepEqual(told, [540, 0, 480, 0]);
  });

  it("fail the renewal where they cannot be taken back", async () => {
    const { pass, desk, refuse, leader, clock } = twoMembers();
    await pass(everyMs + expiryLimits.lookEveryMs);
    refuse(new StoreError("LEADER_CHANGED"));
    const left = () => leader.timeToLive(1n, clock.monotonicMs())?.ttl;
    const before = left();
    await assert.rejects(desk.renew(1n), /leader changed/);
    assert.equal(left(), before);
  });

  it("are made anew where one failed, and taken back since it may take effect yet", async () => {
    const { pass, proposed, desk, refuse } = twoMembers();
    refuse(new StoreError("TIMEOUT"));
    await pass(everyMs + expiryLimits.lookEveryMs);
    refuse(undefined);
    await desk.renew(1n);
    assert.deepEqual(proposed, [[{ id: 1n, remainingTtl: 0 }]]);
    await pass(everyMs);
    assert.equal(proposed.length, 2);
  });

  it("go together, so many at a time", async () => {
    const { pass, proposed } = twoMembers(2_500);
    await pass(everyMs + expiryLimits.lookEveryMs);
    assert.deepEqual(
      proposed.map((entry) => entry.length),
      [1_000, 1_000, 500],
    );
  });

  it("pass etcd's failpoint with each renewal", async () => {
    const { desk } = twoMembers();
    const point = failpoint("beforeCheckpointInLeaseRenew");
    point.arm("sleep(0)");
    await desk.renew(1n);
    assert.equal(point.terms?.count, 1);
  });
});
