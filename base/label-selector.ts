import { ownField } from "./own-field.ts";

/** Label selectors: the text of `?labelSelector=` and `-l`, and the LabelSelector of manifests, in one form.
 *  Pure; whether keys and values are well formed labels is for validation to say. */

export type Labels = Readonly<Record<string, string>>;

export type SelectorOperator = "=" | "!=" | "in" | "notin" | "exists" | "!" | ">" | "<";

export interface Requirement {
  readonly key: string;
  readonly operator: SelectorOperator;
  /** One for `=`, `!=`, `>`, `<`; none for `exists` and `!`. */
  readonly values: readonly string[];
}

/** All requirements must hold; none at all selects everything. `null` selects nothing. */
export type Selector = readonly Requirement[] | null;

/** The LabelSelector of manifests, as far as selecting goes. */
export interface LabelSelectorShape {
  readonly matchLabels?: Labels;
  readonly matchExpressions?: readonly {
    readonly key: string;
    readonly operator: string;
    readonly values?: readonly string[];
  }[];
}

export class SelectorError extends Error {
  override readonly name = "SelectorError";
}

export function matchesLabels(selector: Selector, labels: Labels | undefined): boolean {
  if (selector === null) return false;
  const present = labels ?? {};
  return selector.every((requirement) => holds(requirement, present));
}

function holds({ key, operator, values }: Requirement, labels: Labels): boolean {
  const value = ownField(labels, key);
  switch (operator) {
    case "=":
    case "in":
      return value !== undefined && values.includes(value);
    case "!=":
    case "notin":
      return value === undefined || !values.includes(value);
    case "exists":
      return value !== undefined;
    case "!":
      return value === undefined;
    case ">":
    case "<":
      return holdsNumber(operator, value, values[0]);
  }
}

function holdsNumber(operator: ">" | "<", value: string | undefined, bound: string | undefined): boolean {
  if (value === undefined || bound === undefined || !isInteger(value) || !isInteger(bound)) return false;
  return operator === ">" ? BigInt(value) > BigInt(bound) : BigInt(value) < BigInt(bound);
}

const isInteger = (text: string) => /^-?\d+$/.test(text);

/** The selector a manifest gives; a missing one selects nothing, an empty one everything.
 *  Throws SelectorError on an operator that does not exist. */
export function selectorFromLabelSelector(from: LabelSelectorShape | null | undefined): Selector {
  if (from === null || from === undefined) return null;
  const equal = Object.entries(from.matchLabels ?? {}).map(
    ([key, value]): Requirement => ({ key, operator: "=", values: [value] }),
  );
  const set = (from.matchExpressions ?? []).map(({ key, operator, values = [] }): Requirement => {
    const known = ownField(expressionOperators, operator);
    if (known === undefined) throw new SelectorError(`"${operator}" is not a valid label selector operator`);
    return { key, operator: known, values };
  });
  return [...equal, ...set];
}

const expressionOperators: Readonly<Record<string, SelectorOperator>> = {
  In: "in",
  NotIn: "notin",
  Exists: "exists",
  DoesNotExist: "!",
};

/** The selector that a plain map of labels means (services, replication controllers). */
export function selectorFromLabels(labels: Labels | undefined): Selector {
  return selectorFromLabelSelector({ matchLabels: labels ?? {} });
}

/** The selector as `?labelSelector=` takes it, keys in order; `null` has no text and gives `<none>`. */
export function selectorText(selector: Selector): string {
  if (selector === null) return "<none>";
  return [...selector]
    .sort((a, b) => (a.key < b.key ? -1 : a.key > b.key ? 1 : 0))
    .map(requirementText)
    .join(",");
}

function requirementText({ key, operator, values }: Requirement): string {
  switch (operator) {
    case "exists":
      return key;
    case "!":
      return `!${key}`;
    case "in":
    case "notin":
      return `${key} ${operator} (${[...values].sort().join(",")})`;
    default:
      return `${key}${operator}${values[0] ?? ""}`;
  }
}

/** The LabelSelector of a manifest as Go prints the type; an absent one too. */
export function goSelectorText(selector: LabelSelectorShape | undefined): string {
  if (selector === undefined) return "nil";
  const { matchLabels = {}, matchExpressions = [] } = selector;
  const labels = Object.keys(matchLabels)
    .sort()
    .map((key) => `${key}: ${matchLabels[key]},`);
  const requirements = matchExpressions.map(
    ({ key, operator, values = [] }) =>
      `LabelSelectorRequirement{Key:${key},Operator:${operator},Values:[${values.join(" ")}],},`,
  );
  return `&LabelSelector{MatchLabels:map[string]string{${labels.join("")}},MatchExpressions:[]LabelSelectorRequirement{${requirements.join("")}},}`;
}

/** Reads `a=b,c!=d,e in (f,g),!h,i>1`. The empty text selects everything. Throws SelectorError. */
export function parseSelector(text: string): Selector {
  const tokens = tokenize(text);
  const requirements: Requirement[] = [];
  let at = 0;
  const next = () => tokens[at++] ?? "";
  while (at < tokens.length) {
    requirements.push(parseRequirement(next, () => tokens[at] ?? ""));
    if (at === tokens.length) break;
    const comma = next();
    if (comma !== ",") throw new SelectorError(`found '${comma}', expected: ',' or 'end of string'`);
    if (at === tokens.length) throw new SelectorError("found '', expected: identifier after ','");
  }
  return requirements;
}

const tokenPattern = /\s*(==|!=|[=!<>(),]|[^\s=!<>(),]+)\s*/y;

function tokenize(text: string): readonly string[] {
  const tokens: string[] = [];
  tokenPattern.lastIndex = 0;
  while (tokenPattern.lastIndex < text.trimEnd().length) {
    const start = tokenPattern.lastIndex;
    const match = tokenPattern.exec(text);
    if (match?.[1] === undefined) throw new SelectorError(`unable to parse at '${text.slice(start)}'`);
    tokens.push(match[1]);
  }
  return tokens;
}

const isWord = (token: string) => token !== "" && !/^[=!<>(),]/.test(token);

function parseRequirement(next: () => string, peek: () => string): Requirement {
  const first = next();
  if (first === "!") return { key: word(next()), operator: "!", values: [] };
  const key = word(first);
  if (peek() === "" || peek() === ",") return { key, operator: "exists", values: [] };
  const operator = next();
  switch (operator) {
    case "=":
    case "==":
    case "!=":
      return { key, operator: operator === "!=" ? "!=" : "=", values: [isWord(peek()) ? next() : ""] };
    case ">":
    case "<":
      return { key, operator, values: [integer(next())] };
    case "in":
    case "notin":
      return { key, operator, values: parseSet(next, peek) };
    default:
      throw new SelectorError(`found '${operator}', expected: in, notin, =, ==, !=, gt, lt`);
  }
}

function word(token: string): string {
  if (!isWord(token)) throw new SelectorError(`found '${token}', expected: identifier`);
  return token;
}

function integer(token: string): string {
  if (!isInteger(token))
    throw new SelectorError(`values: '${token}': for 'Gt', 'Lt' operators, the value must be an integer`);
  return token;
}

function parseSet(next: () => string, peek: () => string): readonly string[] {
  const open = next();
  if (open !== "(") throw new SelectorError(`found '${open}' expected: '('`);
  const values = new Set<string>();
  for (;;) {
    values.add(isWord(peek()) ? next() : "");
    const end = next();
    if (end === ")") return [...values].sort();
    if (end !== ",") throw new SelectorError(`found '${end}', expected: ',' or ')'`);
  }
}
