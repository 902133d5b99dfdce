import assert from "node:assert/strict";
import { Lessor, leaseLimits } from "./lessor.ts";

/** A leading lessor whose leases are kept nowhere. */
function primary(): Lessor {
  const lessor = new Lessor(
    { minTtlS: 1, checkpointEveryMs: 0 },
    { put: () => undefined, delete: () => undefined },
  );
  lessor.promote(0, 0);
  return lessor;
}

describe("Lessor", () => {
  it("tells a lease that ran out once, however often it was renewed, and again only after a while", () => {
    const lessor = primary();
    for (const id of [1n, 2n]) lessor.grant({ id, ttl: 10 }, 0);
    for (const nowMs of [100, 100, 200]) lessor.renew(1n, nowMs);
    assert.deepEqual(lessor.expired(9_999, 10), []);
    assert.deepEqual(lessor.expired(20_000, 10), [2n, 1n]);
    assert.deepEqual(lessor.expired(20_000 + leaseLimits.retryMs - 1, 10), []);
    assert.deepEqual(lessor.expired(20_000 + leaseLimits.retryMs, 10), [2n, 1n]);
  });

  it("goes on telling what ran out after very many renewals of others", () => {
    const lessor = primary();
    for (const id of [1n, 2n]) lessor.grant({ id, ttl: 10 }, 0);
    assert.deepEqual(lessor.expired(10_000, 1), [1n]);
    for (let nowMs = 0; nowMs < 5_000; nowMs++) lessor.renew(2n, nowMs);
    assert.deepEqual(lessor.expired(10_000 + leaseLimits.retryMs - 1, 10), []);
    assert.deepEqual(lessor.expired(10_000 + leaseLimits.retryMs, 10), [1n]);
  });

  it("tells at most as many as are asked for, the longest overdue first", () => {
    const lessor = primary();
    for (const [id, ttl] of [
      [1n, 30],
      [2n, 10],
      [3n, 20],
    ] as const)
      lessor.grant({ id, ttl }, 0);
    assert.deepEqual(lessor.expired(30_000, 2), [2n, 3n]);
    assert.deepEqual(lessor.expired(30_000, 2), [1n]);
  });
});
