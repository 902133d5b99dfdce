import type { Clock } from "../../base/os/clock.ts";

/** Remembers what a controller has just created and deleted until its cache shows it, so that a slow cache never makes
 *  it do the same twice. Names are chosen before the request, so an answer that got lost is no gap either.
 *  Size: bounded by the writes of the last moments; what no event confirms is looked up by the caller after
 *  `confirmAfterMs`. */
export class Expectations {
  readonly #clock: Clock;
  /** By owner key: children to appear (`namespace/name`) and to go (uid), with the time of the write. */
  readonly #byOwner = new Map<string, Pending>();
  readonly #ownerOfCreated = new Map<string, string>();
  readonly #ownerOfDeleted = new Map<string, string>();

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** Before a create request. */
  expectCreate(ownerKey: string, childKey: string): void {
    this.#pending(ownerKey).creates.set(childKey, this.#clock.monotonicMs());
    this.#ownerOfCreated.set(childKey, ownerKey);
  }

  /** Before a delete request. */
  expectDelete(ownerKey: string, uid: string): void {
    this.#pending(ownerKey).deletes.set(uid, this.#clock.monotonicMs());
    this.#ownerOfDeleted.set(uid, ownerKey);
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
    const beforeMs = this.#clock.monotonicMs() - confirmAfterMs;
    const late = (times: Iterable<[string, number]>) =>
      [...times].filter(([, atMs]) => atMs <= beforeMs).map(([key]) => key);
    return { creates: late(pending?.creates ?? []), deletes: late(pending?.deletes ?? []) };
  }

  /** The owner is gone: nothing to wait for. */
  forget(ownerKey: string): void {
    const pending = this.#byOwner.get(ownerKey);
    for (const child of pending?.creates.keys() ?? []) this.#ownerOfCreated.delete(child);
    for (const uid of pending?.deletes.keys() ?? []) this.#ownerOfDeleted.delete(uid);
    this.#byOwner.delete(ownerKey);
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

interface Pending {
  readonly creates: Map<string, number>;
  readonly deletes: Map<string, number>;
}
