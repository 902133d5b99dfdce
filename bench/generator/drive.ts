import { Connection } from "./connection.ts";
import { Latencies } from "./latencies.ts";
import { MessageEnds } from "./message-ends.ts";
import type { Template } from "./request-template.ts";
import { unlessStalled } from "./unless-stalled.ts";

/** What clients ask over and over: each sends its next request when it has the answer to the one before. */
export interface Job {
  /** Of the method, as in HTTP/2's :path. */
  readonly path: string;
  readonly template: Template;
  /** The key of the n-th request. */
  readonly keyNumber: (n: number) => number;
  readonly connections: number;
  /** Requests under way, over all connections. */
  readonly clients: number;
  /** A client's requests are messages on one stream, each of which is answered by one message. */
  readonly isStream?: true;
  /** Who signed the certificates of endpoints that speak TLS. */
  readonly authorityPem?: string;
}

/** When a job ends: after a time, or after so many requests. What is under way then is waited for. */
export type Extent = { readonly seconds: number } | { readonly requests: number };

/** What one round measured. Latencies are of successful requests, in milliseconds. */
export interface RoundResult {
  readonly requests: number;
  readonly failures: number;
  readonly firstFailure?: string;
  readonly seconds: number;
  readonly perSecond: number;
  readonly p50Ms: number;
  readonly p99Ms: number;
  readonly answerBytes: number;
  /** Of this process, all its threads, while it asked. */
  readonly generatorCpuSeconds: number;
  /** Requests per second in each tenth of the requests; only where their number was given. */
  readonly tenths?: readonly number[];
  /** What the seconds are the sum of, where that is more than one thing. */
  readonly steps?: readonly { readonly name: string; readonly seconds: number }[];
}

/** Drives endpoints, over which connections are spread. Throws where a server leaves requests without an answer. */
export async function drive(job: Job, endpoints: readonly string[], extent: Extent): Promise<RoundResult> {
  const round = new Round(job, extent);
  await round.open(endpoints);
  try {
    return await round.run();
  } finally {
    round.close();
  }
}

class Round {
  readonly #job: Job;
  readonly #extent: Extent;
  readonly #connections: Connection[] = [];
  readonly #latencies = new Latencies();
  readonly #tenthEndsMs: number[] = [];
  #startedMs = 0;
  /** When what is being read came. */
  #nowMs = 0;
  #endMs = Number.POSITIVE_INFINITY;
  #requestsMost = Number.POSITIVE_INFINITY;
  #sent = 0;
  #underWay = 0;
  #failures = 0;
  #firstFailure: string | undefined;
  #answerBytes = 0;
  #finished: () => void = () => undefined;

  constructor(job: Job, extent: Extent) {
    this.#job = job;
    this.#extent = extent;
  }

  async open(endpoints: readonly string[]): Promise<void> {
    const { connections, clients } = this.#job;
    await Promise.all(
      Array.from({ length: connections }, async (_, i) => {
        const slots = Math.floor((clients + connections - 1 - i) / connections);
        this.#connections[i] = await this.#connect(endpoints[i % endpoints.length] ?? "", i, slots);
      }),
    );
  }

  #connect(url: string, i: number, slots: number): Promise<Connection> {
    const sentAtMs = new Float64Array(slots);
    this.#sentAtMs[i] = sentAtMs;
    const ends = this.#job.isStream ? new MessageEnds(slots) : undefined;
    return Connection.open(
      url,
      { ...this.#job, slots },
      {
        turned: () => {
          this.#nowMs = performance.now();
        },
        received: (slot, bytes, start, end) => {
          this.#answerBytes += end - start;
          const answers = ends === undefined ? 0 : ends.count(slot, bytes, start, end);
          for (let answer = 0; answer < answers; answer++) this.#answered(i, slot, undefined);
        },
        answered: (slot, failure) =>
          this.#answered(i, slot, ends === undefined ? failure : (failure ?? "the server ended the stream")),
        lost: (reason) => this.#lost(i, reason),
      },
    );
  }

  /** Of each connection's slots; 0 where a slot has nothing under way. */
  readonly #sentAtMs: Float64Array[] = [];

  async run(): Promise<RoundResult> {
    const cpuBefore = process.cpuUsage();
    this.#startedMs = performance.now();
    this.#nowMs = this.#startedMs;
    if ("seconds" in this.#extent) this.#endMs = this.#startedMs + this.#extent.seconds * 1000;
    else this.#requestsMost = this.#extent.requests;
    const finished = new Promise<void>((resolve) => {
      this.#finished = resolve;
    });
    for (const [i, connection] of this.#connections.entries()) {
      for (let slot = 0; slot < (this.#sentAtMs[i] as Float64Array).length; slot++) this.#next(i, slot);
      connection.flush();
    }
    const missing = () => `${this.#underWay} requests have no answer`;
    if (this.#underWay > 0) await unlessStalled(finished, () => this.#nowMs, missing);
    return this.#result(performance.now() - this.#startedMs, process.cpuUsage(cpuBefore));
  }

  #next(i: number, slot: number): void {
    if (this.#nowMs >= this.#endMs || this.#sent >= this.#requestsMost) return;
    const n = this.#sent++;
    this.#underWay += 1;
    (this.#sentAtMs[i] as Float64Array)[slot] = this.#nowMs;
    const { template, keyNumber, isStream = false } = this.#job;
    const connection = this.#connections[i] as Connection;
    if (isStream && connection.isOpen(slot)) connection.sendMore(slot, template, keyNumber(n));
    else connection.send(slot, template, keyNumber(n), !isStream);
  }

  #answered(i: number, slot: number, failure: string | undefined): void {
    const sentAtMs = this.#sentAtMs[i] as Float64Array;
    if (failure === undefined) this.#count(this.#nowMs - (sentAtMs[slot] as number));
    else this.#fail(failure);
    sentAtMs[slot] = 0;
    this.#underWay -= 1;
    this.#next(i, slot);
    if (this.#underWay === 0) this.#finished();
  }

  #count(latencyMs: number): void {
    this.#latencies.add(latencyMs);
    const tenth = this.#requestsMost / 10;
    if (this.#latencies.count >= (this.#tenthEndsMs.length + 1) * tenth) this.#tenthEndsMs.push(this.#nowMs);
  }

  #fail(failure: string): void {
    this.#failures += 1;
    this.#firstFailure ??= failure;
  }

  /** The connection's clients stop; what they had under way failed. */
  #lost(i: number, reason: string): void {
    const sentAtMs = this.#sentAtMs[i] as Float64Array;
    for (let slot = 0; slot < sentAtMs.length; slot++) {
      if (sentAtMs[slot] === 0) continue;
      sentAtMs[slot] = 0;
      this.#underWay -= 1;
      this.#fail(reason);
    }
    if (this.#underWay === 0) this.#finished();
  }

  #result(tookMs: number, cpu: NodeJS.CpuUsage): RoundResult {
    const [p50Ms = 0, p99Ms = 0] = this.#latencies.quantiles([0.5, 0.99]);
    return {
      requests: this.#latencies.count,
      failures: this.#failures,
      ...(this.#firstFailure === undefined ? {} : { firstFailure: this.#firstFailure }),
      seconds: tookMs / 1000,
      perSecond: (this.#latencies.count * 1000) / tookMs,
      p50Ms,
      p99Ms,
      answerBytes: this.#answerBytes,
      generatorCpuSeconds: (cpu.user + cpu.system) / 1e6,
      ...("requests" in this.#extent ? { tenths: this.#tenths() } : {}),
    };
  }

  #tenths(): number[] {
    const each = this.#requestsMost / 10;
    return this.#tenthEndsMs.map(
      (endMs, i) =>
        (each * 1000) / (endMs - (i === 0 ? this.#startedMs : (this.#tenthEndsMs[i - 1] as number))),
    );
  }

  close(): void {
    for (const connection of this.#connections) connection.destroy();
  }
}
