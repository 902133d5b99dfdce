import { below, type Random } from "../../base/os/random.ts";
import { type Answer, type AnswerOptions, answer, needsZone } from "./answer.ts";
import type { Forwarder } from "./forwarder.ts";
import {
  addressRecords,
  isTruncated,
  type Query,
  rcodeOf,
  readQuery,
  responseBytesMax,
  writeResponse,
} from "./message.ts";
import { type DnsRecord, type Question, rcodes, recordTypes } from "./types.ts";
import type { Zone } from "./zone.ts";

export interface ResolverParts {
  readonly zone: Zone;
  /** Whether the zone was read once: what it shows later, though the API may be away, holds. */
  readonly isZoneRead: () => boolean;
  readonly options: AnswerOptions;
  readonly forwarder: Pick<Forwarder, "ask">;
  readonly random: Random;
}

export interface Asker {
  readonly protocol: "udp" | "tcp";
  readonly client: string;
}

/** Alias targets are looked up for addresses alone; a chain that is longer than this is cut. */
const foreignRecordsMax = 64;
const foreignBytesMax = 16_384;

/** From a message to its answer; undefined where there is to be none. */
export class Resolver {
  readonly #parts: ResolverParts;

  constructor(parts: ResolverParts) {
    this.#parts = parts;
  }

  async respond(message: Buffer, asker: Asker): Promise<Buffer | undefined> {
    const received = readQuery(message);
    if (received.kind === "ignored") return undefined;
    if (received.kind === "refused") return received.response;
    const { query } = received;
    const { zone, isZoneRead, options, forwarder } = this.#parts;
    const bytesMax = responseBytesMax(query, asker.protocol);
    const say = (given: Answer & { kind: "here" }): Buffer => writeResponse(query, given, bytesMax);
    if (query.edns !== undefined && query.edns.version > 0) return say(only(rcodes.badVersion));
    if (!isZoneRead() && needsZone(query.question, options)) return say(only(rcodes.serverFailure));
    const given = answer(zone, query.question, options);
    if (given.kind === "here")
      return say(
        given.elsewhere === undefined ? this.#inAnyOrder(given) : await this.#followed(query, given, asker),
      );
    return (await forwarder.ask(query, { ...asker, bytesMax })) ?? say(only(rcodes.serverFailure));
  }

  /** Adds what others say of the name that an alias leads to. */
  async #followed(
    query: Query,
    given: Answer & { kind: "here" },
    asker: Asker,
  ): Promise<Answer & { kind: "here" }> {
    const { type } = query.question;
    if (given.elsewhere === undefined || (type !== recordTypes.A && type !== recordTypes.AAAA)) return given;
    const target = aliasQuery(query, { ...query.question, labels: given.elsewhere.split(".") });
    const ask = (protocol: "udp" | "tcp") =>
      this.#parts.forwarder.ask(target, { protocol, client: asker.client, bytesMax: foreignBytesMax });
    let response = await ask("udp");
    if (response !== undefined && isTruncated(response)) response = await ask("tcp");
    const records = response === undefined || isTruncated(response) ? undefined : addressRecords(response);
    if (response === undefined || records === undefined) return { ...given, rcode: rcodes.serverFailure };
    return {
      ...given,
      rcode: rcodeOf(response),
      answers: [...given.answers, ...records.slice(0, foreignRecordsMax)],
    };
  }

  /** Clients take the first address: each is the first in turn. */
  #inAnyOrder(given: Answer & { kind: "here" }): Answer & { kind: "here" } {
    const { answers } = given;
    const first = answers.findIndex(({ type }) => type !== "CNAME");
    if (answers.length < 2 || first < 0) return given;
    return { ...given, answers: [...answers.slice(0, first), ...this.#shuffled(answers.slice(first))] };
  }

  #shuffled(records: readonly DnsRecord[]): readonly DnsRecord[] {
    const mixed = [...records];
    for (let last = mixed.length - 1; last > 0; last--) {
      const other = below(this.#parts.random, last + 1);
      const [a, b] = [mixed[last], mixed[other]];
      if (a === undefined || b === undefined) continue;
      [mixed[last], mixed[other]] = [b, a];
    }
    return mixed;
  }
}

/** A question of this server's own. */
function aliasQuery(query: Query, question: Question): Query {
  const name = question.labels.map((label) =>
    Buffer.concat([Buffer.from([label.length]), Buffer.from(label, "latin1")]),
  );
  const rest = Buffer.alloc(5);
  rest.writeUInt16BE(question.type, 1);
  rest.writeUInt16BE(question.class, 3);
  return {
    ...query,
    question,
    questionBytes: Buffer.concat([...name, rest]),
    edns: { version: 0, udpBytesMax: foreignBytesMax, wantsDnssec: false },
  };
}

const only = (rcode: number): Answer & { kind: "here" } => ({
  kind: "here",
  rcode,
  answers: [],
  authorities: [],
  additionals: [],
});
