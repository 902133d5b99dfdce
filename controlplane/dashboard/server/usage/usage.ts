import type { ServerResponse } from "node:http";
import type { Clock } from "../../../../base/os/clock.ts";
import { json, statusText } from "../answers.ts";
import type { ApiWay } from "../api-way.ts";
import { askApi } from "../ask-api.ts";
import {
  type Question,
  type RangeName,
  ranges,
  readQuestion,
  rememberedRanges,
  rightFor,
  rightText,
} from "./question.ts";
import { Sampler, samplerTimes } from "./sampler.ts";
import { type SeriesSet, type Shown, shownOf } from "./series.ts";
import { memoryLimits, UsageMemory } from "./usage-memory.ts";

/** What `/usage` answers. */
export interface UsageAnswer extends Shown {
  readonly source: "memory" | "prometheus";
  /** What the reader must know of these figures, as sentences. */
  readonly notes: readonly string[];
  readonly ranges: readonly RangeName[];
  /** Points that are farther apart have a gap between them. */
  readonly gapSeconds: number;
}

/** Somebody who remembers for longer. */
export interface UsageSource {
  readonly ranges: readonly RangeName[];
  /** Rejects with an Error that says why there is nothing. */
  ask(question: Question, way: ApiWay): Promise<SourceAnswer>;
}

export interface SourceAnswer {
  readonly set: SeriesSet;
  readonly notes: readonly string[];
}

export interface UsageDeps {
  /** The way of the dashboard's own configuration. */
  readonly way: ApiWay;
  readonly namespace: string;
  readonly clock: Clock;
  /** Absent: what is remembered here is all. */
  readonly source?: UsageSource | undefined;
  readonly memory?: UsageMemory;
}

const metricsPath = "/apis/metrics.k8s.io/v1beta1";
/** Ten thousand pods with their labels are some 6 MB. */
const listLimits = { answerBytesMost: 64 * 1024 * 1024, withinMs: 20_000 } as const;
const reviewPath = "/apis/authorization.k8s.io/v1/selfsubjectaccessreviews";

/** What was used, for charts. It is measured as the dashboard's own user, so each answer is given only to whom the API server,
 *  asked as that person, would give the same of now. */
export class Usage {
  readonly #deps: UsageDeps;
  readonly #memory: UsageMemory;
  readonly #sampler: Sampler;

  constructor(deps: UsageDeps) {
    this.#deps = deps;
    this.#memory = deps.memory ?? new UsageMemory();
    const { way, clock, namespace } = deps;
    const list = (path: string) => askApi(way, { path: metricsPath + path, ...listLimits }, clock);
    this.#sampler = new Sampler({ list, clock, namespace, memory: this.#memory });
  }

  close(): void {
    this.#sampler.close();
  }

  /** Answers `/usage?…` to the person whose way it is. */
  async answer(query: URLSearchParams, response: ServerResponse, way: ApiWay): Promise<void> {
    let question: Question;
    try {
      question = readQuestion(query);
    } catch (error) {
      if (!(error instanceof TypeError)) throw error;
      return statusText(response, 400, error.message);
    }
    const right = rightFor(question.subject);
    const refusal = await this.#refusal(right, way);
    if (refusal !== undefined)
      return statusText(response, 403, `you may not ${rightText(right)}${refusal && `: ${refusal}`}`);
    json(response, 200, await this.#told(question, way));
  }

  /** Why the person may not; undefined where they may. */
  async #refusal(right: Readonly<Record<string, string>>, way: ApiWay): Promise<string | undefined> {
    const body = {
      apiVersion: "authorization.k8s.io/v1",
      kind: "SelfSubjectAccessReview",
      spec: { resourceAttributes: right },
    };
    const question = {
      method: "POST",
      path: reviewPath,
      body,
      answerBytesMost: 65_536,
      withinMs: 10_000,
    } as const;
    const { status } = (await askApi(way, question, this.#deps.clock)) as {
      readonly status?: { readonly allowed?: unknown; readonly reason?: unknown };
    };
    if (status?.allowed === true) return undefined;
    return typeof status?.reason === "string" ? status.reason : "";
  }

  async #told(question: Question, way: ApiWay): Promise<UsageAnswer> {
    const { source } = this.#deps;
    const notes: string[] = [];
    if (source !== undefined) {
      try {
        const { set, notes: told } = await source.ask(question, way);
        const gapSeconds = 2.5 * ranges[question.range].stepSeconds;
        return { source: "prometheus", ...shownOf(set), notes: told, ranges: source.ranges, gapSeconds };
      } catch (error) {
        const why = error instanceof Error ? error.message : String(error);
        notes.push(`Prometheus has no answer (${why}): this is what the dashboard remembers itself.`);
      }
    }
    await this.#sampler.look();
    if (!rememberedRanges.includes(question.range))
      notes.push("The dashboard remembers no more than two hours.");
    if (this.#sampler.problem !== "") notes.push(`Nothing new is measured: ${this.#sampler.problem}`);
    if (this.#sampler.narrowedTo !== "")
      notes.push(`Only namespace ${this.#sampler.narrowedTo} is measured: its user may list no other.`);
    if (this.#memory.isFull)
      notes.push(`More than ${memoryLimits.seriesMost} nodes and containers: some are not remembered.`);
    return {
      source: "memory",
      ...this.#remembered(question),
      notes,
      ranges: source?.ranges ?? rememberedRanges,
      gapSeconds: (2.5 * samplerTimes.restMs) / 1000,
    };
  }

  #remembered({ subject, range }: Question): Shown {
    const sinceMs = this.#deps.clock.wallMs() - Math.min(ranges[range].seconds * 1000, memoryLimits.spanMs);
    switch (subject.of) {
      case "cluster":
        return this.#memory.nodes(sinceMs);
      case "node":
        return this.#memory.node(subject.name, sinceMs);
      case "namespace":
        return this.#memory.pods(subject.namespace, [], sinceMs);
      case "pod":
        return this.#memory.pod(subject.namespace, subject.name, sinceMs);
      case "pods":
        return this.#memory.pods(subject.namespace, subject.selector, sinceMs);
    }
  }
}
