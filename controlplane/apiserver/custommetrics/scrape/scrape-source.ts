import { request as httpRequest, type IncomingMessage } from "node:http";
import type { Duplex } from "node:stream";
import type { Clock } from "../../../../base/os/clock.ts";
import type { Log } from "../../../../base/os/log.ts";
import { unlessAborted } from "../../../../base/unless-aborted.ts";
import type { KubeObject } from "../../../../client/types.ts";
import { bodyText } from "../../reach/body-text.ts";
import type { Dialer } from "../../reach/dialer.ts";
import { evaluate } from "../query/evaluate.ts";
import { parseQuery } from "../query/parse.ts";
import { selects } from "../query/vector-selector.ts";
import type { MetricRules } from "../rules/rule.ts";
import type { MetricsSource } from "../source.ts";
import { exposedSeries } from "./exposition.ts";
import { SeriesMemory } from "./kept-series.ts";
import { type Target, targetsOf } from "./targets.ts";
import { wantedSeries } from "./wanted-series.ts";

/** Autoscalers look as often. */
export const scrapeEveryMs = 15_000;
/** So long after somebody asked last is nothing read any more. */
export const idleAfterMs = 5 * 60_000;
const answerTimeoutMs = 5_000;
const answerBytesMax = 4 * 1024 * 1024;
const scrapedAtOnceMax = 16;
const targetsMax = 2_000;

export interface ScrapeDeps {
  readonly rules: MetricRules;
  readonly pods: () => Promise<readonly KubeObject[]>;
  readonly dialer: Pick<Dialer, "place">;
  readonly clock: Clock;
  readonly log: Log;
}

/** Pods, read here: for whoever has no Prometheus. Nothing is read before somebody asks, nor for long after. */
export class ScrapeSource implements MetricsSource {
  readonly #deps: ScrapeDeps;
  readonly #wanted: ReturnType<typeof wantedSeries>;
  readonly #memory: SeriesMemory;
  readonly #stopped = new AbortController();
  /** Why a page could not be read, as it was said last. */
  readonly #troubles = new Map<string, string>();
  #round: Promise<void> | undefined;
  #cancelNext: (() => void) | undefined;
  #askedMs = Number.NEGATIVE_INFINITY;
  #readMs = Number.NEGATIVE_INFINITY;

  constructor(deps: ScrapeDeps) {
    this.#deps = deps;
    this.#wanted = wantedSeries(deps.rules);
    this.#memory = new SeriesMemory(Math.max(this.#wanted.keptMs, 2 * scrapeEveryMs));
  }

  async series(...[selector, signal]: Parameters<MetricsSource["series"]>) {
    await this.#fresh(signal);
    return [...this.#memory.all()].flatMap(({ labels, goneMs }) =>
      goneMs === undefined && selects(selector, labels) ? [labels] : [],
    );
  }

  async query(...[query, signal]: Parameters<MetricsSource["query"]>) {
    const parsed = parseQuery(query);
    await this.#fresh(signal);
    return evaluate(parsed, this.#memory.all(), this.#deps.clock.wallMs());
  }

  close(): void {
    this.#cancelNext?.();
    this.#stopped.abort(new Error("it stops"));
  }

  /** Reads now if that was not done within the last while. */
  async #fresh(signal: AbortSignal): Promise<void> {
    const nowMs = this.#deps.clock.monotonicMs();
    this.#askedMs = nowMs;
    if (nowMs - this.#readMs < scrapeEveryMs + answerTimeoutMs && this.#round === undefined) return;
    await unlessAborted(this.#read(), signal);
  }

  #read(): Promise<void> {
    this.#round ??= this.#readAll().finally(() => {
      this.#round = undefined;
      this.#plan();
    });
    return this.#round;
  }

  #plan(): void {
    const { clock } = this.#deps;
    this.#cancelNext?.();
    this.#cancelNext = undefined;
    if (this.#stopped.signal.aborted || clock.monotonicMs() - this.#askedMs > idleAfterMs) return;
    const dueMs = this.#readMs + scrapeEveryMs - clock.monotonicMs();
    this.#cancelNext = clock.after(Math.max(1_000, dueMs), () => {
      this.#cancelNext = undefined;
      void this.#read().catch((error: unknown) =>
        this.#deps.log.warn("pods' metrics are not read", { why: String(error) }),
      );
    });
  }

  async #readAll(): Promise<void> {
    const { clock, log, rules, pods } = this.#deps;
    this.#readMs = clock.monotonicMs();
    const scrapes = [...rules.rules, ...rules.externalRules].flatMap(({ scrape }) => scrape ?? []);
    const all = targetsOf(await pods(), scrapes);
    if (all.length > targetsMax)
      log.warn("more pods to read than are read", { pods: all.length, read: targetsMax });
    const targets = all.slice(0, targetsMax);
    const left = [...targets];
    const worker = async () => {
      for (let target = left.pop(); target !== undefined; target = left.pop()) await this.#readTarget(target);
    };
    await Promise.all(Array.from({ length: Math.min(scrapedAtOnceMax, left.length) }, worker));
    this.#memory.forget(clock.wallMs(), new Set(targets.map(({ key }) => key)));
    for (const key of this.#troubles.keys())
      if (!targets.some((one) => one.key === key)) this.#troubles.delete(key);
  }

  async #readTarget(target: Target): Promise<void> {
    const { clock, log } = this.#deps;
    const atMs = clock.wallMs();
    let trouble: string | undefined;
    try {
      const text = await this.#page(target);
      const left = this.#memory.read(target, exposedSeries(text, this.#wanted.isWanted), atMs);
      if (left > 0) trouble = `${left} series more than are kept`;
    } catch (error) {
      this.#memory.lost(target.key, atMs);
      trouble = error instanceof Error ? error.message : String(error);
    }
    if (trouble !== undefined && this.#troubles.get(target.key) !== trouble)
      log.warn("a pod's metrics are not read", {
        namespace: target.namespace,
        pod: target.pod,
        why: trouble,
      });
    if (trouble === undefined) this.#troubles.delete(target.key);
    else this.#troubles.set(target.key, trouble);
  }

  async #page({ host, port, path, node }: Target): Promise<string> {
    const { clock, dialer } = this.#deps;
    const limit = new AbortController();
    const cancel = clock.after(answerTimeoutMs, () =>
      limit.abort(new Error(`no answer within ${answerTimeoutMs} ms`)),
    );
    const signal = AbortSignal.any([limit.signal, this.#stopped.signal]);
    let socket: Duplex | undefined;
    try {
      const dialled = await dialer.place({ host, port, node }, signal);
      socket = dialled;
      const answer = await new Promise<IncomingMessage>((resolve, reject) => {
        httpRequest({
          path,
          host,
          port,
          headers: { accept: "text/plain;version=0.0.4", connection: "close", "user-agent": "pintle" },
          createConnection: () => dialled,
          signal,
        })
          .once("response", resolve)
          .once("error", reject)
          .end();
      });
      const text = await bodyText(answer, answerBytesMax);
      if (answer.statusCode !== 200) throw new Error(`it answers ${answer.statusCode}`);
      return text;
    } catch (error) {
      throw signal.aborted ? signal.reason : error;
    } finally {
      cancel();
      socket?.destroy();
    }
  }
}
