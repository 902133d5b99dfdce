import { parseInt64 } from "../../../client/rules/int64.ts";
import { labelValue, qualifiedName } from "../../../client/rules/names.ts";

/** Reads label selectors as k8s.io/apimachinery/pkg/labels does, with its words for what it cannot read. Pure. */

export interface ParsedRequirement {
  readonly key: string;
  readonly operator: "exists" | "!" | "in" | "notin" | "=" | "==" | "!=" | ">" | "<";
  readonly values: readonly string[];
}

/** The text is no selector; the message says why. */
export class UnreadableSelector extends Error {
  override readonly name = "UnreadableSelector";
}

interface Token {
  readonly kind: "end" | "identifier" | "error" | Symbol | Keyword;
  readonly text: string;
}
type Symbol = (typeof symbols)[number];
type Keyword = "in" | "notin";

const symbols = [")", ",", "!", "==", "=", ">", "<", "!=", "("] as const;
const binaryOperators = ["in", "notin", "=", "==", "!=", "gt", "lt"];
const isSymbol = (text: string): text is Symbol => (symbols as readonly string[]).includes(text);
const isKeyword = (text: string): text is Keyword => text === "in" || text === "notin";

const tokenPattern = /[ \t\r\n]*(?:([=!(),<>]+)|([^=!(),<> \t\r\n]+))/y;

function tokensOf(text: string): readonly Token[] {
  const tokens: Token[] = [];
  tokenPattern.lastIndex = 0;
  for (;;) {
    const match = tokenPattern.exec(text);
    if (match === null) return [...tokens, { kind: "end", text: "" }];
    const [, special = "", word = ""] = match;
    if (special === "") tokens.push({ kind: isKeyword(word) ? word : "identifier", text: word });
    else {
      // The longest symbol that begins here; what follows it is read anew.
      const two = special.slice(0, 2);
      const symbol = isSymbol(two) ? two : special.slice(0, 1);
      tokens.push({ kind: symbol as Symbol, text: symbol });
      tokenPattern.lastIndex -= special.length - symbol.length;
    }
  }
}

/** Throws UnreadableSelector. */
export function parseRequirements(text: string): readonly ParsedRequirement[] {
  const tokens = new Tokens(tokensOf(text));
  const requirements: ParsedRequirement[] = [];
  for (;;) {
    const first = tokens.peekValue();
    if (first.kind === "end") return requirements;
    if (first.kind !== "identifier" && first.kind !== "!")
      fail(`found '${first.text}', expected: !, identifier, or 'end of string'`);
    try {
      requirements.push(parseRequirement(tokens));
    } catch (error) {
      if (!(error instanceof UnreadableSelector)) throw error;
      fail(`unable to parse requirement: ${error.message}`);
    }
    const end = tokens.nextValue();
    if (end.kind === "end") return requirements;
    if (end.kind !== ",") fail(`found '${end.text}', expected: ',' or 'end of string'`);
    const after = tokens.peekValue();
    if (after.kind !== "identifier" && after.kind !== "!")
      fail(`found '${after.text}', expected: identifier after ','`);
  }
}

class Tokens {
  readonly #tokens: readonly Token[];
  #at = 0;

  constructor(tokens: readonly Token[]) {
    this.#tokens = tokens;
  }

  next(): Token {
    return this.#tokens[this.#at++] ?? { kind: "end", text: "" };
  }
  /** Where a key or a value stands, `in` and `notin` are words like others. */
  nextValue(): Token {
    return asValue(this.next());
  }
  peekValue(): Token {
    return asValue(this.#tokens[this.#at] ?? { kind: "end", text: "" });
  }
}

const asValue = (token: Token): Token =>
  token.kind === "in" || token.kind === "notin" ? { ...token, kind: "identifier" } : token;

function parseRequirement(tokens: Tokens): ParsedRequirement {
  let key = tokens.nextValue();
  const isAbsence = key.kind === "!";
  if (isAbsence) key = tokens.nextValue();
  if (key.kind !== "identifier") fail(`found '${key.text}', expected: identifier`);
  const badKey = qualifiedName(key.text);
  if (badKey.length > 0) fail(`<nil>: Invalid value: ${JSON.stringify(key.text)}: ${badKey.join("; ")}`);
  const after = tokens.peekValue().kind;
  if (isAbsence) return { key: key.text, operator: "!", values: [] };
  if (after === "end" || after === ",") return { key: key.text, operator: "exists", values: [] };
  const operator = tokens.next();
  switch (operator.kind) {
    case "in":
    case "notin":
      return checked({ key: key.text, operator: operator.kind, values: parseValues(tokens) });
    case "=":
    case "==":
    case "!=":
    case ">":
    case "<":
      return checked({ key: key.text, operator: operator.kind, values: [parseExactValue(tokens)] });
    default:
      return fail(`found '${operator.text}', expected: ${binaryOperators.join(", ")}`);
  }
}

function parseExactValue(tokens: Tokens): string {
  const { kind } = tokens.peekValue();
  if (kind === "end" || kind === ",") return "";
  const value = tokens.nextValue();
  return value.kind === "identifier" ? value.text : fail(`found '${value.text}', expected: identifier`);
}

function parseValues(tokens: Tokens): readonly string[] {
  const open = tokens.nextValue();
  if (open.kind !== "(") fail(`found '${open.text}' expected: '('`);
  const first = tokens.peekValue();
  if (first.kind === ")") {
    tokens.nextValue();
    return [""];
  }
  if (first.kind !== "identifier" && first.kind !== ",")
    fail(`found '${first.text}', expected: ',', ')' or identifier`);
  const values = parseList(tokens);
  tokens.nextValue();
  return values;
}

/** Up to the closing parenthesis; what is missing around a comma is the empty value. */
function parseList(tokens: Tokens): readonly string[] {
  const values = new Set<string>();
  for (;;) {
    const token = tokens.nextValue();
    const next = tokens.peekValue();
    if (token.kind === "identifier") {
      values.add(token.text);
      if (next.kind === ")") break;
      if (next.kind !== ",") fail(`found '${next.text}', expected: ',' or ')'`);
    } else if (token.kind === ",") {
      if (values.size === 0 || next.kind === ")" || next.kind === ",") values.add("");
      if (next.kind === ")") break;
    } else fail(`found '${token.text}', expected: ',', or identifier`);
  }
  return [...values].sort();
}

function checked(requirement: ParsedRequirement): ParsedRequirement {
  const { key, operator, values } = requirement;
  const problems = values.flatMap((value, index) => {
    const at = `values[${index}]`;
    const isBound = operator === ">" || operator === "<";
    const bad = labelValue(value);
    const shown = JSON.stringify(value);
    return [
      ...(isBound && parseInt64(value) === undefined
        ? [`${at}: Invalid value: ${shown}: for 'Gt', 'Lt' operators, the value must be an integer`]
        : []),
      ...(bad.length > 0 ? [`${at}[${key}]: Invalid value: ${shown}: ${bad.join("; ")}`] : []),
    ];
  });
  if (problems.length > 0) fail(problems.length > 1 ? `[${problems.join(", ")}]` : problems.join());
  return requirement;
}

function fail(message: string): never {
  throw new UnreadableSelector(message);
}
