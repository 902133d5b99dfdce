import type { RE2JS } from "re2js";
import type { SeriesSelector } from "../query/vector-selector.ts";
import type { QueryTemplate } from "./query-template.ts";
import type { ResourceRules } from "./read-resource-rules.ts";

/** A rule file of prometheus-adapter, read and checked. */
export interface MetricRules {
  /** Of custom.metrics.k8s.io. */
  readonly rules: readonly MetricRule[];
  /** Of external.metrics.k8s.io. */
  readonly externalRules: readonly MetricRule[];
  /** Absent: metrics.k8s.io is what nodes measure. */
  readonly resourceRules?: ResourceRules | undefined;
}

/** Which series become which metrics, of what objects, and how they are asked for. */
export interface MetricRule {
  /** `rules[2]`, for whoever wrote it. */
  readonly place: string;
  readonly seriesQuery: SeriesSelector;
  /** All must hold of a series' name. */
  readonly filters: readonly { readonly pattern: RE2JS; readonly isWanted: boolean }[];
  readonly resources: ResourceMapping;
  readonly name: { readonly matches: RE2JS; readonly as: string };
  readonly metricsQuery: QueryTemplate;
  /** Pods to scrape beside the annotated ones. */
  readonly scrape: ScrapeRule | undefined;
}

export interface ResourceMapping {
  /** Labels that name a resource by their form; absent: only overrides do. */
  readonly template: ResourceTemplate | undefined;
  readonly overrides: ReadonlyMap<string, { readonly group: string; readonly resource: string }>;
  /** Whether queries of external metrics name the namespace. */
  readonly namespaced: boolean;
}

export interface ResourceTemplate {
  /** @param group With `_` for what labels cannot have. @param resource In the singular. */
  readonly labelOf: (group: string, resource: string) => string;
  /** What may be the resource that a label names. */
  readonly read: (label: string) => { readonly group: string; readonly resource: string } | undefined;
}

export interface ScrapeRule {
  /** `a=b,c in (d)`. */
  readonly podSelector: string;
  readonly port: number;
  readonly path: string;
}
