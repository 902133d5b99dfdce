import type { Clock } from "../../../base/os/clock.ts";
import type { StoreClient } from "../../../store/client/store-client.ts";

/** Objects with a time to live share leases: one lease serves what is written within a share of its time. */
const reuseShare = 0.05;
const reuseMostMs = 60_000;
const keysPerLeaseMax = 1000;

interface Open {
  readonly id: Promise<bigint>;
  readonly untilMs: number;
  keys: number;
}

/** Leases by time to live. A key lives at least as long as asked for, at most five per cent longer. */
export class LeasePool {
  readonly #client: StoreClient;
  readonly #clock: Clock;
  readonly #open = new Map<number, Open>();

  constructor(client: StoreClient, clock: Clock) {
    this.#client = client;
    this.#clock = clock;
  }

  lease(ttlSeconds: number): Promise<bigint> {
    const nowMs = this.#clock.monotonicMs();
    const open = this.#open.get(ttlSeconds);
    if (open !== undefined && nowMs < open.untilMs && open.keys < keysPerLeaseMax) {
      open.keys++;
      return open.id;
    }
    const reuseMs = Math.min(reuseMostMs, ttlSeconds * 1000 * reuseShare);
    const id = this.#client.grantLease(Math.ceil(ttlSeconds + reuseMs / 1000)).then((granted) => granted.id);
    const fresh: Open = { id, untilMs: nowMs + reuseMs, keys: 1 };
    this.#open.set(ttlSeconds, fresh);
    id.catch(() => {
      if (this.#open.get(ttlSeconds) === fresh) this.#open.delete(ttlSeconds);
    });
    return id;
  }
}
