import type { PolicyRule } from "../../../client/types.ts";
import { pathFits } from "./rule-allows.ts";

/** What of `wanted` is not in `held`, broken down to single verbs, resources, names and paths. Pure; Kubernetes'
 *  Covers. */
export function uncovered(held: readonly PolicyRule[], wanted: readonly PolicyRule[]): readonly PolicyRule[] {
  return wanted.flatMap(singleRules).filter((one) => !held.some((rule) => covers(rule, one)));
}

function singleRules(rule: PolicyRule): readonly PolicyRule[] {
  const { verbs = [], apiGroups = [], resources = [], resourceNames = [], nonResourceURLs = [] } = rule;
  const names = resourceNames.length > 0 ? resourceNames.map((one) => ({ resourceNames: [one] })) : [{}];
  return [
    ...apiGroups.flatMap((group) =>
      resources.flatMap((resource) =>
        verbs.flatMap((verb) =>
          names.map((name) => ({ verbs: [verb], apiGroups: [group], resources: [resource], ...name })),
        ),
      ),
    ),
    ...nonResourceURLs.flatMap((path) => verbs.map((verb) => ({ verbs: [verb], nonResourceURLs: [path] }))),
  ];
}

/** Does a rule allow all that a single one does? */
function covers(held: PolicyRule, one: PolicyRule): boolean {
  const holds = (values: readonly string[] | undefined, wanted: readonly string[] | undefined) =>
    (wanted ?? []).every((value) => values?.includes("*") === true || values?.includes(value) === true);
  return (
    holds(held.verbs, one.verbs) &&
    holds(held.apiGroups, one.apiGroups) &&
    (one.resources ?? []).every((resource) => coversResource(held.resources ?? [], resource)) &&
    coversNames(held.resourceNames ?? [], one.resourceNames ?? []) &&
    (one.nonResourceURLs ?? []).every((path) => held.nonResourceURLs?.some((own) => pathFits(own, path)))
  );
}

function coversResource(held: readonly string[], resource: string): boolean {
  if (held.includes("*") || held.includes(resource)) return true;
  const slash = resource.indexOf("/");
  return slash >= 0 && held.includes(`*${resource.slice(slash)}`);
}

function coversNames(held: readonly string[], names: readonly string[]): boolean {
  if (held.length === 0) return true;
  return names.length > 0 && names.every((name) => held.includes(name));
}

/** Rules as texts for an error: those that differ by verb only are one; sorted, each once. Pure. */
export function describedRules(rules: readonly PolicyRule[]): readonly string[] {
  const merged = new Map<string, PolicyRule>();
  for (const rule of rules) {
    const { verbs, ...rest } = rule;
    // Paths stand alone.
    const key = JSON.stringify(rule.nonResourceURLs === undefined ? rest : rule);
    const before = merged.get(key);
    merged.set(key, before === undefined ? rule : { ...rest, verbs: [...before.verbs, ...verbs] });
  }
  return [...new Set([...merged.values()].map(described))].sort();
}

function described(rule: PolicyRule): string {
  const parts = [
    ["APIGroups", rule.apiGroups],
    ["Resources", rule.resources],
    ["NonResourceURLs", rule.nonResourceURLs],
    ["ResourceNames", rule.resourceNames],
    ["Verbs", rule.verbs],
  ] as const;
  const set = parts.filter(([, values]) => values !== undefined && values.length > 0);
  return `{${set.map(([name, values = []]) => `${name}:${quotedList(values)}`).join(", ")}}`;
}

/** `["a" "b"]` */
export function quotedList(values: readonly string[]): string {
  return `[${values.map((one) => JSON.stringify(one)).join(" ")}]`;
}
