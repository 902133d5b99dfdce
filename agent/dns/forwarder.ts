import type { Clock } from "../../base/os/clock.ts";
import { below, type Random } from "../../base/os/random.ts";
import { AnswerCache } from "./answer-cache.ts";
import { askByTcp, askByUdp, type Exchange } from "./exchange.ts";
import { fittedAnswer, type Query, rcodeOf, readForwarded, writeForwarded } from "./message.ts";
import { type AskedServers, ServerOrder } from "./server-order.ts";
import { rcodes } from "./types.ts";

export interface ForwarderParts {
  readonly clock: Clock;
  readonly random: Random;
  /** Told when nobody answered, and at most so often as it helps. */
  readonly onSilence: (servers: readonly string[]) => void;
  /** Whom to ask for a name; looked up for each question, for it may change at any time. */
  readonly servers: (labels: readonly string[]) => Promise<AskedServers>;
}

export const forwarderLimits = {
  /** Under what clients wait for (5 s), so that they hear of a failure. */
  totalMs: 4000,
  attemptMs: 2000,
  attemptsMax: 3,
  /** Questions that wait for an answer at once, of all clients and of one. */
  waitingMax: 1024,
  waitingOfOneMax: 256,
  /** A question that nobody answered is not asked again for so long. */
  failureMs: 5000,
  failuresMax: 1024,
  silenceEveryMs: 60_000,
} as const;

/** Asks others what is not the cluster's, and keeps what they say as long as it holds. */
export class Forwarder {
  readonly #parts: ForwarderParts;
  readonly #cache: AnswerCache;
  readonly #failedUntilMs = new Map<string, number>();
  readonly #order = new ServerOrder();
  readonly #waiting = new Map<string, number>();
  #waitingCount = 0;
  #silenceToldMs: number | undefined;

  constructor(parts: ForwarderParts) {
    this.#parts = parts;
    this.#cache = new AnswerCache(parts.random);
  }

  /** An answer to the client in at most `bytesMax`; undefined when there is none to be had. */
  async ask(
    query: Query,
    {
      protocol,
      client,
      bytesMax,
    }: { readonly protocol: "udp" | "tcp"; readonly client: string; readonly bytesMax: number },
  ): Promise<Buffer | undefined> {
    const kept = this.#cache.get(query, this.#parts.clock.monotonicMs());
    if (kept !== undefined) return fittedAnswer(query, kept, bytesMax);
    const key = JSON.stringify(query.question);
    const ofClient = this.#waiting.get(client) ?? 0;
    const isTooMuch =
      this.#waitingCount >= forwarderLimits.waitingMax || ofClient >= forwarderLimits.waitingOfOneMax;
    if (isTooMuch || this.#failedLately(key)) return undefined;
    this.#waitingCount++;
    this.#waiting.set(client, ofClient + 1);
    try {
      const answer = await this.#askInTurn(query, protocol);
      if (answer === undefined) {
        this.#rememberFailure(key);
        return undefined;
      }
      this.#cache.put(query, answer, this.#parts.clock.monotonicMs());
      return fittedAnswer(query, answer, bytesMax);
    } finally {
      this.#waitingCount--;
      const left = (this.#waiting.get(client) ?? 1) - 1;
      if (left > 0) this.#waiting.set(client, left);
      else this.#waiting.delete(client);
    }
  }

  /** One server after the other; the last word of one that cannot tell holds only where none could. */
  async #askInTurn(query: Query, protocol: "udp" | "tcp"): Promise<Buffer | undefined> {
    const { clock, random } = this.#parts;
    const asked = await this.#parts.servers(query.question.labels);
    const servers = this.#order.of(asked, clock.monotonicMs());
    const deadlineMs = clock.monotonicMs() + forwarderLimits.totalMs;
    // One server alone is asked twice: a datagram may have been lost.
    const turns =
      servers.length === 1 ? [...servers, ...servers] : servers.slice(0, forwarderLimits.attemptsMax);
    let unable: Buffer | undefined;
    for (const server of turns) {
      const leftMs = deadlineMs - clock.monotonicMs();
      if (leftMs <= 0) break;
      const id = below(random, 65_536);
      const read = (response: Buffer) => readForwarded(query, response, id);
      const exchange: Exchange = {
        message: writeForwarded(query, id),
        server: server.address,
        port: server.port,
        timeoutMs: Math.min(leftMs, forwarderLimits.attemptMs),
        isAnswer: (response) => read(response) !== undefined,
      };
      const answer = await (protocol === "udp" ? askByUdp : askByTcp)(exchange, clock).then(
        read,
        () => undefined,
      );
      if (answer === undefined) {
        this.#order.silent(server, clock.monotonicMs());
        continue;
      }
      this.#order.answered(server);
      const rcode = rcodeOf(answer);
      if (rcode !== rcodes.serverFailure && rcode !== rcodes.refused) return answer;
      unable = answer;
    }
    if (unable === undefined) this.#tellSilence(servers.map(({ address }) => address));
    return unable;
  }

  #tellSilence(servers: readonly string[]): void {
    const nowMs = this.#parts.clock.monotonicMs();
    if (this.#silenceToldMs !== undefined && nowMs - this.#silenceToldMs < forwarderLimits.silenceEveryMs)
      return;
    this.#silenceToldMs = nowMs;
    this.#parts.onSilence(servers);
  }

  #failedLately(key: string): boolean {
    const untilMs = this.#failedUntilMs.get(key);
    if (untilMs === undefined) return false;
    if (untilMs > this.#parts.clock.monotonicMs()) return true;
    this.#failedUntilMs.delete(key);
    return false;
  }

  #rememberFailure(key: string): void {
    const [oldest] = this.#failedUntilMs.keys();
    if (this.#failedUntilMs.size >= forwarderLimits.failuresMax && oldest !== undefined)
      this.#failedUntilMs.delete(oldest);
    this.#failedUntilMs.set(key, this.#parts.clock.monotonicMs() + forwarderLimits.failureMs);
  }
}
