import { methods } from "../../../proto/etcd-methods.ts";
import type { Side } from "./beside.ts";
import type { Told } from "./raw-client.ts";
import { methodOf } from "./requests.ts";
import { ownPeerUrl, type UpkeepStep, type Who } from "./upkeep-steps.ts";

interface Member {
  readonly id: bigint;
  readonly isLearner: boolean;
}

/** One cluster, whose members and addresses are known by what they are. */
export class UpkeepSide {
  readonly #side: Side;

  constructor(side: Side) {
    this.#side = side;
  }

  async take(step: UpkeepStep): Promise<unknown> {
    const members = await this.#members();
    const asked = { method: step.method, request: this.#filledIn(step, members) };
    const told = await this.#side.client.call(methodOf(asked), asked.request);
    const known = [...members, ...(await this.#members())];
    return this.#inTheirWords(told, step.method, known);
  }

  async #members(): Promise<readonly Member[]> {
    const told = await this.#side.client.call(methods.memberList, {});
    return "answer" in told ? (told.answer as { readonly members: readonly Member[] }).members : [];
  }

  #filledIn({ request, of }: UpkeepStep, members: readonly Member[]): object {
    const urls = (request as { readonly peerUrls?: readonly string[] }).peerUrls;
    const peerUrls = urls?.map((url) => (url === ownPeerUrl ? (this.#side.store.peerUrls[0] ?? "") : url));
    const ids: Readonly<Record<Who, bigint | undefined>> = {
      own: members.find(({ isLearner }) => !isLearner)?.id,
      learner: members.find(({ isLearner }) => isLearner)?.id,
      nobody: 77n,
      zero: 0n,
    };
    return {
      ...request,
      ...(peerUrls !== undefined && { peerUrls }),
      ...(of !== undefined && { [of.field]: ids[of.who] ?? 78n }),
    };
  }

  /** Ids by what they are of, the side's addresses as its own; of figures that are each store's, only whether there are any. */
  #inTheirWords(told: Told, method: UpkeepStep["method"], members: readonly Member[]): unknown {
    const names = new Map(
      members.map(({ id, isLearner }) => [String(id), isLearner ? "the learner" : "the member"]),
    );
    const { endpoint, store } = this.#side;
    const text = JSON.stringify(told, (name, value) => {
      if (typeof value === "bigint") return names.get(String(value)) ?? String(value);
      if (figures.has(name) || (name === "hash" && method === "hash")) return Math.sign(value);
      return name === "version" && method === "status" ? String(value).split(".", 2).join(".") : value;
    });
    const byName = [...names].reduce((kept, [id, said]) => kept.replaceAll(id, said), text);
    const byPlace = byName
      .replaceAll(endpoint, "its own")
      .replaceAll(store.peerUrls[0] ?? "", "its own peer's");
    return JSON.parse(byPlace, (name, value) => (unordered.has(name) ? sorted(value) : value));
  }
}

/** Lists in the order of ids, or of one of Go's maps, which have none; and its texts, in which it writes one space or two. */
const unordered: ReadonlySet<string> = new Set(["members", "alarms", "errors"]);
const sorted = (list: readonly unknown[]) =>
  list.map((one) => JSON.stringify(one).replace(/ +/g, " ")).toSorted();

/** Of the log, whose entries each store makes in its own number, and of the database, which has its own form. */
const figures: ReadonlySet<string> = new Set([
  "dbSize",
  "dbSizeInUse",
  "raftIndex",
  "raftAppliedIndex",
  "raftTerm",
]);
