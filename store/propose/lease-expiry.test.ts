import assert from "node:assert/strict";
import { type Deferred, deferred } from "../../base/deferred.ts";
import { silentLog } from "../../base/os/log.ts";
import { MetricsRegistry } from "../../base/os/metrics.ts";
import type { Requester } from "../auth/auth-state.ts";
import { ManualClock } from "../driver/fixtures/rig.ts";
import type { ConsensusStatus } from "../driver/seams.ts";
import { StoreError } from "../errors.ts";
import type { Checkpoint } from "../lease/lessor.ts";
import { expiryLimits, LeaseExpiry } from "./lease-expiry.ts";

const { underWayMax, lookEveryMs } = expiryLimits;

const root: Requester = { name: "root", revision: 3 };

/** A member that leads in term 1, with so many leases that ran out. */
function rig(expired: number, checkpoints: Checkpoint[] = []) {
  const clock = new ManualClock();
  const asked: {
    /** The lease that is to be revoked, or how much time so many have left. */
    readonly what: bigint | readonly Checkpoint[];
    readonly by: Requester | undefined;
    readonly onlyIn: number | undefined;
    readonly end: Deferred<unknown>;
  }[] = [];
  let told = 0;
  let isPrimary = false;
  let appliedTerm = 1;
  let lead: (status: ConsensusStatus) => void = () => undefined;
  const expiry = new LeaseExpiry(
    { electionTimeoutMs: 1_000 },
    {
      clock,
      log: silentLog,
      asRoot: () => root,
      appliedTerm: () => appliedTerm,
      meter: new MetricsRegistry(),
      leases: {
        promote: () => {
          isPrimary = true;
        },
        demote: () => {
          isPrimary = false;
        },
        expired: (_, limit) => {
          const count = isPrimary ? Math.min(limit, expired - told) : 0;
          told += count;
          return Array.from({ length: count }, (_, at) => BigInt(told - count + at + 1));
        },
        dueCheckpoints: (_, limit) => checkpoints.splice(0, limit),
      },
      consensus: {
        status: { role: "leader", term: 1 } as ConsensusStatus,
        onLeadership: (listener) => {
          lead = listener;
          return () => undefined;
        },
      },
      proposer: {
        propose: (
          _kind: string,
          body: { readonly id: bigint } | { readonly checkpoints: readonly Checkpoint[] },
          { by, onlyIn }: { readonly by: Requester | undefined; readonly onlyIn?: number },
        ) => {
          const end = deferred<never>();
          asked.push({
            what: "id" in body ? body.id : body.checkpoints,
            by,
            onlyIn,
            end: end as Deferred<unknown>,
          });
          return end.promise;
        },
      },
    },
  );
  clock.jump(lookEveryMs);
  return {
    asked,
    expiry,
    clock,
    isPrimary: () => isPrimary,
    become: (status: Pick<ConsensusStatus, "role" | "term">) => lead(status as ConsensusStatus),
    /** The first entry of a term. */
    apply(term: number) {
      appliedTerm = term;
      expiry.termApplied(term);
    },
    /** Ends the revocations from one to another. */
    async end(from: number, to: number, how: (end: Deferred<unknown>) => void = (end) => end.resolve({})) {
      for (const { end } of asked.slice(from, to)) how(end);
      await new Promise(setImmediate);
    },
  };
}

describe("LeaseExpiry", () => {
  it("has so many revocations under way, and begins the next when one has gone", async () => {
    const { asked, end, clock } = rig(1_000);
    assert.equal(asked.length, underWayMax);
    clock.jump(lookEveryMs);
    assert.equal(asked.length, underWayMax, "looking begins no more than may be under way");
    await end(0, 10);
    assert.equal(asked.length, underWayMax + 10);
    await end(10, 11, (one) => one.reject(new StoreError("LEASE_NOT_FOUND")));
    assert.equal(asked.length, underWayMax + 11, "what somebody else revoked has gone");
    for (let done = 11; done < 1_000; done += underWayMax) await end(done, done + underWayMax);
    assert.deepEqual(
      asked.map(({ what }) => what),
      Array.from({ length: 1_000 }, (_, at) => BigInt(at + 1)),
    );
  });

  it("waits for its next look where one fails", async () => {
    const { asked, end, clock } = rig(1_000);
    await end(0, underWayMax, (one) => one.reject(new StoreError("PROPOSAL_DROPPED")));
    assert.equal(asked.length, underWayMax);
    clock.jump(lookEveryMs);
    assert.equal(asked.length, 2 * underWayMax);
  });

  it("revokes only in the term in which it leads, and nothing once another member does", async () => {
    const { asked, end, become, apply, clock } = rig(1_000);
    become({ role: "follower", term: 2 });
    apply(2);
    await end(0, underWayMax);
    clock.jump(10 * lookEveryMs);
    assert.equal(asked.length, underWayMax);
    become({ role: "leader", term: 3 });
    apply(3);
    clock.jump(lookEveryMs);
    assert.deepEqual(new Set(asked.map(({ onlyIn }) => onlyIn)), new Set([1, 3]));
    assert.ok(asked.every(({ by }) => by === root));
    assert.equal(asked.length, 2 * underWayMax);
  });

  it("has leases run out once the first entry of its term is applied, whether that is told before it leads or after", () => {
    const { isPrimary, become, apply } = rig(0);
    assert.ok(isPrimary());
    become({ role: "leader", term: 2 });
    assert.ok(!isPrimary(), "it has not applied what the leader of term 1 answered");
    apply(2);
    assert.ok(isPrimary());
    become({ role: "follower", term: 3 });
    apply(3);
    assert.ok(!isPrimary());
    apply(4);
    become({ role: "leader", term: 4 });
    assert.ok(isPrimary());
  });
});
