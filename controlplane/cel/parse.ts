import { type ASTNode, Environment, ParseError } from "@marcbachmann/cel-js";

/** Texts to trees, by the library's parser. What the trees mean is ours to say: Kubernetes checks types before it stores an
 *  expression, counts what evaluation costs, and has words of its own for what goes wrong. */

export type Tree = ASTNode;

export interface Complaint {
  /** Where in the text, from 0. */
  readonly offset: number;
  readonly text: string;
}

const parser = new Environment({
  enableOptionalTypes: true,
  limits: { maxAstNodes: 10_000, maxListElements: 10_000, maxMapEntries: 10_000, maxDepth: 200 },
});

const expressionCharactersMax = 100_000;

export function parse(text: string): Tree | Complaint {
  if (text.length > expressionCharactersMax) {
    const size = `size: ${text.length}, limit: ${expressionCharactersMax}`;
    return { offset: -1, text: `expression code point size exceeds limit: ${size}` };
  }
  try {
    return parser.parse(text).ast;
  } catch (error) {
    if (!(error instanceof ParseError)) throw error;
    const offset = error.range?.start ?? 0;
    return { offset, text: worded(error.summary, error.code, text, offset) };
  }
}

const beginsExpression =
  "expecting {'[', '{', '(', '.', '-', '!', 'true', 'false', 'null', NUM_FLOAT, NUM_INT, NUM_UINT, STRING, BYTES, IDENTIFIER}";

function worded(summary: string, code: string, source: string, offset: number): string {
  const char = source[offset];
  if (code === "invalid_macro_argument")
    return source.slice(0, offset).endsWith("cel.bind(")
      ? "cel.bind() variable names must be simple identifiers"
      : "argument must be a simple name";
  if (char === "`") return "unsupported syntax: '`'";
  // Kubernetes knows no messages that could be made.
  const message = char === "{" ? nameBefore(source, offset) : "";
  if (message !== "") return `undeclared reference to '${message}' (in container '')`;
  if (char === undefined && source.endsWith(".")) return "Syntax error: no viable alternative at input '.'";
  if (code !== "unexpected_token") return `Syntax error: ${summary}`;
  if (char === undefined) return `Syntax error: mismatched input '<EOF>' ${beginsExpression}`;
  return `Syntax error: mismatched input '${char}'`;
}

/** Empty where none stands there. */
function nameBefore(source: string, offset: number): string {
  const before = source.slice(0, offset).trimEnd();
  let start = before.length;
  while (start > 0 && /[\w.]/.test(before[start - 1] ?? "")) start--;
  return before.slice(start).replace(/^[\d.]+/, "");
}

/** As cel-go shows a problem in an expression. */
export function shownComplaint({ offset, text }: Complaint, source: string): string {
  if (offset < 0) return `ERROR: <input>:-1:0: ${text}`;
  const before = source.slice(0, offset);
  const line = before.split("\n").length;
  const column = [...before.slice(before.lastIndexOf("\n") + 1)].length;
  const snippet = source.split("\n")[line - 1] ?? "";
  return `ERROR: <input>:${line}:${column + 1}: ${text}\n | ${snippet}\n | ${".".repeat(column)}^`;
}
