import type { Selector, SelectorOperator } from "../../../../base/label-selector.ts";
import { badRequest } from "../../api-error.ts";
import type { MetricRule } from "./rule.ts";

export interface Asked {
  readonly series: string;
  readonly metricSelector: Selector;
  /** Absent: in no namespace. */
  readonly namespace: { readonly label: string; readonly name: string } | undefined;
  /** Absent: of nothing in the cluster. */
  readonly objects?: { readonly label: string; readonly names: readonly string[] };
}

const labelName = /^[A-Za-z_][A-Za-z0-9_]*$/;

/** A rule's query for what is asked, as prometheus-adapter makes it. Fails with 400 for a selector that Prometheus cannot have. */
export function metricsQuery({ metricsQuery }: MetricRule, asked: Asked): string {
  const { matchers, values } = matchersOf(asked);
  return metricsQuery.query({
    series: asked.series,
    labelMatchers: matchers.join(","),
    labelValuesByName: values,
    groupBy: asked.objects === undefined ? [] : [asked.objects.label],
  });
}

/** The matchers of what is asked, and their values by label. */
export function matchersOf(asked: Omit<Asked, "series">): {
  readonly matchers: readonly string[];
  readonly values: ReadonlyMap<string, string>;
} {
  const values = new Map<string, string>();
  const matchers = (asked.metricSelector ?? []).map(({ key, operator, values: wanted }) => {
    if (!labelName.test(key)) throw badRequest(`${JSON.stringify(key)} is no label that a series can have`);
    values.set(key, wanted.join("|"));
    return matcher(key, operator, wanted);
  });
  const { namespace, objects } = asked;
  if (namespace !== undefined) {
    matchers.push(`${namespace.label}=${quoted(namespace.name)}`);
    values.set(namespace.label, namespace.name);
  }
  if (objects !== undefined) {
    const { label, names } = objects;
    const [only] = names;
    const text = names.length === 1 && only !== undefined ? only : names.map(asPattern).join("|");
    matchers.push(`${label}${names.length === 1 ? "=" : "=~"}${quoted(text)}`);
    values.set(label, names.join("|"));
  }
  return { matchers, values };
}

function matcher(key: string, operator: SelectorOperator, values: readonly string[]): string {
  switch (operator) {
    case "=":
      return `${key}=${quoted(values[0] ?? "")}`;
    case "!=":
      return `${key}!=${quoted(values[0] ?? "")}`;
    case "in":
      return `${key}=~${quoted(values.join("|"))}`;
    case "notin":
      return `${key}!~${quoted(values.join("|"))}`;
    case "exists":
      return `${key}!=""`;
    case "!":
      return `${key}=""`;
    case ">":
    case "<":
      throw badRequest(`${key} ${operator} ${values[0] ?? ""}: operator not supported by prometheus`);
  }
}

/** Both JSON's and Go's way to write a text. */
const quoted = (text: string) => JSON.stringify(text);
/** Names of objects mean themselves. */
const asPattern = (name: string) => name.replaceAll(/[.\\+*?()|[\]{}^$]/g, "\\$&");
