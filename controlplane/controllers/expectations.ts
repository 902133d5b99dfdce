import type { Clock } from "../../base/os/clock.ts";

/** Remembers what a controller has just created and deleted until its cache shows it, so that a slow cache never makes
 *  it do the same twice. Names are chosen before the request, so an answer that got lost is no gap either.
 *  Size: bounded by the writes of the last moments; what no event confirms is looked up by the caller after
 *  `confirmAfterMs`, or `doubtedAfterMs` where an answer got lost. */
export class Expectations {
  readonly #clock: Clock;
  /** By owner key: children to appear (`namespace/name`) and to go (uid), with the time at which to look them up. */
  readonly #byOwner = new Map<string, Pending>();
  readonly #ownerOfCreated = new Map<string, string>();
  readonly #ownerOfDeleted = new Map<string, string>();

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** Before a create request. */
  expectCreate(ownerKey: string, childKey: string): void {
    this.#pending(ownerKey).creates.set(childKey, this.#inMs(confirmAfterMs));
    this.#ownerOfCreated.set(childKey, ownerKey);
  }

  /** Before a delete request. */
  expectDelete(ownerKey: string, uid: string): void {
    this.#pending(ownerKey).deletes.set(uid, this.#inMs(confirmAfterMs));
    this.#ownerOfDeleted.set(uid, ownerKey);
  }

  /** The create's answer got lost: the child may exist or not, and perhaps no event will tell. */
  doubtCreate(childKey: string): void {
    this.#lookUpCreate(childKey, doubtedAfterMs);
  }

  /** The child exists: its event is to come. */
  confirmCreate(childKey: string): void {
    this.#lookUpCreate(childKey, confirmAfterMs);
  }

  /** The delete's answer got lost. */
  doubtDelete(uid: string): void {
    const pending = this.#byOwner.get(this.#ownerOfDeleted.get(uid) ?? "");
    pending?.deletes.set(uid, this.#inMs(doubtedAfterMs));
  }

  /** The child is in the cache, or certainly was never made. */
  createSettled(childKey: string): void {
    const owner = this.#ownerOfCreated.get(childKey);
    if (owner === undefined) return;
    this.#ownerOfCreated.delete(childKey);
    this.#byOwner.get(owner)?.creates.delete(childKey);
    this.#tidy(owner);
  }

  /** The cache shows the child gone or going, or the request was refused. */
  deleteSettled(uid: string): void {
    const owner = this.#ownerOfDeleted.get(uid);
    if (owner === undefined) return;
    this.#ownerOfDeleted.delete(uid);
    this.#byOwner.get(owner)?.deletes.delete(uid);
    this.#tidy(owner);
  }

  isSettled(ownerKey: string): boolean {
    return !this.#byOwner.has(ownerKey);
  }

  /** Creates (child keys) and deletes (uids) that no event confirmed for so long that it is time to look. */
  overdue(ownerKey: string): { readonly creates: readonly string[]; readonly deletes: readonly string[] } {
    const pending = this.#byOwner.get(ownerKey);
    const nowMs = this.#clock.monotonicMs();
    const late = (times: Iterable<[string, number]>) =>
      [...times].filter(([, dueMs]) => dueMs <= nowMs).map(([key]) => key);
    return { creates: late(pending?.creates ?? []), deletes: late(pending?.deletes ?? []) };
  }

  /** How long until something is overdue, if no event comes before; undefined where all is settled. */
  overdueInMs(ownerKey: string): number | undefined {
    const pending = this.#byOwner.get(ownerKey);
    if (pending === undefined) return undefined;
    const firstMs = Math.min(...pending.creates.values(), ...pending.deletes.values());
    return Math.max(0, firstMs - this.#clock.monotonicMs());
  }

  /** The owner is gone: nothing to wait for. */
  forget(ownerKey: string): void {
    const pending = this.#byOwner.get(ownerKey);
    for (const child of pending?.creates.keys() ?? []) this.#ownerOfCreated.delete(child);
    for (const uid of pending?.deletes.keys() ?? []) this.#ownerOfDeleted.delete(uid);
    this.#byOwner.delete(ownerKey);
  }

  /** Does nothing where an event came first. */
  #lookUpCreate(childKey: string, inMs: number): void {
    const pending = this.#byOwner.get(this.#ownerOfCreated.get(childKey) ?? "");
    pending?.creates.set(childKey, this.#inMs(inMs));
  }

  #inMs(delayMs: number): number {
    return this.#clock.monotonicMs() + delayMs;
  }

  #pending(ownerKey: string): Pending {
    const existing = this.#byOwner.get(ownerKey);
    if (existing !== undefined) return existing;
    const pending = { creates: new Map<string, number>(), deletes: new Map<string, number>() };
    this.#byOwner.set(ownerKey, pending);
    return pending;
  }

  #tidy(ownerKey: string): void {
    const pending = this.#byOwner.get(ownerKey);
    if (pending?.creates.size === 0 && pending.deletes.size === 0) this.#byOwner.delete(ownerKey);
  }
}

/** How long an event may be late before the API is asked instead. */
export const confirmAfterMs = 10_000;
/** What a server that did not answer may still be doing is done by then. */
export const doubtedAfterMs = 1_000;

interface Pending {
  readonly creates: Map<string, number>;
  readonly deletes: Map<string, number>;
}
