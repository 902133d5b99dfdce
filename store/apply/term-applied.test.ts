import assert from "node:assert/strict";
import { systemClock } from "../../base/os/clock.ts";
import { systemDisk } from "../../base/os/disk.ts";
import { MetricsRegistry } from "../../base/os/metrics.ts";
import { internalRaftRequest } from "../../proto/etcd.ts";
import { backendDefaults } from "../backend/layered-backend.ts";
import { MemoryHome } from "../backend/memory-home.ts";
import type { Entry, Term } from "../raft/types.ts";
import { openState } from "./state.ts";

describe("the first entry of a term", () => {
  const failLoudly = (error: Error) => {
    throw error;
  };

  it("is told of when all before it is applied: a leader knows by then which checkpoints of leases were taken back", async () => {
    const terms: Term[] = [];
    const state = await openState(
      { dataDir: "/nowhere", quotaBytes: 0, electionMs: 1_000, leaseCheckpointMs: 60_000 },
      {
        clock: systemClock,
        disk: systemDisk,
        meter: new MetricsRegistry(),
        membership: {
          check: () => undefined,
          restore: () => undefined,
          applyConfChange: () => ({ voters: [], learners: [] }),
          setAttributes: () => undefined,
          setClusterVersion: () => undefined,
          setDowngrade: () => undefined,
        },
        onApplied: (_, result) => assert.ok(result.ok),
        onTermApplied(term) {
          terms.push(term);
          if (term === 2) state.lessor.promote(0, 1_000);
        },
        onNoSpace: () => undefined,
        onFailure: failLoudly,
        home: new MemoryHome(backendDefaults, { onFailure: failLoudly }),
      },
    );
    const log: Entry[] = [];
    const add = (term: Term, request?: Parameters<typeof internalRaftRequest.encode>[0]) => {
      const index = log.length + 1;
      const header = { id: BigInt(index) };
      const data = request ? internalRaftRequest.encode({ header, ...request }) : new Uint8Array(0);
      log.push({ term, index, type: "normal", data });
    };
    add(1);
    add(1, { leaseGrant: { id: 1n, ttl: 600 } });
    add(1, { leaseCheckpoint: { checkpoints: [{ id: 1n, remainingTtl: 5 }] } });
    add(1, { leaseCheckpoint: { checkpoints: [{ id: 1n, remainingTtl: 0 }] } });
    add(2);
    add(2, { leaseCheckpoint: { checkpoints: [{ id: 1n, remainingTtl: 7 }] } });
    state.apply(log);
    assert.deepEqual([terms, state.appliedTerm], [[1, 2], 2]);
    assert.equal(state.lessor.timeToLive(1n, 0)?.ttl, 601, "the whole time, and an election's");
    await state.close();
  });
});
