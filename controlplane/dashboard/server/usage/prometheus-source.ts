import { readFile } from "node:fs/promises";
import type { Clock } from "../../../../base/os/clock.ts";
import type { ApiWay } from "../api-way.ts";
import { askApi } from "../ask-api.ts";
import { RemoteServer } from "../remote-server.ts";
import { type QueryOf, queryOf } from "./prometheus-query.ts";
import { type Question, type RangeName, ranges, type Subject } from "./question.ts";
import type { SeriesSet } from "./series.ts";
import type { SourceAnswer, UsageSource } from "./usage.ts";

export interface PrometheusOptions {
  /** `https://prometheus.example:9090/prefix`, without a slash at its end. */
  readonly url: string;
  readonly caPem?: string | undefined;
  /** Read anew for each question: such tokens are renewed. */
  readonly tokenFile?: string | undefined;
  readonly withinMs?: number;
}

const answerBytesMost = 16 * 1024 * 1024;
const podsMost = 100;

/** Charts out of a Prometheus. */
export class PrometheusSource implements UsageSource {
  readonly ranges = Object.keys(ranges) as readonly RangeName[];
  readonly #options: PrometheusOptions;
  readonly #server: RemoteServer;
  readonly #clock: Clock;

  constructor(options: PrometheusOptions, clock: Clock) {
    this.#options = options;
    this.#server = new RemoteServer(options.caPem, clock);
    this.#clock = clock;
  }

  async ask({ subject, range }: Question, way: ApiWay): Promise<SourceAnswer> {
    const { seconds, stepSeconds } = ranges[range];
    const { names, notes } = await this.#podsOf(subject, way);
    if (subject.of === "pods" && names.length === 0) return { set: { times: [], series: [] }, notes };
    const query = queryOf(subject, names, stepSeconds);
    const end = Math.floor(this.#clock.wallMs() / 1000 / stepSeconds) * stepSeconds;
    const times = Array.from(
      { length: seconds / stepSeconds + 1 },
      (_, at) => end - seconds + at * stepSeconds,
    );
    const [cpu, memory] = await Promise.all([
      this.#range(query.cpu, times, stepSeconds),
      this.#range(query.memory, times, stepSeconds),
    ]);
    return { set: seriesSet({ times, cpu, memory, label: query.label, alone: aloneName(subject) }), notes };
  }

  /** Measurements have no labels of pods, so those that have them now are asked for, as the person who looks. */
  async #podsOf(
    subject: Subject,
    way: ApiWay,
  ): Promise<{ names: readonly string[]; notes: readonly string[] }> {
    if (subject.of !== "pods") return { names: [], notes: [] };
    const query = new URLSearchParams({ labelSelector: subject.selectorText, limit: String(podsMost) });
    const list = (await askApi(
      way,
      {
        path: `/api/v1/namespaces/${encodeURIComponent(subject.namespace)}/pods?${query}`,
        accept: "application/json;as=PartialObjectMetadataList;g=meta.k8s.io;v=v1",
        ...{ answerBytesMost, withinMs: 10_000 },
      },
      this.#clock,
    )) as {
      readonly items?: readonly { readonly metadata?: { readonly name?: unknown } }[];
      readonly metadata?: { readonly continue?: string };
    };
    const names = (list.items ?? []).flatMap(({ metadata }) =>
      typeof metadata?.name === "string" ? [metadata.name] : [],
    );
    return {
      names,
      notes: list.metadata?.continue ? [`These are the first ${podsMost} pods; there are more.`] : [],
    };
  }

  async #range(query: string, times: readonly number[], stepSeconds: number): Promise<readonly Found[]> {
    const { url, tokenFile, withinMs = 15_000 } = this.#options;
    const token = tokenFile === undefined ? undefined : (await readFile(tokenFile, "utf8")).trim();
    const { code, said } = await this.#server.ask({
      url: `${url}/api/v1/query_range`,
      form: { query, start: String(times[0]), end: String(times.at(-1)), step: String(stepSeconds) },
      ...(token !== undefined && { headers: { authorization: `Bearer ${token}` } }),
      ...{ answerBytesMost, withinMs },
    });
    if (said?.status !== "success")
      throw new Error(typeof said?.error === "string" ? said.error.slice(0, 300) : `it answers ${code}`);
    return readMatrix(said.data, times, stepSeconds);
  }
}

interface Found {
  readonly labels: Readonly<Record<string, unknown>>;
  readonly values: readonly (number | null)[];
}

/** What a range query found, on the grid of times that it was asked for; what is no number is a gap. Pure. */
export function readMatrix(data: unknown, times: readonly number[], stepSeconds: number): readonly Found[] {
  const { result } = (data ?? {}) as { readonly result?: unknown };
  if (!Array.isArray(result)) throw new Error("its answer is no matrix");
  const first = times[0] ?? 0;
  return result.map((one: unknown) => {
    const { metric, values } = (one ?? {}) as { readonly metric?: unknown; readonly values?: unknown };
    const placed: (number | null)[] = times.map(() => null);
    for (const pair of Array.isArray(values) ? values : []) {
      const [time, text] = Array.isArray(pair) ? pair : [];
      const at = Math.round((Number(time) - first) / stepSeconds);
      const value = Number(text);
      if (at in placed && typeof text === "string" && Number.isFinite(value) && value >= 0)
        placed[at] = value;
    }
    return {
      labels: typeof metric === "object" && metric !== null ? (metric as Found["labels"]) : {},
      values: placed,
    };
  });
}

interface Answers {
  readonly times: readonly number[];
  readonly cpu: readonly Found[];
  readonly memory: readonly Found[];
  readonly label: QueryOf["label"];
  readonly alone: string;
}

/** Both measures of each series, together by name. Pure. */
export function seriesSet({ times, cpu, memory, label, alone }: Answers): SeriesSet {
  const nothing = times.map(() => null);
  const nameOf = ({ labels }: Found): string => {
    if (label === "") return alone;
    const name = label === "node" ? labels.node || labels.instance : labels[label];
    return typeof name === "string" ? name : "";
  };
  const found = new Map<string, { cpu: readonly (number | null)[]; memory: readonly (number | null)[] }>();
  const at = (name: string) => found.get(name) ?? { cpu: nothing, memory: nothing };
  for (const one of cpu) found.set(nameOf(one), { ...at(nameOf(one)), cpu: one.values });
  for (const one of memory) found.set(nameOf(one), { ...at(nameOf(one)), memory: one.values });
  return { times, series: [...found].map(([name, values]) => ({ name, ...values })) };
}

function aloneName(subject: Subject): string {
  return subject.of === "node" ? subject.name : subject.of === "namespace" ? subject.namespace : "";
}
