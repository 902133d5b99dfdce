import { below, type Random } from "../../../base/os/random.ts";
import { utf8 } from "../../../base/wire.ts";
import type { Asked } from "./requests.ts";

/** What is done about locks and elections: both are claims to a name, each by a lease; the first in line has it. */
export type ClaimStep =
  /** A call that may take its time, and one that ends. */
  | { readonly do: "claim"; readonly asked: Asked; readonly name: string; readonly lease: bigint }
  | { readonly do: "ask"; readonly asked: Asked }
  /** The client gives up the oldest claim that waits. */
  | { readonly do: "giveUp" }
  | { readonly do: "observe"; readonly name: string };

const lockNames = ["l", "l/x"] as const;
const electionNames = ["e", "e2"] as const;
export const claimNames = [...lockNames, ...electionNames];
export const keyOf = (name: string, lease: bigint) => `${name}/${lease.toString(16)}`;

export class ClaimSteps {
  readonly #random: Random;

  constructor(random: Random) {
    this.#random = random;
  }

  next(): ClaimStep {
    const roll = below(this.#random, 100);
    if (roll < 25) return this.#lock();
    if (roll < 45) return this.#campaign();
    if (roll < 50) return { do: "giveUp" };
    if (roll < 54) return { do: "observe", name: this.#of(electionNames) };
    return { do: "ask", asked: this.#change() };
  }

  #lock(): ClaimStep {
    const [name, lease] = [this.#of(lockNames), this.#lease()];
    return { do: "claim", name, lease, asked: { method: "lock", request: { name: utf8(name), lease } } };
  }

  #campaign(): ClaimStep {
    const [name, lease] = [this.#of(electionNames), this.#lease()];
    const request = { name: utf8(name), lease, value: this.#value() };
    return { do: "claim", name, lease, asked: { method: "campaign", request } };
  }

  #change(): Asked {
    const name = utf8(this.#of(electionNames));
    const leader = this.#leader();
    const id = this.#lease();
    return this.#of<Asked>([
      { method: "unlock", request: { key: utf8(keyOf(this.#of(lockNames), id)) } },
      { method: "unlock", request: { key: utf8(keyOf(this.#of(lockNames), id)) } },
      { method: "proclaim", request: { leader, value: this.#value() } },
      { method: "proclaim", request: { value: this.#value() } },
      { method: "resign", request: { leader } },
      { method: "resign", request: {} },
      { method: "leader", request: { name } },
      { method: "leaseRevoke", request: { id } },
      { method: "leaseGrant", request: { id, ttl: 3_600 } },
      { method: "leaseGrant", request: { id, ttl: 3_600 } },
      { method: "deleteRange", request: { key: utf8(keyOf(this.#of(claimNames), id)) } },
    ]);
  }

  /** Whose revision each side fills in, with that of the key, where it is there. */
  #leader() {
    const [name, lease] = [this.#of(electionNames), this.#lease()];
    return {
      name: utf8(name),
      key: utf8(keyOf(name, lease)),
      lease,
      rev: below(this.#random, 5) === 0 ? 1 : 0,
    };
  }

  #lease = () => BigInt(1 + below(this.#random, 4));
  #value = () => utf8(String(below(this.#random, 4)));

  #of<T>(some: readonly T[]): T {
    return some[below(this.#random, some.length)] as T;
  }
}
