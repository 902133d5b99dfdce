import { RE2JS } from "re2js";
import { parse } from "yaml";
import { parseSelector } from "../../../../base/label-selector.ts";
import { listOfObjects, noUnknown, recordOf } from "../../read-document.ts";
import { parseSelectorText } from "../query/parse.ts";
import type { SeriesSelector } from "../query/vector-selector.ts";
import { type QueryTemplate, queryTemplate } from "./query-template.ts";
import { readResourceRules } from "./read-resource-rules.ts";
import { resourceTemplate } from "./resource-template.ts";
import type { MetricRule, MetricRules, ResourceMapping, ScrapeRule } from "./rule.ts";

const rulesMax = 500;
const textMax = 16 * 1024;

/** Reads a rule file of prometheus-adapter, `scrape` being our own addition. What is wrong is added to `problems` with its rule,
 *  its field and its value. */
export function readRules(text: string, problems: string[]): MetricRules {
  const nothing = { rules: [], externalRules: [] };
  let document: unknown;
  try {
    document = parse(text, { maxAliasCount: 100, logLevel: "error", merge: true });
  } catch (error) {
    problems.push(`no YAML: ${error instanceof Error ? error.message : error}`);
    return nothing;
  }
  const { rules, externalRules, resourceRules, ...rest } = recordOf(document, "the file", problems);
  noUnknown(rest, "", problems);
  return {
    rules: rulesOf(rules, "rules", problems),
    externalRules: rulesOf(externalRules, "externalRules", problems),
    ...(resourceRules !== undefined &&
      resourceRules !== null && {
        resourceRules: readResourceRules(resourceRules, problems, { query: queryOf, mapping: mappingOf }),
      }),
  };
}

function rulesOf(value: unknown, list: string, problems: string[]): readonly MetricRule[] {
  const all = listOfObjects(value, list, problems);
  if (all.length > rulesMax) problems.push(`${list}: ${all.length} rules are more than ${rulesMax}`);
  return all.slice(0, rulesMax).flatMap((rule, at) => ruleOf(rule, `${list}[${at}]`, problems) ?? []);
}

/** Undefined where something is wrong. */
function ruleOf(rule: Record<string, unknown>, place: string, problems: string[]): MetricRule | undefined {
  const { seriesQuery, seriesFilters, resources, name, metricsQuery, scrape, ...rest } = rule;
  const found: string[] = [];
  noUnknown(rest, "", found);
  const read = {
    place,
    seriesQuery: selectorOf(seriesQuery, found),
    filters: filtersOf(seriesFilters, found),
    resources: mappingOf(resources, found),
    name: nameOf(name, found),
    metricsQuery: queryOf(metricsQuery, "metricsQuery", found),
    scrape: scrapeOf(scrape, found),
  };
  const namesNothing = read.resources.template === undefined && read.resources.overrides.size === 0;
  if (place.startsWith("rules") && namesNothing && found.length === 0)
    found.push("resources: neither template nor overrides say what objects the series are about");
  problems.push(...found.map((problem) => `${place}.${problem}`));
  return found.length === 0 ? (read as MetricRule) : undefined;
}

/** Tells what `read` throws, with the value. */
function tried<T>(field: string, value: string, found: string[], read: (text: string) => T): T | undefined {
  try {
    return read(value);
  } catch (error) {
    found.push(
      `${field}: ${JSON.stringify(shortened(value))}: ${error instanceof Error ? error.message : error}`,
    );
    return undefined;
  }
}

const shortened = (text: string) => (text.length > 200 ? `${text.slice(0, 200)}…` : text);

function textOf(value: unknown, field: string, found: string[]): string | undefined {
  if (value === undefined || value === null) return undefined;
  if (typeof value !== "string")
    found.push(`${field}: ${JSON.stringify(value) ?? "?"} is no text`.slice(0, 300));
  else if (value.length > textMax)
    found.push(`${field}: ${value.length} characters are more than ${textMax}`);
  else return value;
  return undefined;
}

function selectorOf(value: unknown, found: string[]): SeriesSelector | undefined {
  const text = textOf(value, "seriesQuery", found);
  if (text !== undefined) return tried("seriesQuery", text, found, parseSelectorText);
  if (value === undefined || value === null) found.push("seriesQuery: it is missing");
  return undefined;
}

function queryOf(value: unknown, field: string, found: string[]): QueryTemplate | undefined {
  const text = textOf(value, field, found);
  if (text?.trim()) return tried(field, text, found, queryTemplate);
  if (value === undefined || value === null || text !== undefined)
    found.push(`${field}: it is missing, so that nothing would be asked`);
  return undefined;
}

function patternOf(field: string, text: string, found: string[]): RE2JS | undefined {
  return tried(field, text, found, (one) => RE2JS.compile(one));
}

function filtersOf(value: unknown, found: string[]): MetricRule["filters"] {
  return listOfObjects(value, "seriesFilters", found).flatMap(({ is, isNot, ...rest }, at) => {
    const field = `seriesFilters[${at}]`;
    noUnknown(rest, `${field}.`, found);
    const wanted = textOf(is, `${field}.is`, found) ?? "";
    const unwanted = textOf(isNot, `${field}.isNot`, found) ?? "";
    if ((wanted === "") === (unwanted === "")) {
      found.push(`${field}: give either is or isNot`);
      return [];
    }
    const pattern = patternOf(`${field}.${wanted === "" ? "isNot" : "is"}`, wanted || unwanted, found);
    return pattern === undefined ? [] : [{ pattern, isWanted: wanted !== "" }];
  });
}

const labelName = /^[A-Za-z_][A-Za-z0-9_]*$/;

function mappingOf(value: unknown, found: string[]): ResourceMapping {
  const all = value === undefined || value === null ? {} : recordOf(value, "resources", found);
  const { template, overrides, namespaced, ...rest } = all;
  noUnknown(rest, "resources.", found);
  if (namespaced !== undefined && namespaced !== null && typeof namespaced !== "boolean")
    found.push(`resources.namespaced: ${JSON.stringify(namespaced)} is neither true nor false`);
  const form = textOf(template, "resources.template", found) ?? "";
  const rows =
    overrides === undefined || overrides === null ? {} : recordOf(overrides, "resources.overrides", found);
  const read = new Map<string, { readonly group: string; readonly resource: string }>();
  for (const [label, row] of Object.entries(rows)) {
    const field = `resources.overrides[${JSON.stringify(shortened(label))}]`;
    if (!labelName.test(label)) found.push(`${field}: that is no name of a label`);
    const { group, resource, ...more } = recordOf(row, field, found);
    noUnknown(more, `${field}.`, found);
    const plural = textOf(resource, `${field}.resource`, found) ?? "";
    if (plural === "") found.push(`${field}.resource: it is missing`);
    read.set(label, { group: textOf(group, `${field}.group`, found) ?? "", resource: plural });
  }
  return {
    template: form === "" ? undefined : tried("resources.template", form, found, resourceTemplate),
    overrides: read,
    namespaced: namespaced !== false,
  };
}

function nameOf(value: unknown, found: string[]): MetricRule["name"] | undefined {
  const all = value === undefined || value === null ? {} : recordOf(value, "name", found);
  const { matches, as, ...rest } = all;
  noUnknown(rest, "name.", found);
  const pattern = patternOf("name.matches", textOf(matches, "name.matches", found) || ".*", found);
  if (pattern === undefined) return undefined;
  const given = textOf(as, "name.as", found) || undefined;
  const groups = pattern.groupCount();
  if (given === undefined && groups > 1) {
    found.push(`name.as: it is missing, and name.matches has ${groups} groups that could be meant`);
    return undefined;
  }
  return { matches: pattern, as: given ?? `$${groups}` };
}

function scrapeOf(value: unknown, found: string[]): ScrapeRule | undefined {
  if (value === undefined || value === null) return undefined;
  const { podSelector, port, path, ...rest } = recordOf(value, "scrape", found);
  noUnknown(rest, "scrape.", found);
  const selector = textOf(podSelector, "scrape.podSelector", found) ?? "";
  if (selector === "") found.push("scrape.podSelector: it is missing, and not every pod is meant");
  else tried("scrape.podSelector", selector, found, parseSelector);
  if (typeof port !== "number" || !Number.isInteger(port) || port < 1 || port > 65_535)
    found.push(`scrape.port: ${JSON.stringify(port)} is no port (1 to 65535)`);
  const where = textOf(path, "scrape.path", found) ?? "/metrics";
  if (!/^\/[\x21-\x7e]*$/.test(where))
    found.push(`scrape.path: ${JSON.stringify(shortened(where))} is no path`);
  return { podSelector: selector, port: Number(port), path: where };
}
