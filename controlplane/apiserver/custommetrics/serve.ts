import { matchesLabels, parseSelector, type Selector, SelectorError } from "../../../base/label-selector.ts";
import type { Log } from "../../../base/os/log.ts";
import { amountText } from "../../../base/quantity-text.ts";
import { ApiError, badRequest, internalError, methodNotAllowed, pathNotFound } from "../api-error.ts";
import type { RequestInfo, ResourceInfo } from "../filters/request-info.ts";
import { truthy } from "../filters/request-info.ts";
import type { JsonObject } from "../json.ts";
import type { ServedKind } from "../registry/kind-table.ts";
import { rfc3339 } from "../registry/object-meta.ts";
import type { RegistryDeps } from "../registry/registry-deps.ts";
import { listPrefix } from "../registry/stored-object.ts";
import { askedKind, type Catalogue, metricKey, resourceText } from "./catalogue.ts";
import type { QueryResult, Sample } from "./query/evaluate.ts";
import { kindNamed, labelFor } from "./rules/label-resources.ts";
import { type Asked, metricsQuery } from "./rules/metrics-query.ts";
import type { MetricRule } from "./rules/rule.ts";
import type { MetricsSource } from "./source.ts";

export interface ServeDeps extends Pick<RegistryDeps, "hub" | "kinds" | "clock"> {
  readonly catalogue: Catalogue;
  readonly source: Pick<MetricsSource, "query">;
  readonly log: Log;
}

const objectsMax = 10_000;

/** GET of a custom metric of one object, or of all (`*`) that a selector takes. Fails with prometheus-adapter's errors. */
export async function customMetric(
  info: RequestInfo,
  deps: ServeDeps,
  signal: AbortSignal,
): Promise<JsonObject> {
  const asked = askedObjects(info);
  const kind = askedKind(deps.kinds, asked.resource);
  const named = kind ?? plainResource(asked.resource);
  const key = metricKey(named, asked.metric, asked.namespace !== "");
  const found = kind && (await deps.catalogue.custom(key, signal));
  const selector = selectorOf(info.query.get("labelSelector"));
  const metricSelector = selectorOf(info.query.get("metricLabelSelector"));
  const all = asked.name === "*";
  const names = all && kind ? await objectNames(kind, asked.namespace, selector, deps) : [asked.name];
  if (found === undefined || kind === undefined || names.length === 0) throw noMetric(named, asked.metric);
  const label = mustLabel(found.rule, kind, deps);
  const namespace =
    asked.namespace === ""
      ? undefined
      : { label: mustLabel(found.rule, namespaceKind(deps), deps), name: asked.namespace };
  const query = { series: found.series, metricSelector, namespace, objects: { label, names } };
  const result = await ask(found.rule, query, deps, signal);
  if (result.type !== "vector") throw hidden("a number, where series were expected", deps);
  const values = new Map(result.samples.map((sample) => [sample.labels.get(label) ?? "", sample]));
  const items = names.flatMap((name) => {
    const value = values.get(name) && milliText(values.get(name)?.value ?? 0);
    return value === undefined
      ? []
      : [metricValue(info, { ...asked, kind, name, value, metricSelector }, deps)];
  });
  if (!all && items.length === 0) throw noMetric(named, asked.metric, asked.name);
  const { group, version } = info.resource as ResourceInfo;
  return { kind: "MetricValueList", apiVersion: `${group}/${version}`, metadata: {}, items };
}

interface AskedObjects {
  readonly resource: string;
  readonly namespace: string;
  readonly name: string;
  readonly metric: string;
}

/** A namespace's own metrics are in the namespace, under `metrics`. */
function askedObjects(info: RequestInfo): AskedObjects {
  const { resource: target, query } = info;
  if (target === undefined || target.hasTail) throw pathNotFound();
  if (info.method !== "GET" || truthy(query.get("watch"))) throw methodNotAllowed();
  const { plural, namespace, name, subresource } = target;
  const ofNamespace = plural === "metrics" && namespace !== "" && subresource === "";
  const asked = ofNamespace
    ? { resource: "namespaces", namespace: "", name: namespace, metric: name }
    : { resource: plural, namespace: plural === "namespaces" ? "" : namespace, name, metric: subresource };
  if (asked.name === "" || asked.metric === "") throw pathNotFound();
  const field = query.get("fieldSelector") ?? "";
  if (field !== "" && !(asked.name !== "*" && field.replace("==", "=") === `metadata.name=${asked.name}`))
    throw badRequest("fieldSelector metadata.name doesn't match requested name");
  return asked;
}

function selectorOf(text: string | null): Selector {
  try {
    return parseSelector(text ?? "");
  } catch (error) {
    if (error instanceof SelectorError) throw badRequest(`unable to parse requirement: ${error.message}`);
    throw error;
  }
}

async function objectNames(
  { kind }: ServedKind,
  namespace: string,
  selector: Selector,
  { hub }: ServeDeps,
): Promise<readonly string[]> {
  const cache = await hub.cache(kind);
  const found = cache
    .list(listPrefix(kind, namespace))
    .filter(({ labels }) => matchesLabels(selector, labels));
  if (found.length > objectsMax)
    throw badRequest(`${found.length} objects are more than ${objectsMax}: select some of them`);
  return found.map(({ object }) => object.metadata.name);
}

/** GET of an external metric. */
export async function externalMetric(
  info: RequestInfo,
  deps: ServeDeps,
  signal: AbortSignal,
): Promise<JsonObject> {
  const { resource: target, query } = info;
  if (target === undefined || target.hasTail || target.name !== "" || target.namespace === "")
    throw pathNotFound();
  if (info.method !== "GET" || truthy(query.get("watch"))) throw methodNotAllowed();
  const metricSelector = selectorOf(query.get("labelSelector"));
  const found = await deps.catalogue.external(target.plural, signal);
  // Its own words for what is asked for in the namespace `default`.
  const named = { group: "", plural: target.namespace === "default" ? "namespaces" : "" };
  if (found === undefined) throw noMetric(named, target.plural);
  const { rule, series } = found;
  const namespace = rule.resources.namespaced
    ? { label: mustLabel(rule, namespaceKind(deps), deps), name: target.namespace }
    : undefined;
  const result = await ask(rule, { series, metricSelector, namespace }, deps, signal);
  const samples: readonly Sample[] =
    result.type === "vector" ? result.samples : [{ ...result, labels: new Map() }];
  const items = samples.flatMap(({ labels, value, atMs }) => {
    const quantity = milliText(value);
    if (quantity === undefined) return [];
    const own = Object.fromEntries([...labels].sort(([a], [b]) => (a < b ? -1 : 1)));
    return [{ metricName: target.plural, metricLabels: own, timestamp: rfc3339(atMs), value: quantity }];
  });
  const apiVersion = `${target.group}/${target.version}`;
  return { kind: "ExternalMetricValueList", apiVersion, metadata: {}, items };
}

async function ask(
  rule: MetricRule,
  asked: Asked,
  deps: ServeDeps,
  signal: AbortSignal,
): Promise<QueryResult> {
  const query = metricsQuery(rule, asked);
  try {
    return await deps.source.query(query, signal);
  } catch (error) {
    signal.throwIfAborted();
    throw hidden(error instanceof Error ? error.message : String(error), deps, { rule: rule.place, query });
  }
}

/** Whoever asks need not know how metrics come; the log does. */
function hidden(why: string, { log }: ServeDeps, fields: Readonly<Record<string, string>> = {}): ApiError {
  log.warn("metrics are not fetched", { why, ...fields });
  return internalError("unable to fetch metrics");
}

function noMetric(named: Pick<ServedKind, "group" | "plural">, metric: string, name = ""): ApiError {
  const of = `${metric} for ${resourceText(named)}${name === "" ? "" : ` ${name}`}`;
  return new ApiError(404, "NotFound", `the server could not find the metric ${of}`);
}

function plainResource(resource: string): Pick<ServedKind, "group" | "plural"> {
  const [plural = "", ...group] = resource.split(".");
  return { plural, group: group.join(".") };
}

function mustLabel(rule: MetricRule, kind: ServedKind, deps: ServeDeps): string {
  const label = labelFor(rule.resources, kind, deps.kinds);
  if (label !== undefined) return label;
  throw hidden(`no label stands for ${resourceText(kind)}`, deps, { rule: rule.place });
}

function namespaceKind({ kinds }: ServeDeps): ServedKind {
  const kind = kindNamed(kinds, "", "namespaces");
  if (kind === undefined) throw new Error("the table of kinds lacks namespaces");
  return kind;
}

interface Value extends AskedObjects {
  readonly kind: ServedKind;
  readonly value: string;
  readonly metricSelector: Selector;
}

function metricValue(
  { resource }: RequestInfo,
  { kind, name, namespace, metric, value, metricSelector }: Value,
  { clock }: ServeDeps,
): JsonObject {
  const describedObject = {
    kind: kind.kind.kind,
    ...(namespace !== "" && { namespace }),
    name,
    // Of the group without a name, too.
    apiVersion: `${kind.group}/${kind.version}`,
  };
  const timestamp = rfc3339(clock.wallMs());
  const selector = labelSelectorOf(metricSelector);
  return resource?.version === "v1beta1"
    ? { describedObject, metricName: metric, timestamp, value, selector }
    : { describedObject, metric: { name: metric, selector }, timestamp, value };
}

const operators: Readonly<Record<string, string>> = {
  in: "In",
  notin: "NotIn",
  exists: "Exists",
  "!": "DoesNotExist",
};

/** As the LabelSelector of a manifest; null where everything is selected. */
function labelSelectorOf(selector: Selector): JsonObject | null {
  if (selector === null || selector.length === 0) return null;
  const equal = selector.filter(({ operator }) => operator === "=");
  const others = selector.filter(({ operator }) => operator !== "=");
  return {
    ...(equal.length > 0 && {
      matchLabels: Object.fromEntries(equal.map(({ key, values }) => [key, values[0] ?? ""])),
    }),
    ...(others.length > 0 && {
      matchExpressions: others.map(({ key, operator, values }) => ({
        key,
        operator: operator === "!=" ? "NotIn" : (operators[operator] ?? operator),
        ...(values.length > 0 && { values: [...values] }),
      })),
    }),
  };
}

/** What is no number is nothing, and thousandths are cut off, as prometheus-adapter does; undefined where no quantity has room. */
export function milliText(value: number): string | undefined {
  const milli = Number.isNaN(value) ? 0 : Math.trunc(value * 1000);
  if (Math.abs(milli) >= 2 ** 63) return undefined;
  return amountText({ nanos: BigInt(milli) * 1_000_000n, notation: "decimal" });
}
