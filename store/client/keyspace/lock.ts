import { checkOptions } from "../../../base/options.ts";
import type { StoreClient } from "../store-client.ts";
import type { Lease, Lock, LockOptions } from "./api.ts";
import { callOptions } from "./call-options.ts";
import { QueuePlace } from "./queue-place.ts";

/** Whoever waits for locks: where, and how leases are had. */
export interface LockParts {
  readonly client: StoreClient;
  /** The queue's keys begin so. */
  readonly prefix: Uint8Array;
  readonly lease: (ttlSeconds: number, signal: AbortSignal | undefined) => Promise<Lease>;
}

export const ttlSecondsDefault = 10;

export class HeldLock implements Lock {
  readonly #place: QueuePlace;
  readonly #ownLease: Lease | undefined;

  constructor(place: QueuePlace, ownLease: Lease | undefined) {
    this.#place = place;
    this.#ownLease = ownLease;
  }

  get revision(): number {
    return this.#place.revision;
  }

  get signal(): AbortSignal {
    return this.#place.signal;
  }

  async release(): Promise<void> {
    await leave(this.#place, this.#ownLease);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.release();
  }
}

/** Waits in line; whoever asked first has it first. */
export async function acquire(parts: LockParts, options: LockOptions): Promise<Lock> {
  const { signal } = options;
  return enter(parts, options, async (place) => {
    await place.untilFirst(signal);
    return true;
  }) as Promise<Lock>;
}

/** Undefined where somebody else has it. */
export function tryAcquire(parts: LockParts, options: LockOptions): Promise<Lock | undefined> {
  return enter(parts, options, async (place) => {
    if (!(await place.isFirst(options.signal))) return false;
    await place.untilFirst(options.signal);
    return true;
  });
}

/** Throws TypeError. */
export function checkLockOptions(options: LockOptions): void {
  checkOptions(options, callOptions.lock);
  if (options.lease !== undefined && options.ttlSeconds !== undefined)
    throw new TypeError("ttlSeconds: has no meaning with a lease of your own");
}

/** Takes a place in line; leaves it where the lock is not had. */
async function enter(
  { client, prefix, lease }: LockParts,
  options: LockOptions,
  wait: (place: QueuePlace) => Promise<boolean>,
): Promise<Lock | undefined> {
  checkLockOptions(options);
  const { signal, ttlSeconds = ttlSecondsDefault } = options;
  signal?.throwIfAborted();
  const own = options.lease === undefined ? await lease(ttlSeconds, signal) : undefined;
  const hung = own ?? options.lease;
  if (hung === undefined) throw new TypeError("a lock needs a lease");
  let place: QueuePlace | undefined;
  try {
    place = await QueuePlace.take(client, { prefix, value: new Uint8Array(0) }, hung, signal);
    if (await wait(place)) return new HeldLock(place, own);
  } catch (error) {
    await giveUp(place, own).catch(() => undefined); // it goes with its lease
    throw error;
  }
  await giveUp(place, own);
  return undefined;
}

/** Leaves the line, unless the lease stood in it already: that place is another call's. */
export async function giveUp(place: QueuePlace | undefined, ownLease: Lease | undefined): Promise<void> {
  if (place === undefined || place.isNew) await leave(place, ownLease);
  else place.end();
}

/** With its own lease the key goes, too. */
export async function leave(place: QueuePlace | undefined, ownLease: Lease | undefined): Promise<void> {
  place?.end();
  if (ownLease !== undefined) await ownLease.revoke();
  else await place?.leave();
}
