import { below, chance, type Random } from "../../../base/os/random.ts";
import { utf8 } from "../../../base/wire.ts";
import type { Asked } from "./requests.ts";

/** A member by what it is, since each cluster has ids of its own. */
export type Who = "own" | "learner" | "nobody" | "zero";
/** A request whose members and addresses are filled in by each side (see `upkeep-side.ts`). */
export interface UpkeepStep extends Asked {
  /** The field of the request that is a member's id. */
  readonly of?: { readonly field: "id" | "memberId" | "targetId"; readonly who: Who };
}

/** In place of a peer address that each side has for itself. */
export const ownPeerUrl = "own";
const goodPeerUrls = [
  ["http://127.0.0.1:1"],
  ["http://127.0.0.1:2"],
  ["http://127.0.0.1:1", "http://127.0.0.1:3"],
  ["http://127.0.0.1:3", "http://127.0.0.1:3"],
  ["https://example.com:2380"],
  [ownPeerUrl],
] as const;
const peerUrls = [
  ...goodPeerUrls,
  [],
  [""],
  ["nonsense"],
  ["127.0.0.1:1"],
  ["http://127.0.0.1"],
  ["http://127.0.0.1:1/path"],
  ["ftp://127.0.0.1:1"],
  ["http://user@127.0.0.1:4"],
] as const;

/** Membership, alarms and what else operators ask of a cluster of one member. Never what ends
 *  etcd: an alarm's action that nobody knows, a member's new address that is none (docs/reference/differences.md); nor what
 *  would leave the cluster without a quorum, or what it does in its own time, as a downgrade. */
export class UpkeepSteps {
  readonly #random: Random;

  constructor(random: Random) {
    this.#random = random;
  }

  next(): UpkeepStep {
    const roll = below(this.#random, 100);
    if (roll < 35) return this.#membership();
    if (roll < 60) return this.#alarm();
    if (roll < 70) return this.#downgrade();
    if (roll < 85) return this.#data();
    return this.#look();
  }

  #membership(): UpkeepStep {
    const urls = this.#of(peerUrls);
    const of = { field: "id", who: this.#of<Who>(["own", "learner", "learner", "nobody", "zero"]) } as const;
    return this.#of<UpkeepStep>([
      { method: "memberAdd", request: { peerUrls: urls, isLearner: true } },
      { method: "memberAdd", request: { peerUrls: urls, isLearner: true } },
      { method: "memberRemove", request: {}, of },
      { method: "memberUpdate", request: { peerUrls: this.#of(goodPeerUrls) }, of },
      { method: "memberPromote", request: {}, of },
      { method: "memberList", request: { linearizable: chance(this.#random, 0.5) } },
      { method: "moveLeader", request: {}, of: { ...of, field: "targetId" } },
    ]);
  }

  #alarm(): UpkeepStep {
    const action = this.#of(["GET", "ACTIVATE", "DEACTIVATE", "DEACTIVATE"]);
    const alarm = this.#of(["NONE", "NOSPACE", "NOSPACE", "CORRUPT", 9]);
    const of = { field: "memberId", who: this.#of<Who>(["own", "own", "zero", "nobody"]) } as const;
    return { method: "alarm", request: { action, alarm }, of };
  }

  #downgrade(): UpkeepStep {
    const odd = [
      "",
      "x",
      "3",
      "3.5",
      "3.5.0",
      "3.7",
      "3.7.0",
      "3.8.0",
      "4.0.0",
      "v3.6.0",
      "3.6.0-rc.0",
      "-1.0.0",
    ];
    const version = this.#of(odd);
    return this.#of<UpkeepStep>([
      { method: "downgrade", request: { action: "VALIDATE", version: this.#of([...odd, "3.6.0", "3.6"]) } },
      {
        method: "downgrade",
        request: { action: "ENABLE", version: version === "3.6.0-rc.0" ? "" : version },
      },
      { method: "downgrade", request: { action: "CANCEL", version } },
      { method: "downgrade", request: { action: 9, version } },
    ]);
  }

  /** What alarms refuse, or not. */
  #data(): UpkeepStep {
    const key = utf8(this.#of(["a", "b"]));
    const id = BigInt(1 + below(this.#random, 2));
    return this.#of<UpkeepStep>([
      { method: "put", request: { key, value: utf8("1") } },
      { method: "deleteRange", request: { key } },
      { method: "range", request: { key, serializable: chance(this.#random, 0.5) } },
      {
        method: "txn",
        request: { success: [{ requestPut: { key } }], failure: [{ requestRange: { key } }] },
      },
      { method: "txn", request: { success: [{ requestDeleteRange: { key } }] } },
      { method: "txn", request: { success: [{ requestRange: { key } }] } },
      { method: "leaseGrant", request: { id, ttl: 3_600 } },
      { method: "leaseRevoke", request: { id } },
      { method: "leaseTimeToLive", request: { id } },
      { method: "compact", request: { revision: 2 + below(this.#random, 50) } },
    ]);
  }

  #look(): UpkeepStep {
    return this.#of<UpkeepStep>([
      { method: "status", request: {} },
      { method: "hash", request: {} },
      { method: "hashKv", request: {} },
      { method: "defragment", request: {} },
      { method: "authStatus", request: {} },
      { method: "healthCheck", request: {} },
      { method: "healthCheck", request: { service: "etcdserverpb.KV" } },
      { method: "healthCheck", request: { service: "nobody" } },
    ]);
  }

  #of<T>(some: readonly T[]): T {
    return some[below(this.#random, some.length)] as T;
  }
}
