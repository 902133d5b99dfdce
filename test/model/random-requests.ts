import { below, chance, type Random } from "../../base/os/random.ts";
import type { Encodable } from "../../base/protobuf.ts";
import { latin1Bytes as latin1 } from "../../base/wire.ts";
import { type InternalRaftRequest, internalRaftRequest, type RequestOp } from "../../proto/etcd.ts";

/** Random requests over few keys, revisions and leases, so that they meet; for property tests against the model. Within a
 *  transaction no key is written twice, as the rpc layer sees to. */
const keys = ["a", "a\0", "ab", "b", "b\xff", "c", "\xff"] as const;
const ends = ["", "", "\0", "b", "c", "b\xff\0", "a"] as const;

const pick = <T>(random: Random, from: readonly T[]): T => from[below(random, from.length)] as T;

export class RandomRequests {
  readonly #random: Random;
  /** About how far revisions have got. */
  revision = 1;

  constructor(random: Random) {
    this.#random = random;
  }

  /** A request for the log, through the wire, so that both sides see what a client would have sent. */
  next(): InternalRaftRequest {
    return internalRaftRequest.decode(internalRaftRequest.encode({ header: { id: 1n }, ...this.#body() }));
  }

  #body(): Encodable<InternalRaftRequest> {
    const random = this.#random;
    const roll = below(random, 100);
    if (roll < 40) return { put: this.#put(pick(random, keys)) };
    if (roll < 52) return { deleteRange: this.#deleteRange() };
    if (roll < 75) return { txn: this.#txn(new Set(), 2) };
    if (roll < 85) return { range: this.#range() };
    if (roll < 89) return { compaction: { revision: Math.max(0, this.revision - below(random, 12) + 1) } };
    if (roll < 95) return { leaseGrant: { id: BigInt(below(random, 5)), ttl: 10 } };
    return { leaseRevoke: { id: BigInt(1 + below(random, 4)) } };
  }

  #put(key: string) {
    const random = this.#random;
    const ignoreValue = chance(random, 0.1);
    const ignoreLease = chance(random, 0.1);
    return {
      key: latin1(key),
      value: latin1(ignoreValue ? "" : String(below(random, 5))),
      lease: ignoreLease || chance(random, 0.7) ? 0n : BigInt(1 + below(random, 4)),
      prevKv: chance(random, 0.4),
      ignoreValue,
      ignoreLease,
    };
  }

  #deleteRange() {
    const random = this.#random;
    return {
      key: latin1(pick(random, keys)),
      rangeEnd: latin1(pick(random, ends)),
      prevKv: chance(random, 0.5),
    };
  }

  #range() {
    const random = this.#random;
    const near = () => (chance(random, 0.2) ? Math.max(0, this.revision - below(random, 10)) : 0);
    return {
      key: latin1(pick(random, keys)),
      rangeEnd: latin1(pick(random, ends)),
      limit: chance(random, 0.4) ? below(random, 4) : 0,
      revision: chance(random, 0.4) ? Math.max(0, this.revision + 2 - below(random, 15)) : 0,
      sortOrder: pick(random, ["NONE", "NONE", "ASCEND", "DESCEND"] as const),
      sortTarget: pick(random, ["KEY", "KEY", "VERSION", "CREATE", "MOD", "VALUE"] as const),
      keysOnly: chance(random, 0.2),
      countOnly: chance(random, 0.2),
      minModRevision: near(),
      maxModRevision: near(),
      minCreateRevision: near(),
      maxCreateRevision: near(),
    };
  }

  #compare() {
    const random = this.#random;
    const number = below(random, 4) === 0 ? 0 : below(random, this.revision + 1);
    const target = pick(random, ["VERSION", "CREATE", "MOD", "VALUE", "LEASE"] as const);
    return {
      result: pick(random, ["EQUAL", "GREATER", "LESS", "NOT_EQUAL"] as const),
      target,
      key: latin1(pick(random, keys)),
      rangeEnd: latin1(chance(random, 0.7) ? "" : pick(random, ends)),
      ...(target === "VERSION" && { version: below(random, 3) }),
      ...(target === "CREATE" && { createRevision: number }),
      ...(target === "MOD" && { modRevision: number }),
      ...(target === "VALUE" && { value: latin1(String(below(random, 5))) }),
      ...(target === "LEASE" && { lease: BigInt(below(random, 5)) }),
    };
  }

  #txn(written: Set<string>, depth: number): Encodable<NonNullable<InternalRaftRequest["txn"]>> {
    const random = this.#random;
    const branch = () => Array.from({ length: below(random, 4) }, () => this.#op(written, depth));
    return {
      compare: Array.from({ length: below(random, 3) }, () => this.#compare()),
      success: branch(),
      failure: branch(),
    };
  }

  #op(written: Set<string>, depth: number): Encodable<RequestOp> {
    const random = this.#random;
    const roll = below(random, 10);
    if (roll < 5) {
      const key = pick(random, keys);
      if (written.has(key)) return { requestRange: this.#range() };
      written.add(key);
      return { requestPut: this.#put(key) };
    }
    if (roll < 6 && written.size === 0) {
      for (const key of keys) written.add(key); // no put may follow a deletion of its key
      return { requestDeleteRange: this.#deleteRange() };
    }
    if (roll < 7 && depth > 0) return { requestTxn: this.#txn(written, depth - 1) };
    return { requestRange: this.#range() };
  }
}
