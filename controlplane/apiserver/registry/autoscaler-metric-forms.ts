import { isQuantity } from "../../../base/quantity.ts";
import { isObject, type JsonObject, objectOf } from "../json.ts";

/** Metrics of an autoscaler as autoscaling/v1 writes them in annotations, and as v2 has them. The order of fields is that of
 *  Kubernetes' types, since clients see the annotation's text. Pure. */

type ValueType = "string" | "integer" | "quantity" | "selector" | "reference";
/** v1's field, its type, where v2 has it, and what v1 writes where there is none. */
type Row = readonly [name: string, type: ValueType, path: string, absent?: string];

const identified = (name: string): Row => [name, "string", "metric.name", ""];
const ofResource: Row = ["name", "string", "name", ""];
const ofContainer: Row = ["container", "string", "container", ""];

const specRows: Readonly<Record<string, readonly Row[]>> = {
  object: [
    ["target", "reference", "describedObject"],
    identified("metricName"),
    ["targetValue", "quantity", "target.value", "0"],
    ["selector", "selector", "metric.selector"],
    ["averageValue", "quantity", "target.averageValue"],
  ],
  pods: [
    identified("metricName"),
    ["targetAverageValue", "quantity", "target.averageValue", "0"],
    ["selector", "selector", "metric.selector"],
  ],
  resource: [
    ofResource,
    ["targetAverageUtilization", "integer", "target.averageUtilization"],
    ["targetAverageValue", "quantity", "target.averageValue"],
  ],
  containerResource: [
    ofResource,
    ["targetAverageUtilization", "integer", "target.averageUtilization"],
    ["targetAverageValue", "quantity", "target.averageValue"],
    ofContainer,
  ],
  external: [
    identified("metricName"),
    ["metricSelector", "selector", "metric.selector"],
    ["targetValue", "quantity", "target.value"],
    ["targetAverageValue", "quantity", "target.averageValue"],
  ],
};

const statusRows: Readonly<Record<string, readonly Row[]>> = {
  object: [
    ["target", "reference", "describedObject"],
    identified("metricName"),
    ["currentValue", "quantity", "current.value", "0"],
    ["selector", "selector", "metric.selector"],
    ["averageValue", "quantity", "current.averageValue"],
  ],
  pods: [
    identified("metricName"),
    ["currentAverageValue", "quantity", "current.averageValue", "0"],
    ["selector", "selector", "metric.selector"],
  ],
  resource: [
    ofResource,
    ["currentAverageUtilization", "integer", "current.averageUtilization"],
    ["currentAverageValue", "quantity", "current.averageValue", "0"],
  ],
  containerResource: [
    ofResource,
    ["currentAverageUtilization", "integer", "current.averageUtilization"],
    ["currentAverageValue", "quantity", "current.averageValue", "0"],
    ofContainer,
  ],
  external: [
    identified("metricName"),
    ["metricSelector", "selector", "metric.selector"],
    ["currentValue", "quantity", "current.value", "0"],
    ["currentAverageValue", "quantity", "current.averageValue"],
  ],
};

export const specToV1 = (metric: JsonObject) => toV1(metric, specRows);
export const statusToV1 = (metric: JsonObject) => toV1(metric, statusRows);

function toV1(metric: JsonObject, rowsOf: Readonly<Record<string, readonly Row[]>>): JsonObject {
  const written: JsonObject = { type: metric.type ?? "" };
  for (const [source, rows] of Object.entries(rowsOf)) {
    const value = metric[source];
    if (!isObject(value)) continue;
    const fields: JsonObject = {};
    for (const [name, type, path, absent] of rows) {
      const found = type === "reference" ? referenceText(at(value, path)) : at(value, path);
      const shown = type === "selector" && isObject(found) ? selectorText(found) : (found ?? absent);
      if (shown !== undefined) fields[name] = shown;
    }
    written[source] = fields;
  }
  return written;
}

/** Undefined where it is none: an annotation that does not hold is as good as absent. */
export function specFromV1(metric: unknown): JsonObject | undefined {
  const read = fromV1(metric, specRows);
  if (read === undefined) return undefined;
  const target = (source: string) => objectOf(objectOf(read[source]).target);
  const { object, pods, resource, containerResource, external } = read;
  if (isObject(object)) {
    const { value = "0", averageValue } = target("object");
    object.target =
      averageValue === undefined
        ? { type: "Value", value }
        : { type: "AverageValue", ...(value !== "0" && { value }), averageValue };
  }
  if (isObject(pods)) pods.target = { type: "AverageValue", averageValue: "0", ...target("pods") };
  for (const [name, one] of Object.entries({ resource, containerResource })) {
    if (!isObject(one)) continue;
    const { averageUtilization } = target(name);
    one.target = { type: averageUtilization === undefined ? "AverageValue" : "Utilization", ...target(name) };
  }
  if (isObject(external)) {
    const { value } = target("external");
    external.target = { type: value === undefined ? "AverageValue" : "Value", ...target("external") };
  }
  return read;
}

export function statusFromV1(metric: unknown): JsonObject | undefined {
  const read = fromV1(metric, statusRows);
  if (read === undefined) return undefined;
  for (const [source, rows] of Object.entries(statusRows)) {
    const value = read[source];
    if (!isObject(value)) continue;
    value.current ??= {};
    for (const [, , path, absent] of rows)
      if (absent === "0" && at(value, path) === undefined) put(value, path, absent);
  }
  return read;
}

function fromV1(metric: unknown, rowsOf: Readonly<Record<string, readonly Row[]>>): JsonObject | undefined {
  if (!isObject(metric)) return undefined;
  const { type = "" } = metric;
  if (typeof type !== "string") return undefined;
  const read: JsonObject = { type };
  for (const [source, rows] of Object.entries(rowsOf)) {
    const value = metric[source] ?? undefined;
    if (value === undefined) continue;
    if (!isObject(value)) return undefined;
    const fields: JsonObject = {};
    for (const [name, kind, path, absent] of rows) {
      const found = value[name] ?? (absent === "" ? "" : undefined);
      if (found === undefined) continue;
      if (!fits[kind](found)) return undefined;
      put(fields, path, kind === "reference" ? referenceText(found) : found);
    }
    read[source] = fields;
  }
  return read;
}

const isText = (value: unknown): value is string => typeof value === "string";
const isTexts = (value: unknown) => Array.isArray(value) && value.every(isText);
const optional = (value: unknown, holds: (value: unknown) => boolean) => value === undefined || holds(value);

const fits: Readonly<Record<ValueType, (value: unknown) => boolean>> = {
  string: isText,
  integer: (value) => Number.isInteger(value) && Math.abs(value as number) < 2 ** 31,
  quantity: (value) => isText(value) && isQuantity(value),
  reference: (value) =>
    isObject(value) && [value.kind, value.name, value.apiVersion].every((one) => optional(one, isText)),
  selector: (value) =>
    isObject(value) &&
    optional(value.matchLabels, (labels) => isObject(labels) && Object.values(labels).every(isText)) &&
    optional(
      value.matchExpressions,
      (all) =>
        Array.isArray(all) &&
        all.every(
          (one) => isObject(one) && isText(one.key) && isText(one.operator) && optional(one.values, isTexts),
        ),
    ),
};

function referenceText(value: unknown): JsonObject {
  const { kind = "", name = "", apiVersion } = objectOf(value);
  return { kind, name, ...(apiVersion !== undefined && apiVersion !== "" && { apiVersion }) };
}

function selectorText({ matchLabels, matchExpressions }: JsonObject): JsonObject {
  const labels = Object.entries(objectOf(matchLabels)).sort(([a], [b]) => (a < b ? -1 : 1));
  const expressions = Array.isArray(matchExpressions) ? matchExpressions.map(objectOf) : [];
  return {
    ...(labels.length > 0 && { matchLabels: Object.fromEntries(labels) }),
    ...(expressions.length > 0 && {
      matchExpressions: expressions.map(({ key, operator, values }) => ({
        key,
        operator,
        ...(values !== undefined && { values }),
      })),
    }),
  };
}

function at(object: JsonObject, path: string): unknown {
  return path.split(".").reduce<unknown>((value, name) => objectOf(value)[name], object);
}

/** Paths here have one or two names. */
function put(object: JsonObject, path: string, value: unknown): void {
  const [first = "", second] = path.split(".");
  if (second === undefined) object[first] = value;
  else object[first] = { ...objectOf(object[first]), [second]: value };
}
