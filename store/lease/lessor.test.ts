import assert from "node:assert/strict";
import fc from "fast-check";
import { collectGarbage } from "../../base/testing/collect-garbage.ts";
import { type LeaseInfo, Lessor, leaseLimits } from "./lessor.ts";

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

  it("does as a list of leases would, whatever is asked of it", () => {
    const ids = [1n, 2n, -1n, 2n ** 62n, -(2n ** 62n) - 5n, 0x1_0000_0001n, 0x8000_0000n];
    const id = fc.constantFrom(...ids);
    const step = fc.oneof(
      fc.record({ do: fc.constant("grant" as const), id, ttl: fc.integer({ min: 1, max: 300 }) }),
      fc.record({ do: fc.constant("renew" as const), id }),
      fc.record({ do: fc.constant("revoke" as const), id }),
      fc.record({ do: fc.constant("checkpoint" as const), id, ttl: fc.integer({ min: 0, max: 300 }) }),
      fc.record({ do: fc.constant("attach" as const), id, key: fc.constantFrom("a", "b") }),
      fc.record({ do: fc.constant("pass" as const), ms: fc.integer({ min: 0, max: 90_000 }) }),
      fc.record({ do: fc.constantFrom("promote" as const, "demote" as const) }),
    );
    fc.assert(
      fc.property(fc.array(step, { maxLength: 120 }), (steps) => {
        const rows = { put: () => undefined, delete: () => undefined };
        const lessor = new Lessor({ minTtlS: 1, checkpointEveryMs: 60_000 }, rows);
        const twin = new TwinLessor(60_000);
        let nowMs = 0;
        for (const one of steps) {
          if (one.do === "grant" && !twin.leases.has(one.id)) {
            lessor.grant(one, nowMs);
            twin.grant(one, nowMs);
          } else if (one.do === "renew")
            assert.deepEqual(lessor.renew(one.id, nowMs), twin.renew(one.id, nowMs));
          else if (one.do === "revoke" && twin.leases.has(one.id)) {
            for (const key of lessor.keysOf(one.id)) lessor.move(key, 0n);
            lessor.revoke(one.id);
            twin.leases.delete(one.id);
          } else if (one.do === "checkpoint") {
            lessor.checkpoint({ id: one.id, remainingTtl: one.ttl });
            twin.checkpoint(one.id, one.ttl);
          } else if (one.do === "attach" && twin.leases.has(one.id)) {
            lessor.move(one.key, one.id);
            twin.attach(one.key, one.id);
          } else if (one.do === "pass") nowMs += one.ms;
          else if (one.do === "promote") {
            lessor.demote();
            lessor.promote(nowMs, 1_000);
            twin.promote(nowMs, 1_000);
          } else if (one.do === "demote") {
            lessor.demote();
            twin.demote();
          }
          assert.deepEqual(lessor.dueCheckpoints(nowMs, 3), twin.dueCheckpoints(nowMs, 3));
          assert.deepEqual(lessor.expired(nowMs, 2), twin.expired(nowMs, 2));
          assert.deepEqual(lessor.list(), twin.list());
          for (const id of ids) {
            assert.deepEqual(lessor.timeToLive(id, nowMs), twin.timeToLive(id, nowMs));
            assert.equal(lessor.checkpointsToTakeBack(id), twin.checkpointsToTakeBack(id));
          }
          for (const key of ["a", "b"]) assert.equal(lessor.leaseOf(key), twin.leaseOf(key));
        }
      }),
    );
  });

  it("keeps so little of a lease without keys that a hundred thousand take no more than 20 MB", () => {
    const lessor = primary();
    const count = 100_000;
    const bytes = () => {
      collectGarbage();
      const { heapUsed, arrayBuffers } = process.memoryUsage();
      return heapUsed + arrayBuffers;
    };
    const before = bytes();
    for (let at = 1; at <= count; at++) lessor.grant({ id: BigInt(at) << 20n, ttl: 100 }, 0);
    const each = (bytes() - before) / count;
    assert.ok(each < 200, `${each.toFixed(0)} bytes each`);
    assert.equal(lessor.size, count);
  });
});

interface TwinLease {
  readonly id: bigint;
  readonly ttl: number;
  remainingTtl: number;
  expiryMs: number;
  dueMs: number;
  checkpointMs: number;
  begun: number;
  takenBack: number;
  readonly keys: Set<string>;
}

/** A lessor that looks at all its leases for everything. */
class TwinLessor {
  readonly leases = new Map<bigint, TwinLease>();
  readonly #everyMs: number;
  #primary = false;

  constructor(everyMs: number) {
    this.#everyMs = everyMs;
  }

  grant({ id, ttl }: { readonly id: bigint; readonly ttl: number }, nowMs: number): void {
    const never = Number.POSITIVE_INFINITY;
    const times = { expiryMs: never, dueMs: never, checkpointMs: never };
    const lease = { id, ttl, remainingTtl: 0, ...times, begun: 0, takenBack: 0, keys: new Set<string>() };
    this.leases.set(id, lease);
    if (this.#primary) this.#run(lease, nowMs, nowMs + ttl * 1_000);
  }

  renew(id: bigint, nowMs: number): { readonly ttl: number } | "notPrimary" | "gone" {
    if (!this.#primary) return "notPrimary";
    const lease = this.leases.get(id);
    if (lease === undefined || lease.expiryMs <= nowMs) return "gone";
    this.#run(lease, nowMs, nowMs + lease.ttl * 1_000);
    return { ttl: lease.ttl };
  }

  checkpoint(id: bigint, remainingTtl: number): void {
    const lease = this.leases.get(id);
    if (lease !== undefined) lease.remainingTtl = remainingTtl;
  }

  attach(key: string, id: bigint): void {
    for (const { keys } of this.leases.values()) keys.delete(key);
    this.leases.get(id)?.keys.add(key);
  }

  promote(nowMs: number, extendMs: number): void {
    this.demote();
    this.#primary = true;
    for (const lease of this.leases.values())
      this.#run(lease, nowMs, nowMs + extendMs + (lease.remainingTtl || lease.ttl) * 1_000);
  }

  demote(): void {
    this.#primary = false;
    for (const lease of this.leases.values()) {
      lease.expiryMs = lease.dueMs = lease.checkpointMs = Number.POSITIVE_INFINITY;
      lease.takenBack = lease.begun;
    }
  }

  dueCheckpoints(
    nowMs: number,
    limit: number,
  ): readonly { readonly id: bigint; readonly remainingTtl: number }[] {
    const out: { id: bigint; remainingTtl: number }[] = [];
    while (out.length < limit) {
      const [lease] = this.#sorted("checkpointMs");
      if (lease === undefined || lease.checkpointMs > nowMs) break;
      lease.checkpointMs = Number.POSITIVE_INFINITY;
      this.#plan(lease, nowMs);
      const remainingTtl = Math.ceil((lease.expiryMs - nowMs) / 1_000);
      if (remainingTtl <= 0 || remainingTtl >= lease.ttl) continue;
      lease.begun++;
      out.push({ id: lease.id, remainingTtl });
    }
    return out;
  }

  expired(nowMs: number, limit: number): readonly bigint[] {
    const due = this.#sorted("dueMs").filter(({ dueMs }) => dueMs <= nowMs);
    for (const lease of due.slice(0, limit)) lease.dueMs = nowMs + leaseLimits.retryMs;
    return due.slice(0, limit).map(({ id }) => id);
  }

  list(): readonly bigint[] {
    return this.#sorted("expiryMs").map(({ id }) => id);
  }

  timeToLive(id: bigint, nowMs: number): LeaseInfo | undefined {
    const lease = this.leases.get(id);
    if (lease === undefined) return undefined;
    const leftMs = lease.expiryMs - nowMs;
    const ttl = leftMs === Number.POSITIVE_INFINITY ? lease.ttl : Math.trunc(leftMs / 1_000);
    return { id, grantedTtl: lease.ttl, ttl, keys: [...lease.keys].sort() };
  }

  checkpointsToTakeBack(id: bigint): number | undefined {
    const lease = this.leases.get(id);
    if (lease === undefined) return undefined;
    return lease.remainingTtl > 0 || lease.begun > lease.takenBack ? lease.begun : undefined;
  }

  leaseOf(key: string): bigint {
    return [...this.leases.values()].find(({ keys }) => keys.has(key))?.id ?? 0n;
  }

  #run(lease: TwinLease, nowMs: number, atMs: number): void {
    lease.expiryMs = lease.dueMs = atMs;
    this.#plan(lease, nowMs);
  }

  #plan(lease: TwinLease, nowMs: number): void {
    if (lease.checkpointMs !== Number.POSITIVE_INFINITY || lease.expiryMs - nowMs <= this.#everyMs) return;
    lease.checkpointMs = nowMs + this.#everyMs;
  }

  #sorted(by: "expiryMs" | "dueMs" | "checkpointMs"): readonly TwinLease[] {
    return [...this.leases.values()].sort((a, b) => {
      if (a[by] !== b[by]) return a[by] - b[by];
      if (a.expiryMs !== b.expiryMs) return a.expiryMs - b.expiryMs;
      return a.id < b.id ? -1 : 1;
    });
  }
}
