import { below, type Random } from "../../base/os/random.ts";
import { isTruncated, type Query, rcodeOf } from "./message.ts";
import { type RecordPlace, recordPlaces } from "./record-places.ts";
import { rcodes, recordTypes } from "./types.ts";

export const answerCacheLimits = {
  /** CoreDNS' bounds: of what there is, of what there is not (RFC 2308), and of a server's failure. */
  foundSeconds: 3_600,
  absentSeconds: 1_800,
  failureSeconds: 5,
  answersMost: 9_984,
  /** Of all answers together. */
  bytesMost: 8 * 1024 * 1024,
} as const;

/** What is asked for by these types is no record. */
const firstMetaType = 128;

interface Kept {
  /** Another server's whole answer. */
  readonly response: Buffer;
  readonly places: readonly RecordPlace[];
  readonly keptMs: number;
  readonly untilMs: number;
}

/** What other servers answered, as long as they said that it holds and no longer; the one that was asked for longest ago goes
 *  first. No input or output. */
export class AnswerCache {
  readonly #random: Random;
  /** The one that was asked for last is the last. */
  readonly #kept = new Map<string, Kept>();
  #bytes = 0;

  constructor(random: Random) {
    this.#random = random;
  }

  get size(): number {
    return this.#kept.size;
  }

  /** The answer to this query, as it would be had from the server now: of several addresses another may be the first. */
  get(query: Query, nowMs: number): Buffer | undefined {
    const key = keyOf(query);
    const kept = this.#kept.get(key);
    if (kept === undefined) return undefined;
    this.#remove(key, kept);
    if (kept.untilMs <= nowMs) return undefined;
    this.#add(key, kept);
    const { response, places, keptMs } = kept;
    const answer = Buffer.from(response);
    const ageSeconds = Math.floor((nowMs - keptMs) / 1000);
    for (const { ttlAt } of places)
      answer.writeUInt32BE(Math.max(0, ttlOf(response, ttlAt) - ageSeconds), ttlAt);
    this.#mixAddresses(answer, places);
    answer.writeUInt16BE(query.id, 0);
    answer.set(query.questionBytes, 12);
    return answer;
  }

  /** @param response A server's answer to just this query. */
  put(query: Query, response: Buffer, nowMs: number): void {
    const places = query.question.type >= firstMetaType ? undefined : recordPlaces(response);
    const seconds = places === undefined ? 0 : secondsToKeep(response, places);
    if (places === undefined || seconds <= 0) return;
    const key = keyOf(query);
    const before = this.#kept.get(key);
    if (before !== undefined) this.#remove(key, before);
    this.#add(key, {
      response: Buffer.from(response),
      places,
      keptMs: nowMs,
      untilMs: nowMs + seconds * 1000,
    });
    for (const [oldest, kept] of this.#kept) {
      const { answersMost, bytesMost } = answerCacheLimits;
      if (this.#kept.size <= answersMost && this.#bytes <= bytesMost) break;
      this.#remove(oldest, kept);
    }
  }

  #add(key: string, kept: Kept): void {
    this.#kept.set(key, kept);
    this.#bytes += kept.response.length;
  }

  #remove(key: string, kept: Kept): void {
    this.#kept.delete(key);
    this.#bytes -= kept.response.length;
  }

  /** Clients take the first. Nothing points into an address, so that two of one name can change places. */
  #mixAddresses(answer: Buffer, places: readonly RecordPlace[]): void {
    const addresses = places.filter(
      ({ section, type }) => section === "answer" && (type === recordTypes.A || type === recordTypes.AAAA),
    );
    for (let last = addresses.length - 1; last > 0; last--) {
      const [one, two] = [addresses[last], addresses[below(this.#random, last + 1)]];
      if (one === undefined || two === undefined || one === two) continue;
      if (one.type !== two.type || one.owner !== two.owner || one.dataBytes !== two.dataBytes) continue;
      const held = Buffer.from(answer.subarray(one.dataAt, one.dataAt + one.dataBytes));
      answer.copy(answer, one.dataAt, two.dataAt, two.dataAt + two.dataBytes);
      held.copy(answer, two.dataAt);
    }
  }
}

/** What changes the answer. */
const keyOf = ({ question, edns, checkingDisabled }: Query): string =>
  JSON.stringify([
    question.labels,
    question.type,
    question.class,
    edns === undefined ? "plain" : edns.wantsDnssec ? "dnssec" : "edns",
    checkingDisabled,
  ]);

/** A time with the first bit set is none (RFC 2181, section 8). */
function ttlOf(message: Buffer, at: number): number {
  const seconds = message.readUInt32BE(at);
  return seconds > 0x7fff_ffff ? 0 : seconds;
}

/** As long as all of its records hold. That there is nothing holds as long as the zone's SOA record says; without one it is not
 *  kept (RFC 2308, section 5). */
function secondsToKeep(response: Buffer, places: readonly RecordPlace[]): number {
  const { foundSeconds, absentSeconds, failureSeconds } = answerCacheLimits;
  const rcode = rcodeOf(response);
  if (isTruncated(response)) return 0;
  if (rcode === rcodes.serverFailure) return failureSeconds;
  if (rcode !== rcodes.noError && rcode !== rcodes.noSuchName) return 0;
  const ttls = places.map(({ ttlAt }) => ttlOf(response, ttlAt));
  const soa = places.find(({ section, type }) => section === "authority" && type === recordTypes.SOA);
  const minimum =
    soa === undefined || soa.dataBytes < 4 ? undefined : ttlOf(response, soa.dataAt + soa.dataBytes - 4);
  const isFound = rcode === rcodes.noError && places.some(({ section }) => section === "answer");
  if (minimum !== undefined) return Math.min(absentSeconds, minimum, ...ttls);
  return isFound ? Math.min(foundSeconds, ...ttls) : 0;
}
