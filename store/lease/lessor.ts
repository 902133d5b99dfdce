import { assert, must } from "../../base/assert.ts";
import { SlotHeap } from "../../base/slot-heap.ts";
import { StoreError } from "../errors.ts";
import { LeaseRecords } from "./lease-records.ts";
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

/** How much time a lease has left, in whole seconds. */
export interface Checkpoint {
  readonly id: bigint;
  readonly remainingTtl: number;
}

export interface LeaseInfo {
  readonly id: bigint;
  readonly grantedTtl: number;
  /** Whole seconds left; meaningful on the primary only. */
  readonly ttl: number;
  readonly keys: readonly string[];
}

const never = Number.POSITIVE_INFINITY;
const noKeys: ReadonlySet<string> = new Set();

export class Lessor {
  readonly #config: LessorConfig;
  #store: LeaseStore;
  #records = new LeaseRecords();
  readonly #slots = new Map<bigint, number>();
  /** Of leases that have any. */
  readonly #keys = new Map<number, Set<string>>();
  readonly #slotOfKey = new Map<string, number>();
  /** Leases that run, by when they are told next: when they run out, and then again and again until they are revoked. */
  readonly #due = this.#heapBy("dueMs", "due");
  /** Leases whose time left is to be told to the others, by when. */
  readonly #checkpoints = this.#heapBy("checkpointMs", "checkpoint");
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
    this.#due.clear();
    this.#checkpoints.clear();
    this.#slots.clear();
    this.#keys.clear();
    this.#slotOfKey.clear();
    this.#records = new LeaseRecords();
    for (const { id, ttl, remainingTtl } of rows)
      this.#add({ id, ttl: Math.max(ttl, this.#config.minTtlS), remainingTtl });
    for (const [key, id] of leased) this.move(key, id);
  }

  get primary(): boolean {
    return this.#primary;
  }
  get size(): number {
    return this.#slots.size;
  }
  readonly exists = (id: bigint): boolean => this.#slots.has(id);

  /** Answers the TTL granted, in seconds. Throws LEASE_EXISTS, LEASE_TTL_TOO_LARGE, LEASE_NOT_FOUND (id 0). */
  grant(request: { readonly id: bigint; readonly ttl: number }, nowMs: number): number {
    const { id } = request;
    if (id === 0n) throw new StoreError("LEASE_NOT_FOUND", { lease: id });
    if (request.ttl > leaseLimits.ttlMaxS) throw new StoreError("LEASE_TTL_TOO_LARGE", { ttl: request.ttl });
    if (this.#slots.has(id)) throw new StoreError("LEASE_EXISTS", { lease: id });
    const ttl = Math.max(request.ttl, this.#config.minTtlS);
    const slot = this.#add({ id, ttl, remainingTtl: 0 });
    if (this.#primary) {
      this.#schedule(slot, nowMs + ttl * 1_000);
      this.#scheduleCheckpoint(slot, nowMs);
    }
    this.#save(id, slot);
    this.#metrics.granted.count++;
    this.#metrics.ttls.observe(ttl);
    return ttl;
  }

  /** The keys that hang on a lease, in no order; undefined for one that does not exist. */
  keysIfAny(id: bigint): ReadonlySet<string> | undefined {
    const slot = this.#slots.get(id);
    return slot === undefined ? undefined : (this.#keys.get(slot) ?? noKeys);
  }

  /** The keys that go when the lease is revoked, in byte order. Throws LEASE_NOT_FOUND. */
  keysOf(id: bigint): readonly string[] {
    const keys = this.keysIfAny(id);
    if (keys === undefined) throw new StoreError("LEASE_NOT_FOUND", { lease: id });
    return [...keys].sort();
  }

  /** Ends a lease on which no key hangs any more. */
  revoke(id: bigint): void {
    const slot = must(this.#slots.get(id), `lease ${id.toString(16)} does not exist, so it cannot end`);
    const keys = this.#keys.get(slot)?.size ?? 0;
    assert(keys === 0, `lease ${id.toString(16)} has ${keys} keys, so it cannot end`);
    this.#due.remove(slot);
    this.#checkpoints.remove(slot);
    this.#records.remove(slot);
    this.#slots.delete(id);
    this.#store.delete("lease", leaseKey(id));
    this.#metrics.revoked.count++;
  }

  /** Gives a lease its whole time again; answers its TTL. "notPrimary": ask the leader. "gone": unknown, or expired and
   *  about to be revoked. */
  renew(id: bigint, nowMs: number): { readonly ttl: number } | "notPrimary" | "gone" {
    if (!this.#primary) return "notPrimary";
    const slot = this.#slots.get(id);
    if (slot === undefined || this.#records.get(slot, "expiryMs") <= nowMs) return "gone";
    const ttl = this.#records.get(slot, "ttl");
    if (!this.#config.faults?.forgetRenewals) this.#schedule(slot, nowMs + ttl * 1_000);
    this.#scheduleCheckpoint(slot, nowMs);
    this.#metrics.renewed.count++;
    return { ttl };
  }

  /** How many checkpoints of a lease were begun, if the next leader might give it less than its whole time; else undefined. Before
   *  the lease is renewed, a checkpoint of 0 seconds must take effect, and `tookBack` be told the number. */
  checkpointsToTakeBack(id: bigint): number | undefined {
    const slot = this.#slots.get(id);
    if (slot === undefined || this.#config.faults?.keepCheckpoints) return undefined;
    const begun = this.#records.getWord(slot, "begun");
    const isAnyLeft =
      this.#records.get(slot, "remainingTtl") > 0 || begun > this.#records.getWord(slot, "takenBack");
    return isAnyLeft ? begun : undefined;
  }

  /** A checkpoint of 0 seconds took effect that was proposed after so many others. What was begun since is not taken back. */
  tookBack(id: bigint, checkpoints: number): void {
    const slot = this.#slots.get(id);
    if (slot === undefined) return;
    const atMost = Math.min(checkpoints, this.#records.getWord(slot, "begun"));
    const takenBack = Math.max(this.#records.getWord(slot, "takenBack"), atMost);
    this.#records.setWord(slot, "takenBack", takenBack);
  }

  /** Applies a checkpoint, which counts once the next leader comes; 0 seconds stand for the whole time. */
  checkpoint({ id, remainingTtl }: Checkpoint): void {
    const slot = this.#slots.get(id);
    if (slot === undefined) return; // revoked meanwhile
    this.#records.set(slot, "remainingTtl", remainingTtl);
    this.#save(id, slot);
  }

  /** At most `limit` checkpoints that are to be made now. The next ones come whether these take effect or not. */
  dueCheckpoints(nowMs: number, limit: number): readonly Checkpoint[] {
    const records = this.#records;
    const out: Checkpoint[] = [];
    while (out.length < limit) {
      const slot = this.#checkpoints.peek();
      if (slot === 0 || records.get(slot, "checkpointMs") > nowMs) break;
      this.#checkpoints.remove(slot);
      records.set(slot, "checkpointMs", never);
      this.#scheduleCheckpoint(slot, nowMs);
      const remainingTtl = Math.ceil((records.get(slot, "expiryMs") - nowMs) / 1_000);
      if (remainingTtl <= 0 || remainingTtl >= records.get(slot, "ttl")) continue; // about to be revoked, or renewed just now
      records.setWord(slot, "begun", records.getWord(slot, "begun") + 1);
      out.push({ id: records.idOf(slot), remainingTtl });
    }
    return out;
  }

  /** This member became the leader: leases run from now, `extendMs` longer. */
  promote(nowMs: number, extendMs: number): void {
    this.#primary = true;
    for (const slot of this.#slots.values()) {
      const remainingTtl = this.#records.get(slot, "remainingTtl");
      const leftS = remainingTtl > 0 ? remainingTtl : this.#records.get(slot, "ttl");
      this.#schedule(slot, nowMs + extendMs + leftS * 1_000);
      this.#scheduleCheckpoint(slot, nowMs);
    }
  }

  /** Another member leads: leases no longer run out here, and what only the leader knows of them is forgotten. A checkpoint that
   *  was begun is in the log by now, or lost. */
  demote(): void {
    const records = this.#records;
    this.#primary = false;
    this.#due.clear();
    this.#checkpoints.clear();
    for (const slot of this.#slots.values()) {
      for (const field of ["expiryMs", "dueMs", "checkpointMs"] as const) records.set(slot, field, never);
      records.setWord(slot, "takenBack", records.getWord(slot, "begun"));
    }
  }

  /** At most `limit` leases that ran out, the longest overdue first. Each is answered again after a while, until revoked. */
  expired(nowMs: number, limit: number): readonly bigint[] {
    const out: bigint[] = [];
    while (out.length < limit) {
      const slot = this.#due.peek();
      if (slot === 0 || this.#records.get(slot, "dueMs") > nowMs) break;
      out.push(this.#records.idOf(slot));
      this.#tellAt(slot, nowMs + leaseLimits.retryMs);
    }
    return out;
  }

  /** Undefined for an unknown lease. */
  timeToLive(id: bigint, nowMs: number): LeaseInfo | undefined {
    const slot = this.#slots.get(id);
    if (slot === undefined) return undefined;
    const grantedTtl = this.#records.get(slot, "ttl");
    const leftMs = this.#records.get(slot, "expiryMs") - nowMs;
    const ttl = Number.isFinite(leftMs) ? Math.trunc(leftMs / 1_000) : grantedTtl;
    return { id, grantedTtl, ttl, keys: this.keysOf(id) };
  }

  /** All leases, those that end first at the front. */
  list(): readonly bigint[] {
    const slots = Int32Array.from(this.#slots.values());
    slots.sort((one, other) => (this.#isBefore(one, other, "expiryMs") ? -1 : 1));
    return Array.from(slots, (slot) => this.#records.idOf(slot));
  }

  leaseOf(key: string): bigint {
    const slot = this.#slotOfKey.get(key);
    return slot === undefined ? 0n : this.#records.idOf(slot);
  }

  /** From now on the key hangs on `id` (0n: on none). The lease exists. */
  move(key: string, id: bigint): void {
    const before = this.#slotOfKey.size === 0 ? undefined : this.#slotOfKey.get(key);
    if (before === undefined && id === 0n) return;
    const slot =
      id === 0n
        ? undefined
        : must(this.#slots.get(id), `lease ${id.toString(16)} has a key but does not exist`);
    if (before === slot) return;
    if (before !== undefined) this.#detach(key, before);
    if (slot !== undefined) this.#attach(key, slot);
  }

  #attach(key: string, slot: number): void {
    const keys = this.#keys.get(slot);
    if (keys === undefined) this.#keys.set(slot, new Set([key]));
    else keys.add(key);
    this.#slotOfKey.set(key, slot);
  }

  #detach(key: string, slot: number): void {
    const keys = this.#keys.get(slot);
    keys?.delete(key);
    if (keys?.size === 0) this.#keys.delete(slot);
    this.#slotOfKey.delete(key);
  }

  #add(row: LeaseRow): number {
    const slot = this.#records.add(row);
    this.#slots.set(row.id, slot);
    return slot;
  }

  #schedule(slot: number, atMs: number): void {
    this.#records.set(slot, "expiryMs", atMs);
    this.#tellAt(slot, atMs);
  }

  #tellAt(slot: number, atMs: number): void {
    this.#records.set(slot, "dueMs", atMs);
    this.#due.put(slot);
  }

  /** Once it has not longer to live than to its next checkpoint, there is none. */
  #scheduleCheckpoint(slot: number, nowMs: number): void {
    const everyMs = this.#config.checkpointEveryMs;
    const records = this.#records;
    if (everyMs === 0 || Number.isFinite(records.get(slot, "checkpointMs"))) return;
    if (records.get(slot, "expiryMs") - nowMs <= everyMs) return;
    records.set(slot, "checkpointMs", nowMs + everyMs);
    this.#checkpoints.put(slot);
  }

  #heapBy(time: "dueMs" | "checkpointMs", place: "due" | "checkpoint"): SlotHeap {
    return new SlotHeap({
      isBefore: (one, other) => this.#isBefore(one, other, time),
      placeOf: (slot) => this.#records.getWord(slot, place),
      setPlace: (slot, at) => this.#records.setWord(slot, place, at),
    });
  }

  /** Of those that come at the same time that which ran out first, or has the lower id, is before the other. */
  #isBefore(one: number, other: number, time: "dueMs" | "checkpointMs" | "expiryMs"): boolean {
    const records = this.#records;
    const atMs = records.get(one, time);
    const otherAtMs = records.get(other, time);
    if (atMs !== otherAtMs) return atMs < otherAtMs;
    const expiryMs = records.get(one, "expiryMs");
    const otherExpiryMs = records.get(other, "expiryMs");
    return expiryMs === otherExpiryMs ? records.compareIds(one, other) < 0 : expiryMs < otherExpiryMs;
  }

  #save(id: bigint, slot: number): void {
    const ttl = this.#records.get(slot, "ttl");
    const remainingTtl = this.#records.get(slot, "remainingTtl");
    this.#store.put("lease", leaseKey(id), encodeLease({ id, ttl, remainingTtl }));
  }
}
