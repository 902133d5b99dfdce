import { below, chance, type Random } from "../../../base/os/random.ts";
import type { InternalRaftRequest } from "../../../proto/etcd.ts";
import { type Method, methods } from "../../../proto/etcd-methods.ts";
import { RandomRequests } from "../../model/random-requests.ts";
import { spoiled } from "./spoil.ts";

/** A call, and what is asked. */
export interface Asked {
  readonly method: keyof typeof methods;
  readonly request: object;
}

const kinds: Partial<Record<keyof InternalRaftRequest, keyof typeof methods>> = {
  put: "put",
  range: "range",
  deleteRange: "deleteRange",
  txn: "txn",
  compaction: "compact",
  leaseGrant: "leaseGrant",
  leaseRevoke: "leaseRevoke",
};

/** Requests as clients make them, over few keys, revisions and leases: most are good, some are not. */
export class StoreRequests {
  readonly #random: Random;
  readonly #requests: RandomRequests;
  readonly #spoiledShare: number;

  /** @param spoiledShare How many of the requests are spoiled, 0 to 1. */
  constructor(random: Random, spoiledShare: number) {
    this.#random = random;
    this.#spoiledShare = spoiledShare;
    this.#requests = new RandomRequests(random);
  }

  /** @param revision The store's, about. */
  next(revision: number): Asked {
    this.#requests.revision = revision;
    const asked = chance(this.#random, 0.15) ? this.#look(revision) : this.#ordinary();
    return chance(this.#random, this.#spoiledShare) ? spoiled(this.#random, asked) : asked;
  }

  #ordinary(): Asked {
    const request = this.#requests.next();
    for (const [kind, body] of Object.entries(request)) {
      const method = kinds[kind as keyof InternalRaftRequest];
      if (method === undefined || body === undefined) continue;
      if (method === "compact") return { method, request: { ...body, physical: chance(this.#random, 0.7) } };
      if (method === "leaseGrant") {
        // A lease whose id the store makes up is known by another id on each side; and none runs out meanwhile.
        if ((body as { id: bigint }).id === 0n) return this.#ordinary();
        return { method, request: { ...body, ttl: 3_600 } };
      }
      return { method, request: body };
    }
    return this.#ordinary();
  }

  /** A look at what leases and history have become. */
  #look(revision: number): Asked {
    const random = this.#random;
    const id = BigInt(below(random, 5));
    switch (below(random, 4)) {
      case 0:
        return { method: "leaseLeases", request: {} };
      case 1:
        return { method: "leaseTimeToLive", request: { id, keys: chance(random, 0.7) } };
      default:
        return { method: "hashKv", request: { revision: revision + 2 - below(random, 20) } };
    }
  }
}

export const methodOf = (asked: Asked): Method<object, object> => methods[asked.method];
