import { type Selector, selectorText } from "../../../base/label-selector.ts";
import { isNotFound } from "../../../client/api-error.ts";
import { withQuery } from "../../../client/paths.ts";
import type { ControllerClient, ControllerContext } from "../controller.ts";
import type { ServedResource } from "../discovery.ts";
import { timeMs } from "../times.ts";
import { answerProblem } from "./answer-problem.ts";
import { MetricProblem } from "./metric-problem.ts";
import type { PodsAsked } from "./metrics-source.ts";
import type { PodMetric } from "./plan-replicas.ts";
import { milliOf } from "./pod-requests-milli.ts";

export interface MetricQuery {
  readonly metric: string;
  readonly metricSelector: Selector;
}

interface MetricValue {
  readonly describedObject?: { readonly name?: string };
  readonly timestamp?: string;
  readonly windowSeconds?: number;
  /** As custom.metrics.k8s.io/v1beta1 calls it. */
  readonly window?: number;
  readonly value: string;
}

interface MetricList {
  readonly kind?: string;
  readonly items?: readonly MetricValue[];
}

const customGroup = "custom.metrics.k8s.io";
const versions = ["v1beta2", "v1beta1"];
const defaultWindowMs = 60_000;

/** The metrics that adapters serve: of pods and other objects (custom.metrics.k8s.io), and from outside the cluster
 *  (external.metrics.k8s.io). */
export class CustomMetrics {
  readonly #client: Pick<ControllerClient, "raw">;
  readonly #served: Pick<ControllerContext["served"], "current">;

  constructor(client: Pick<ControllerClient, "raw">, served: Pick<ControllerContext["served"], "current">) {
    this.#client = client;
    this.#served = served;
  }

  async ofPods(
    { namespace, selector }: PodsAsked,
    { metric, metricSelector }: MetricQuery,
    signal: AbortSignal,
  ): Promise<ReadonlyMap<string, PodMetric>> {
    const root = await this.#customRoot(signal);
    const path = withQuery(`${root}/namespaces/${namespace}/pods/*/${encodeURIComponent(metric)}`, {
      labelSelector: queryText(selector),
      metricLabelSelector: queryText(metricSelector),
    });
    const items = await this.#items(path, `pods.${customGroup} *`, "custom", signal);
    if (items.length === 0) throw new MetricProblem("no metrics returned from custom metrics API");
    return new Map(
      items.map((item) => {
        const seconds = item.windowSeconds ?? item.window;
        const windowMs = seconds === undefined ? defaultWindowMs : seconds * 1000;
        const timestampMs = timeMs(item.timestamp);
        return [item.describedObject?.name ?? "", { milli: milliOf(item.value), timestampMs, windowMs }];
      }),
    );
  }

  async ofObject(
    namespace: string,
    described: { readonly apiVersion?: string; readonly kind: string; readonly name: string },
    { metric, metricSelector }: MetricQuery,
    signal: AbortSignal,
  ): Promise<bigint> {
    const root = await this.#customRoot(signal);
    const group = groupOf(described.apiVersion);
    const isNamespace = described.kind === "Namespace" && group === "";
    const resource = isNamespace ? "metrics" : await this.#resourceOf(group, described.kind, signal);
    const path = isNamespace
      ? `metrics/${encodeURIComponent(metric)}`
      : `${resource}/${encodeURIComponent(described.name)}/${encodeURIComponent(metric)}`;
    const whole = withQuery(`${root}/namespaces/${namespace}/${path}`, {
      metricLabelSelector: queryText(metricSelector),
    });
    const items = await this.#items(whole, `${resource}.${customGroup} ${described.name}`, "custom", signal);
    const [only] = items;
    if (only === undefined || items.length !== 1)
      throw new MetricProblem(
        `unable to fetch metrics from custom metrics API: the custom metrics API server returned ${items.length} results when we asked for exactly one`,
      );
    return milliOf(only.value);
  }

  async external(
    namespace: string,
    { metric, metricSelector }: MetricQuery,
    signal: AbortSignal,
  ): Promise<readonly bigint[]> {
    const path = withQuery(
      `/apis/external.metrics.k8s.io/v1beta1/namespaces/${namespace}/${encodeURIComponent(metric)}`,
      { labelSelector: queryText(metricSelector) },
    );
    const items = await this.#items(path, `${metric}.external.metrics.k8s.io`, "external", signal);
    if (items.length === 0) throw new MetricProblem("no metrics returned from external metrics API");
    return items.map(({ value }) => milliOf(value));
  }

  /** Adapters name every metric as a subresource, so that what is served says nothing of the group. */
  async #customRoot(signal: AbortSignal): Promise<string> {
    const problem = (why: string) =>
      new MetricProblem(`unable to fetch metrics from custom metrics API: ${why}`);
    let group: { readonly versions?: readonly { readonly version: string }[] };
    try {
      group = JSON.parse(await this.#client.raw("GET", `/apis/${customGroup}`, undefined, { signal }));
    } catch (error) {
      if (isNotFound(error)) group = {};
      else throw problem(answerProblem(error, `get ${customGroup}`, signal));
    }
    const version = versions.find((one) => group.versions?.some((offered) => offered.version === one));
    if (version === undefined) throw problem(`no custom metrics API (${customGroup}) registered`);
    return `/apis/${customGroup}/${version}`;
  }

  /** `plural.group`, as metrics of objects are asked for. */
  async #resourceOf(group: string, kind: string, signal: AbortSignal): Promise<string> {
    const found = (await this.#served.current(signal)).find(
      (one: ServedResource) => one.group === group && one.kind === kind,
    );
    if (found === undefined)
      throw new MetricProblem(
        `unable to fetch metrics from custom metrics API: unable to map kind ${group === "" ? kind : `${kind}.${group}`} to resource: no matches for kind ${JSON.stringify(kind)} in group ${JSON.stringify(group)}`,
      );
    return group === "" ? found.plural : `${found.plural}.${group}`;
  }

  async #items(
    path: string,
    what: string,
    api: "custom" | "external",
    signal: AbortSignal,
  ): Promise<readonly MetricValue[]> {
    const problem = (why: string) =>
      new MetricProblem(`unable to fetch metrics from ${api} metrics API: ${why}`);
    let text: string;
    try {
      text = await this.#client.raw("GET", path, undefined, { signal });
    } catch (error) {
      throw problem(answerProblem(error, `get ${what}`, signal));
    }
    return readItems(text, problem);
  }
}

/** Throws what `problem` makes of an answer that is no list of metrics. */
function readItems(text: string, problem: (why: string) => MetricProblem): readonly MetricValue[] {
  let list: MetricList;
  try {
    list = JSON.parse(text) as MetricList;
  } catch {
    throw problem("the answer is no JSON");
  }
  const items = list.items ?? [];
  if (!Array.isArray(items)) throw problem("the answer is no list");
  for (const { value } of items as readonly MetricValue[])
    if (!isReadable(value)) throw problem(`${JSON.stringify(value)} is no quantity`);
  return items;
}

function isReadable(value: unknown): boolean {
  try {
    milliOf(String(value));
    return true;
  } catch (error) {
    if (error instanceof RangeError) return false;
    throw error;
  }
}

const groupOf = (apiVersion = "") => (apiVersion.includes("/") ? (apiVersion.split("/")[0] ?? "") : "");

/** As queries name a selector; one that selects nothing, or everything, has no text. */
export const queryText = (selector: Selector): string | undefined =>
  selector === null || selector.length === 0 ? undefined : selectorText(selector);
