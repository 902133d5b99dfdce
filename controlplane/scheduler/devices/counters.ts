import type { AllocatedDevices } from "./allocated-devices.ts";
import type { Device } from "./devices.ts";
import { amountsOf, type Pool, type PoolDevice } from "./pools.ts";

/** Counter, by counter set. */
type Left = Map<string, Map<string, bigint>>;

/** What is left of that which the devices of pools are parts of: two partitions of one device exclude each other by it. */
export class Counters {
  readonly #allocated: Pick<AllocatedDevices, "holds">;
  readonly #left = new Map<Pool, Left>();

  constructor(allocated: Pick<AllocatedDevices, "holds">) {
    this.#allocated = allocated;
  }

  /** False: there is not enough left, and nothing was taken. */
  take({ device, pool }: PoolDevice): boolean {
    if ((device.consumesCounters ?? []).length === 0) return true;
    const left = this.#leftOf(pool);
    add(left, device, -1n);
    if (![...left.values()].some((counters) => [...counters.values()].some((amount) => amount < 0n)))
      return true;
    add(left, device, 1n);
    return false;
  }

  /** Undoes `take` where it answered true. */
  giveBack({ device, pool }: PoolDevice): void {
    if ((device.consumesCounters ?? []).length > 0) add(this.#leftOf(pool), device, 1n);
  }

  #leftOf(pool: Pool): Left {
    const known = this.#left.get(pool);
    if (known !== undefined) return known;
    const left: Left = new Map([...pool.counterSets].map(([name, counters]) => [name, new Map(counters)]));
    for (const { key, device } of pool.consumers) if (this.#allocated.holds(key)) add(left, device, -1n);
    this.#left.set(pool, left);
    return left;
  }
}

function add(left: Left, { consumesCounters = [] }: Device, sign: bigint): void {
  for (const { counterSet, counters } of consumesCounters) {
    const set = left.get(counterSet);
    for (const [name, amount] of amountsOf(counters)) set?.set(name, (set.get(name) ?? 0n) + sign * amount);
  }
}
