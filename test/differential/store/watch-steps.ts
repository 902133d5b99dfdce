import { below, chance, type Random } from "../../../base/os/random.ts";
import { latin1Bytes as latin1 } from "../../../base/wire.ts";
import type { Asked } from "./requests.ts";

/** What is done to watch streams, which have numbers, and to the keys that they watch. */
export type WatchStep =
  | { readonly do: "create"; readonly stream: number; readonly request: WatchCreate }
  | { readonly do: "cancel"; readonly stream: number; readonly watchId: bigint }
  | { readonly do: "progress"; readonly stream: number }
  /** A message without a request in it. */
  | { readonly do: "nothing"; readonly stream: number }
  | { readonly do: "halfClose"; readonly stream: number }
  /** The client leaves; the number is a new stream's from then on. */
  | { readonly do: "leave"; readonly stream: number }
  | { readonly do: "ask"; readonly asked: Asked };

export interface WatchCreate {
  readonly key: Uint8Array;
  readonly rangeEnd: Uint8Array;
  readonly startRevision: number;
  readonly watchId: bigint;
  readonly filters: readonly (string | number)[];
  readonly prevKv: boolean;
  readonly fragment: boolean;
  readonly progressNotify: boolean;
}

const keys = ["a", "a\0", "ab", "b", "b\xff", "c", "\xff"] as const;
const ends = ["", "", "", "\0", "b", "c", "b\xff\0", "a"] as const;
const streamsCount = 3;

/** Watches over few keys and revisions, and what changes those. A revision has a few events, small ones or large ones. */
export class WatchSteps {
  readonly #random: Random;
  readonly #starts: readonly number[];

  /** @param version Of the peer: 3.4 takes a start before all revisions for one that is compacted. */
  constructor(random: Random, version: string) {
    this.#random = random;
    this.#starts = version === "3.4" ? [1] : [1, -1];
  }

  /** @param revision The store's. */
  next(revision: number): WatchStep {
    const roll = below(this.#random, 100);
    const stream = below(this.#random, streamsCount);
    if (roll < 30) return { do: "create", stream, request: this.#watch(revision) };
    if (roll < 40) return { do: "cancel", stream, watchId: this.#watchId() };
    if (roll < 44) return { do: "progress", stream };
    if (roll < 45) return { do: "nothing", stream };
    if (roll < 46) return { do: "halfClose", stream };
    if (roll < 48) return { do: "leave", stream };
    return { do: "ask", asked: this.#change(revision) };
  }

  #watch(revision: number): WatchCreate {
    const random = this.#random;
    return {
      key: latin1(chance(random, 0.1) ? "" : this.#of(keys)),
      rangeEnd: latin1(this.#of(ends)),
      startRevision: chance(random, 0.5) ? 0 : this.#start(revision),
      watchId: chance(random, 0.6) ? 0n : this.#watchId(),
      filters: this.#of([
        [],
        [],
        [],
        ["NOPUT"],
        ["NODELETE"],
        ["NOPUT", "NODELETE"],
        [7],
        ["NOPUT", "NOPUT"],
      ]),
      prevKv: chance(random, 0.5),
      fragment: chance(random, 0.3),
      progressNotify: chance(random, 0.3),
    };
  }

  #start = (revision: number) =>
    this.#of([...this.#starts, revision, revision + 2, this.#near(revision), this.#near(revision)]);

  #change(revision: number): Asked {
    const random = this.#random;
    const roll = below(random, 100);
    if (roll < 45) return { method: "put", request: this.#put(this.#of(keys)) };
    if (roll < 60) return { method: "deleteRange", request: this.#range() };
    if (roll < 82) return { method: "txn", request: { success: this.#writes() } };
    if (roll < 87) return { method: "leaseGrant", request: { id: this.#leaseId(), ttl: 3_600 } };
    if (roll < 92) return { method: "leaseRevoke", request: { id: this.#leaseId() } };
    return { method: "compact", request: { revision: this.#near(revision), physical: chance(random, 0.5) } };
  }

  /** Each key once, or all of some and then the others. */
  #writes() {
    const shuffled = keys.filter(() => chance(this.#random, 0.5));
    const puts = shuffled.map((key) => ({ requestPut: this.#put(key) }));
    const [first = "a", ...others] = shuffled;
    const isDeleted = chance(this.#random, 0.4);
    const deletion = { requestDeleteRange: { key: latin1(first), prevKv: false } };
    return isDeleted ? [...puts.slice(1, others.length + 1), deletion] : puts;
  }

  #put(key: string) {
    const isLarge = chance(this.#random, 0.2);
    const value = isLarge ? "v".repeat(60_000) : String(below(this.#random, 5));
    const lease = chance(this.#random, 0.8) ? 0n : this.#leaseId();
    return { key: latin1(key), value: latin1(value), lease };
  }

  #range = () => ({ key: latin1(this.#of(keys)), rangeEnd: latin1(this.#of(ends)) });
  #near = (revision: number) => Math.max(1, revision - below(this.#random, 15));
  #leaseId = () => BigInt(1 + below(this.#random, 3));
  #watchId = () => this.#of([0n, 1n, 2n, 3n, 4n, 5n, 9n, -1n, -5n]);

  #of<T>(some: readonly T[]): T {
    return some[below(this.#random, some.length)] as T;
  }
}
