import type { ServedKind } from "../registry/kind-table.ts";

/** A kind as it is served in one group and version. */
export type ServedAs = Pick<ServedKind, "kind" | "group" | "version" | "schema">;

export interface Gvk {
  readonly group: string;
  readonly version: string;
  readonly kind: string;
}

export type Method = "get" | "put" | "post" | "delete" | "options" | "head" | "patch";

/** One method on one path, as both versions of OpenAPI say it each in its own way. */
export interface Operation {
  readonly path: string;
  readonly method: Method;
  readonly id: string;
  readonly tag: string;
  readonly description: string;
  /** `x-kubernetes-action`; absent where no resource is meant. */
  readonly action?: string;
  readonly gvk?: Gvk;
  readonly parameters: readonly Parameter[];
  /** A definition's name. */
  readonly body?: { readonly of: string; readonly required: boolean };
  readonly consumes: readonly string[];
  readonly produces: readonly string[];
  readonly answers: readonly Answer[];
}

export interface Answer {
  readonly code: 200 | 201 | 202;
  /** A definition's name; `text` for what is no object. */
  readonly of: string;
}

/** What stands for a definition's name where the answer is plain text. */
export const text = "string";

export interface Parameter {
  readonly name: string;
  readonly in: "query" | "path";
  readonly type: "string" | "integer" | "boolean";
  readonly description: string;
}

const codeWords: Readonly<Record<Answer["code"], string>> = { 200: "OK", 201: "Created", 202: "Accepted" };

export function codeWord(code: Answer["code"]): string {
  return codeWords[code];
}

/** The parameters that every one of these operations on a path has: they stand with the path. */
export function commonParameters(operations: readonly Operation[]): readonly Parameter[] {
  const [first, ...others] = operations;
  const has = ({ parameters }: Operation, wanted: Parameter) =>
    parameters.some((one) => one.in === wanted.in && one.name === wanted.name);
  return (first?.parameters ?? []).filter((wanted) => others.every((one) => has(one, wanted)));
}

/** By path, the paths in order. */
export function byPath(operations: readonly Operation[]): ReadonlyMap<string, readonly Operation[]> {
  const out = new Map<string, Operation[]>();
  for (const operation of operations) {
    const known = out.get(operation.path);
    if (known === undefined) out.set(operation.path, [operation]);
    else known.push(operation);
  }
  return new Map([...out].sort(([a], [b]) => (a < b ? -1 : 1)));
}

/** What is in the path and in the query, by name. */
export function inOrder(parameters: readonly Parameter[]): readonly Parameter[] {
  return [...parameters].sort((a, b) =>
    a.name === b.name ? (a.in < b.in ? -1 : 1) : a.name < b.name ? -1 : 1,
  );
}

/** The tag of a group and version: `core_v1`, `flowcontrolApiserver_v1`. */
export function tagOf(group: string, version?: string): string {
  const word = asId(groupWord(group), false);
  return version === undefined ? word : `${word}_${version}`;
}

/** `listNamespacedPod` -> `listCoreV1NamespacedPod`, as Kubernetes names an operation on a path of a group. */
export function operationId(verb: string, rest: string, group: string, version = ""): string {
  return verb + asId(groupWord(group), true) + capital(version) + capital(rest);
}

const groupWord = (group: string) => (group === "" ? "core" : group.replace(/\.k8s\.io$/, ""));

/** Letters, digits and underscores only; what follows anything else begins with a capital. */
function asId(word: string, capitalized: boolean): string {
  const [first = "", ...rest] = word.split(/[^\p{L}\d_]+/u).filter((part) => part !== "");
  return (capitalized ? capital(first) : first) + rest.map(capital).join("");
}

export const capital = (word: string) => word.charAt(0).toUpperCase() + word.slice(1);

/** ` a Pod`, ` an Event`, ` Endpoints`: the noun with its article, as the descriptions of operations have it. */
export function withArticle(noun: string): string {
  if (noun.endsWith("s") && !noun.endsWith("ss")) return noun;
  return `${/^[aeiou]/i.test(noun) ? "an" : "a"} ${noun}`;
}
