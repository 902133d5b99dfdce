import { parseNanos } from "../../../base/quantity.ts";
import { type Allocation, deviceKey } from "../../../client/rules/allocated-devices.ts";
import type { Amounts } from "./devices.ts";

/** Which devices claims hold, kept up to date one claim at a time. Who has administrator's access holds nothing. */
export class AllocatedDevices {
  readonly #byClaim = new Map<string, Allocation>();
  /** Claims that hold the device for themselves. */
  readonly #whole = new Map<string, number>();
  /** What is consumed of devices that several share. */
  readonly #shared = new Map<string, { claims: number; readonly consumed: Map<string, bigint> }>();

  /** @param allocation Undefined: the claim holds nothing any more. */
  set(claimUid: string, allocation: Allocation | undefined): void {
    const before = this.#byClaim.get(claimUid);
    if (before !== undefined) this.#count(before, -1);
    if (allocation === undefined) this.#byClaim.delete(claimUid);
    else {
      this.#byClaim.set(claimUid, allocation);
      this.#count(allocation, 1);
    }
  }

  holdsWhole(key: string): boolean {
    return this.#whole.has(key);
  }

  /** Undefined: nobody has a share of it. */
  consumedOf(key: string): Amounts | undefined {
    return this.#shared.get(key)?.consumed;
  }

  holds(key: string): boolean {
    return this.#whole.has(key) || this.#shared.has(key);
  }

  #count({ devices }: Allocation, by: 1 | -1): void {
    for (const result of devices?.results ?? []) {
      if (result.adminAccess === true) continue;
      const key = deviceKey(result);
      if (result.shareID === undefined) {
        const count = (this.#whole.get(key) ?? 0) + by;
        if (count > 0) this.#whole.set(key, count);
        else this.#whole.delete(key);
        continue;
      }
      const shares = this.#shared.get(key) ?? { claims: 0, consumed: new Map<string, bigint>() };
      shares.claims += by;
      for (const [name, amount] of Object.entries(result.consumedCapacity ?? {}))
        shares.consumed.set(name, (shares.consumed.get(name) ?? 0n) + BigInt(by) * parseNanos(amount));
      if (shares.claims > 0) this.#shared.set(key, shares);
      else this.#shared.delete(key);
    }
  }
}
