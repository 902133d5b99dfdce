import { assert, must } from "../../base/assert.ts";
import { Heap } from "../../base/heap.ts";
import { StoreError } from "../errors.ts";
import { encodeLease, type LeaseRow, leaseKey } from "./lease-rows.ts";
import { type LeaseMetrics, uncountedLeases } from "./metrics.ts";

/** Bugs that simulation plants, by name. */
export interface LeaseFaults {
  /** A renewal is answered, and the lease runs out as if there had been none. */
  readonly forgetRenewals?: true;
  /** A renewal leaves the time that was left at the last checkpoint to the next leader. */
  readonly keepCheckpoints?: true;
}

export interface LessorConfig {
  /** Seconds below which a TTL is raised to this: ceil(1.5 * election timeout). */
  readonly minTtlS: number;
  /** How often the leader has all members know how much time a lease has left; 0: never. */
  readonly checkpointEveryMs: number;
  readonly faults?: LeaseFaults | undefined;
}

/** Where leases are kept; the rows belong to the caller's group of writes. */
export interface LeaseStore {
  put(bucket: "lease", key: string, value: Uint8Array): void;
  delete(bucket: "lease", key: string): void;
}

export const leaseLimits = {
  /** etcd's; a bit below 2^63 ns. */
  ttlMaxS: 9_000_000_000,
  /** A lease reported as expired is reported again after this, in case its revocation got lost. */
  retryMs: 3_000,
} as const;

interface Lease {
  readonly id: bigint;
  readonly ttl: number;
  /** Seconds left at the last checkpoint; 0: none. */
  remainingTtl: number;
  /** Monotonic; infinite while not primary. */
  expiryMs: number;
  /** When it is told next: when it runs out, and then again and again until it is revoked. */
  dueMs: number;
  /** When its time left is told to the others; infinite while that is not wanted. */
  checkpointMs: number;
  /** Checkpoints of it that were told to be made, and those of them that were taken back. */
  checkpointsBegun: number;
  checkpointsTakenBack: number;
  readonly keys: Set<string>;
}

/** How much time a lease has left, in whole seconds. */
export interface Checkpoint {
  readonly id: bigint;
  readonly remainingTtl: number;
}

interface Due {
  readonly atMs: number;
  readonly id: bigint;
}

export interface LeaseInfo {
  readonly id: bigint;
  readonly grantedTtl: number;
  /** Whole seconds left; meaningful on the primary only. */
  readonly ttl: number;
  readonly keys: readonly string[];
}

export class Lessor {
  readonly #config: LessorConfig;
  #store: LeaseStore;
  readonly #leases = new Map<bigint, Lease>();
  readonly #leaseOfKey = new Map<string, bigint>();
  /** Due times; one that is not its lease's own any more is stale. */
  readonly #due = new Heap<Due>((a, b) => a.atMs < b.atMs);
  /** The leases' `checkpointMs`, and those of leases that are gone. */
  readonly #checkpoints = new Heap<Due>((a, b) => a.atMs < b.atMs);
  #primary = false;
  readonly #metrics: LeaseMetrics;

  constructor(config: LessorConfig, store: LeaseStore, metrics = uncountedLeases()) {
    this.#config = config;
    this.#store = store;
    this.#metrics = metrics;
  }

  /** Starts over with rows read back: at start, and when a snapshot replaced the state. Not primary afterwards. */
  restore(store: LeaseStore, rows: Iterable<LeaseRow>, leased: ReadonlyMap<string, bigint>): void {
    this.#store = store;
    this.#primary = false;
    this.#leases.clear();
    this.#leaseOfKey.clear();
    this.#due.clear();
    this.#checkpoints.clear();
    for (const { id, ttl, remainingTtl } of rows)
      this.#leases.set(id, resting({ id, ttl: Math.max(ttl, this.#config.minTtlS), remainingTtl }));
    for (const [key, id] of leased) this.move(key, id);
  }

  get primary(): boolean {
    return this.#primary;
  }
  get size(): number {
    return this.#leases.size;
  }
  readonly exists = (id: bigint): boolean => this.#leases.has(id);

  /** Answers the TTL granted, in seconds. Throws LEASE_EXISTS, LEASE_TTL_TOO_LARGE, LEASE_NOT_FOUND (id 0). */
  grant(request: { readonly id: bigint; readonly ttl: number }, nowMs: number): number {
    const { id } = request;
    if (id === 0n) throw new StoreError("LEASE_NOT_FOUND", { lease: id });
    if (request.ttl > leaseLimits.ttlMaxS) throw new StoreError("LEASE_TTL_TOO_LARGE", { ttl: request.ttl });
    if (this.#leases.has(id)) throw new StoreError("LEASE_EXISTS", { lease: id });
    const ttl = Math.max(request.ttl, this.#config.minTtlS);
    const lease = resting({ id, ttl, remainingTtl: 0 });
    this.#leases.set(id, lease);
    if (this.#primary) {
      this.#schedule(lease, nowMs + ttl * 1_000);
      this.#scheduleCheckpoint(lease, nowMs);
    }
    this.#save(lease);
    this.#metrics.granted.count++;
    this.#metrics.ttls.observe(ttl);
    return ttl;
  }

  /** The keys that hang on a lease, in no order; undefined for one that does not exist. */
  keysIfAny(id: bigint): ReadonlySet<string> | undefined {
    return this.#leases.get(id)?.keys;
  }

  /** The keys that go when the lease is revoked, in byte order. Throws LEASE_NOT_FOUND. */
  keysOf(id: bigint): readonly string[] {
    const lease = this.#leases.get(id);
    if (lease === undefined) throw new StoreError("LEASE_NOT_FOUND", { lease: id });
    return [...lease.keys].sort();
  }

  /** Ends a lease on which no key hangs any more. */
  revoke(id: bigint): void {
    const keys = this.#leases.get(id)?.keys.size;
    assert(keys === 0, `lease ${id.toString(16)} has ${keys} keys, so it cannot end`);
    this.#leases.delete(id);
    this.#store.delete("lease", leaseKey(id));
    this.#metrics.revoked.count++;
  }

  /** Gives a lease its whole time again; answers its TTL. "notPrimary": ask the leader. "gone": unknown, or expired and
   *  about to be revoked. */
  renew(id: bigint, nowMs: number): { readonly ttl: number } | "notPrimary" | "gone" {
    if (!this.#primary) return "notPrimary";
    const lease = this.#leases.get(id);
    if (lease === undefined || lease.expiryMs <= nowMs) return "gone";
    if (!this.#config.faults?.forgetRenewals) this.#schedule(lease, nowMs + lease.ttl * 1_000);
    this.#scheduleCheckpoint(lease, nowMs);
    this.#metrics.renewed.count++;
    return { ttl: lease.ttl };
  }

  /** How many checkpoints of a lease were begun, if the next leader might give it less than its whole time; else undefined. Before
   *  the lease is renewed, a checkpoint of 0 seconds must take effect, and `tookBack` be told the number. */
  checkpointsToTakeBack(id: bigint): number | undefined {
    const lease = this.#leases.get(id);
    if (lease === undefined || this.#config.faults?.keepCheckpoints) return undefined;
    const isAnyLeft = lease.remainingTtl > 0 || lease.checkpointsBegun > lease.checkpointsTakenBack;
    return isAnyLeft ? lease.checkpointsBegun : undefined;
  }

  /** A checkpoint of 0 seconds took effect that was proposed after so many others. What was begun since is not taken back. */
  tookBack(id: bigint, checkpoints: number): void {
    const lease = this.#leases.get(id);
    if (lease === undefined) return;
    const atMost = Math.min(checkpoints, lease.checkpointsBegun);
    lease.checkpointsTakenBack = Math.max(lease.checkpointsTakenBack, atMost);
  }

  /** Applies a checkpoint, which counts once the next leader comes; 0 seconds stand for the whole time. */
  checkpoint({ id, remainingTtl }: Checkpoint): void {
    const lease = this.#leases.get(id);
    if (lease === undefined) return; // revoked meanwhile
    lease.remainingTtl = remainingTtl;
    this.#save(lease);
  }

  /** At most `limit` checkpoints that are to be made now. The next ones come whether these take effect or not. */
  dueCheckpoints(nowMs: number, limit: number): readonly Checkpoint[] {
    const out: Checkpoint[] = [];
    while (out.length < limit) {
      const top = this.#checkpoints.peek();
      if (top === undefined || top.atMs > nowMs) break;
      this.#checkpoints.pop();
      const lease = this.#leases.get(top.id);
      if (lease === undefined || lease.checkpointMs !== top.atMs) continue;
      lease.checkpointMs = Number.POSITIVE_INFINITY;
      this.#scheduleCheckpoint(lease, nowMs);
      const remainingTtl = Math.ceil((lease.expiryMs - nowMs) / 1_000);
      if (remainingTtl <= 0 || remainingTtl >= lease.ttl) continue; // about to be revoked, or renewed just now
      lease.checkpointsBegun++;
      out.push({ id: lease.id, remainingTtl });
    }
    return out;
  }

  /** This member became the leader: leases run from now, `extendMs` longer. */
  promote(nowMs: number, extendMs: number): void {
    this.#primary = true;
    this.#due.clear();
    for (const lease of this.#leases.values()) {
      this.#schedule(lease, nowMs + extendMs + remaining(lease) * 1_000);
      this.#scheduleCheckpoint(lease, nowMs);
    }
  }

  /** Another member leads: leases no longer run out here. */
  demote(): void {
    this.#primary = false;
    this.#due.clear();
    this.#checkpoints.clear();
    for (const lease of this.#leases.values()) rest(lease);
  }

  /** At most `limit` leases that ran out, the longest overdue first. Each is answered again after a while, until revoked. */
  expired(nowMs: number, limit: number): readonly bigint[] {
    const out: bigint[] = [];
    while (out.length < limit) {
      const top = this.#due.peek();
      if (top === undefined || top.atMs > nowMs) break;
      this.#due.pop();
      const lease = this.#leases.get(top.id);
      if (lease === undefined || lease.dueMs !== top.atMs) continue; // revoked or renewed
      out.push(lease.id);
      this.#tellAt(lease, nowMs + leaseLimits.retryMs);
    }
    return out;
  }

  /** Undefined for an unknown lease. */
  timeToLive(id: bigint, nowMs: number): LeaseInfo | undefined {
    const lease = this.#leases.get(id);
    if (lease === undefined) return undefined;
    const leftMs = lease.expiryMs - nowMs;
    const ttl = Number.isFinite(leftMs) ? Math.trunc(leftMs / 1_000) : lease.ttl;
    return { id, grantedTtl: lease.ttl, ttl, keys: [...lease.keys].sort() };
  }

  /** All leases, those that end first at the front. */
  list(): readonly bigint[] {
    return [...this.#leases.values()].sort((a, b) => byExpiry(a, b)).map(({ id }) => id);
  }

  leaseOf(key: string): bigint {
    return this.#leaseOfKey.get(key) ?? 0n;
  }

  /** From now on the key hangs on `id` (0n: on none). The lease exists. */
  move(key: string, id: bigint): void {
    const before = this.#leaseOfKey.size === 0 ? undefined : this.#leaseOfKey.get(key);
    if (before === id || (before === undefined && id === 0n)) return;
    if (before !== undefined) {
      this.#leases.get(before)?.keys.delete(key);
      this.#leaseOfKey.delete(key);
    }
    if (id === 0n) return;
    must(this.#leases.get(id), `lease ${id.toString(16)} has a key but does not exist`).keys.add(key);
    this.#leaseOfKey.set(key, id);
  }

  #schedule(lease: Lease, atMs: number): void {
    lease.expiryMs = atMs;
    this.#tellAt(lease, atMs);
    // Renewals leave stale entries behind; rebuild before they outnumber the leases by far.
    if (this.#due.size > 4 * this.#leases.size + 1_024) this.#rebuildDue();
  }

  #tellAt(lease: Lease, atMs: number): void {
    lease.dueMs = atMs;
    this.#due.push({ atMs, id: lease.id });
  }

  /** Once it has not longer to live than to its next checkpoint, there is none. */
  #scheduleCheckpoint(lease: Lease, nowMs: number): void {
    const everyMs = this.#config.checkpointEveryMs;
    if (everyMs === 0 || Number.isFinite(lease.checkpointMs) || lease.expiryMs - nowMs <= everyMs) return;
    lease.checkpointMs = nowMs + everyMs;
    this.#checkpoints.push({ atMs: lease.checkpointMs, id: lease.id });
    if (this.#checkpoints.size > 4 * this.#leases.size + 1_024) this.#rebuildCheckpoints();
  }

  #rebuildCheckpoints(): void {
    this.#checkpoints.clear();
    for (const { id, checkpointMs } of this.#leases.values())
      if (Number.isFinite(checkpointMs)) this.#checkpoints.push({ atMs: checkpointMs, id });
  }

  #rebuildDue(): void {
    this.#due.clear();
    for (const { id, dueMs } of this.#leases.values())
      if (Number.isFinite(dueMs)) this.#due.push({ atMs: dueMs, id });
  }

  #save(lease: Lease): void {
    const { id, ttl, remainingTtl } = lease;
    this.#store.put("lease", leaseKey(id), encodeLease({ id, ttl, remainingTtl }));
  }
}

/** A lease that does not run out here. */
function resting({ id, ttl, remainingTtl }: LeaseRow): Lease {
  const never = Number.POSITIVE_INFINITY;
  return {
    id,
    ttl,
    remainingTtl,
    expiryMs: never,
    dueMs: never,
    checkpointMs: never,
    checkpointsBegun: 0,
    checkpointsTakenBack: 0,
    keys: new Set(),
  };
}

/** What only the leader knows of a lease is forgotten. A checkpoint that was begun is in the log by now, or lost. */
function rest(lease: Lease): void {
  lease.expiryMs = lease.dueMs = lease.checkpointMs = Number.POSITIVE_INFINITY;
  lease.checkpointsTakenBack = lease.checkpointsBegun;
}

function remaining(lease: Lease): number {
  return lease.remainingTtl > 0 ? lease.remainingTtl : lease.ttl;
}

function byExpiry(a: Lease, b: Lease): number {
  if (a.expiryMs !== b.expiryMs) return a.expiryMs < b.expiryMs ? -1 : 1;
  return a.id < b.id ? -1 : 1;
}
