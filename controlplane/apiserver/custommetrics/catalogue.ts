import type { Clock } from "../../../base/os/clock.ts";
import type { Log } from "../../../base/os/log.ts";
import { unlessAborted } from "../../../base/unless-aborted.ts";
import type { Kinds, ServedKind } from "../registry/kind-table.ts";
import { exactName, nameLabel, type SeriesLabels, type SeriesSelector } from "./query/vector-selector.ts";
import { kindNamed, type NamedResource, resourcesOf } from "./rules/label-resources.ts";
import { isTaken, metricName } from "./rules/metric-name.ts";
import type { MetricRule, MetricRules } from "./rules/rule.ts";
import type { MetricsSource } from "./source.ts";

/** How old the list may become before it is made anew for whoever looks at it, */
export const relistMs = 60_000;
/** and how soon after the last time for whoever asks for what it lacks. */
const relistGapMs = 5_000;
const metricsMax = 20_000;

export interface FoundMetric {
  readonly rule: MetricRule;
  readonly series: string;
}

export interface CustomMetric extends FoundMetric {
  /** `deployments.apps/queue_length`. */
  readonly name: string;
  readonly namespaced: boolean;
}

interface Listed {
  readonly custom: ReadonlyMap<string, CustomMetric>;
  readonly external: ReadonlyMap<string, FoundMetric>;
}

export interface CatalogueDeps {
  readonly rules: MetricRules;
  readonly source: Pick<MetricsSource, "series">;
  /** Whether those who only look at what there is may have the source asked. */
  readonly asksForLookers: boolean;
  readonly kinds: Kinds;
  readonly clock: Clock;
  readonly log: Log;
}

const rootKinds: ReadonlySet<string> = new Set(["namespaces", "nodes", "persistentvolumes"]);

/** Which metrics there are: what the rules make of the series that the source has. */
export class Catalogue {
  readonly #deps: CatalogueDeps;
  readonly #stopped = new AbortController();
  #listed: Listed;
  #listedMs = Number.NEGATIVE_INFINITY;
  #listing: Promise<void> | undefined;

  constructor(deps: CatalogueDeps) {
    this.#deps = deps;
    this.#listed = this.#named();
    if (deps.asksForLookers) this.#relist();
  }

  /** What is known, for discovery; it is looked up anew beside. */
  get current(): Listed {
    const { asksForLookers, clock } = this.#deps;
    if (asksForLookers && clock.monotonicMs() - this.#listedMs > relistMs) this.#relist();
    return this.#listed;
  }

  custom(key: string, signal: AbortSignal): Promise<CustomMetric | undefined> {
    return this.#find(({ custom }) => custom.get(key), signal);
  }

  external(name: string, signal: AbortSignal): Promise<FoundMetric | undefined> {
    return this.#find(({ external }) => external.get(name), signal);
  }

  close(): void {
    this.#stopped.abort(new Error("it stops"));
  }

  async #find<T>(get: (listed: Listed) => T | undefined, signal: AbortSignal): Promise<T | undefined> {
    const found = get(this.current);
    if (found !== undefined) return found;
    if (this.#listing === undefined && this.#deps.clock.monotonicMs() - this.#listedMs < relistGapMs)
      return undefined;
    await unlessAborted(this.#relist(), signal);
    return get(this.#listed);
  }

  /** Never rejects: what was known stays. */
  #relist(): Promise<void> {
    const { log, clock } = this.#deps;
    this.#listing ??= this.#list()
      .catch((error: unknown) => {
        if (!this.#stopped.signal.aborted)
          log.warn("custom metrics are not listed", {
            why: error instanceof Error ? error.message : String(error),
          });
      })
      .finally(() => {
        this.#listedMs = clock.monotonicMs();
        this.#listing = undefined;
      });
    return this.#listing;
  }

  async #list(): Promise<void> {
    const { rules, source } = this.#deps;
    const byQuery = new Map<string, Promise<readonly SeriesLabels[]>>();
    const seriesOf = (selector: SeriesSelector) => {
      const known = byQuery.get(selector.text) ?? source.series(selector, this.#stopped.signal);
      byQuery.set(selector.text, known);
      return known;
    };
    const taken = (all: readonly MetricRule[]) =>
      Promise.all(all.map(async (rule) => ({ rule, series: await seriesOf(rule.seriesQuery) })));
    const [custom, external] = await Promise.all([taken(rules.rules), taken(rules.externalRules)]);
    const named = this.#named();
    const listed = { custom: new Map(named.custom), external: new Map(named.external) };
    for (const { rule, series } of custom)
      for (const labels of series) {
        const name = labels.get(nameLabel) ?? "";
        if (isTaken(rule, name)) this.#add(listed.custom, rule, name, this.#resources(rule, labels.keys()));
      }
    for (const { rule, series } of external)
      for (const labels of series) {
        const name = labels.get(nameLabel) ?? "";
        if (isTaken(rule, name) && listed.external.size < metricsMax)
          listed.external.set(metricName(rule, name), { rule, series: name });
      }
    this.#listed = listed;
  }

  #resources({ resources }: MetricRule, labels: Iterable<string>): readonly NamedResource[] {
    return resourcesOf(resources, labels, this.#deps.kinds);
  }

  /** What rules name in full is there before anybody has read a series, where lookers do not have the source asked. */
  #named(): Listed {
    const listed = { custom: new Map<string, CustomMetric>(), external: new Map<string, FoundMetric>() };
    if (this.#deps.asksForLookers) return listed;
    const { rules, externalRules } = this.#deps.rules;
    const whole = (rule: MetricRule) => {
      const name = exactName(rule.seriesQuery);
      return name !== undefined && isTaken(rule, name) ? name : undefined;
    };
    for (const rule of rules) {
      const name = whole(rule);
      if (name !== undefined)
        this.#add(listed.custom, rule, name, this.#resources(rule, rule.resources.overrides.keys()));
    }
    for (const rule of externalRules) {
      const series = whole(rule);
      if (series !== undefined) listed.external.set(metricName(rule, series), { rule, series });
    }
    return listed;
  }

  /** As prometheus-adapter: what has a label of no resource, or of one in a namespace, is in a namespace itself. */
  #add(
    into: Map<string, CustomMetric>,
    rule: MetricRule,
    series: string,
    resources: readonly NamedResource[],
  ): void {
    const metric = metricName(rule, series);
    for (const { kind } of resources) {
      if (into.size >= metricsMax) return;
      const namespaced = !(kind.group === "" && rootKinds.has(kind.plural));
      const name = `${resourceText(kind)}/${metric}`;
      into.set(metricKey(kind, metric, namespaced), { rule, series, name, namespaced });
    }
  }
}

export function resourceText({ group, plural }: Pick<ServedKind, "group" | "plural">): string {
  return group === "" ? plural : `${plural}.${group}`;
}

export function metricKey(
  kind: Pick<ServedKind, "group" | "plural">,
  metric: string,
  namespaced: boolean,
): string {
  return `${resourceText(kind)}/${metric}${namespaced ? "" : " of the whole cluster"}`;
}

/** `deployments.apps` as a request names it. */
export function askedKind(kinds: Kinds, resource: string): ServedKind | undefined {
  const [plural = "", ...group] = resource.split(".");
  return kindNamed(kinds, group.join("."), plural);
}
