import { parseSelector, type Selector } from "../../../../base/label-selector.ts";

/** How far back one can look, and how far apart points are then. */
export const ranges = {
  "15m": { seconds: 900, stepSeconds: 15 },
  "1h": { seconds: 3_600, stepSeconds: 15 },
  "2h": { seconds: 7_200, stepSeconds: 30 },
  "6h": { seconds: 21_600, stepSeconds: 60 },
  "1d": { seconds: 86_400, stepSeconds: 300 },
  "7d": { seconds: 604_800, stepSeconds: 1_800 },
} as const;
export type RangeName = keyof typeof ranges;

/** Those that the dashboard's own memory reaches. */
export const rememberedRanges: readonly RangeName[] = ["15m", "1h", "2h"];

/** Whose use is asked for. */
export type Subject =
  | { readonly of: "cluster" }
  | { readonly of: "node"; readonly name: string }
  | { readonly of: "namespace"; readonly namespace: string }
  | { readonly of: "pod"; readonly namespace: string; readonly name: string }
  | {
      readonly of: "pods";
      readonly namespace: string;
      readonly selector: Selector;
      readonly selectorText: string;
    };

export interface Question {
  readonly subject: Subject;
  readonly range: RangeName;
}

const selectorLengthMost = 4_096;

/** Reads the query of `/usage`. Throws TypeError that says what is wrong. Pure. */
export function readQuestion(query: URLSearchParams): Question {
  const range = query.get("range") ?? "1h";
  if (!Object.hasOwn(ranges, range))
    throw new TypeError(`range: must be one of ${Object.keys(ranges).join(", ")}`);
  return { subject: subjectOf(query), range: range as RangeName };
}

function subjectOf(query: URLSearchParams): Subject {
  const of = query.get("of") ?? "";
  const name = () => nameIn(query, "name");
  const namespace = () => nameIn(query, "namespace");
  switch (of) {
    case "cluster":
      return { of };
    case "node":
      return { of, name: name() };
    case "namespace":
      return { of, namespace: namespace() };
    case "pod":
      return { of, namespace: namespace(), name: name() };
    case "pods":
      return { of, namespace: namespace(), ...selectorIn(query) };
    default:
      throw new TypeError("of: must be one of cluster, node, namespace, pod, pods");
  }
}

/** Names of nodes, namespaces and pods are those of DNS. */
function nameIn(query: URLSearchParams, parameter: string): string {
  const name = query.get(parameter) ?? "";
  if (name.length > 253 || !/^[a-z0-9]([a-z0-9.-]*[a-z0-9])?$/.test(name))
    throw new TypeError(`${parameter}: must be a name of lower-case letters, digits, "-" and "."`);
  return name;
}

function selectorIn(query: URLSearchParams): { readonly selector: Selector; readonly selectorText: string } {
  const selectorText = query.get("selector") ?? "";
  if (selectorText === "" || selectorText.length > selectorLengthMost)
    throw new TypeError(`selector: must be a label selector of at most ${selectorLengthMost} characters`);
  try {
    return { selector: parseSelector(selectorText), selectorText };
  } catch (error) {
    throw new TypeError(`selector: ${error instanceof Error ? error.message : error}`);
  }
}

/** What one must be allowed to see what is asked for, as a SelfSubjectAccessReview has it. Pure. */
export function rightFor(subject: Subject): Readonly<Record<string, string>> {
  const group = "metrics.k8s.io";
  switch (subject.of) {
    case "cluster":
      return { group, resource: "nodes", verb: "list" };
    case "node":
      return { group, resource: "nodes", verb: "get", name: subject.name };
    case "pod":
      return { group, resource: "pods", verb: "get", namespace: subject.namespace, name: subject.name };
    case "namespace":
    case "pods":
      return { group, resource: "pods", verb: "list", namespace: subject.namespace };
  }
}

/** In words, for a refusal. */
export function rightText({
  verb = "",
  resource = "",
  name,
  namespace,
}: Readonly<Record<string, string>>): string {
  return `${verb} ${resource}.metrics.k8s.io${name ? ` "${name}"` : ""}${namespace ? ` in namespace "${namespace}"` : ""}`;
}
