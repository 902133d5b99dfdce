import { everything, type FieldOperator, type Query, queryLimits } from "./query.ts";

/** Why a text is no query, and where. */
export interface QueryProblem {
  /** From 1. */
  readonly column: number;
  readonly message: string;
}

export type ParsedQuery = { readonly query: Query } | { readonly problem: QueryProblem };

/** Reads a query. Words stand for text, "…" for text with spaces, /…/ for a regular expression, FIELD=VALUE for a field; terms that
 *  stand beside each other must all hold, `or`, `not` and parentheses say otherwise. */
export function parseQuery(text: string): ParsedQuery {
  if (text.length > queryLimits.charsMost)
    return {
      problem: {
        column: queryLimits.charsMost + 1,
        message: `a query has ${queryLimits.charsMost} characters at most`,
      },
    };
  const parser = new Parser(text);
  try {
    return { query: parser.whole() };
  } catch (error) {
    if (error instanceof Fault) return { problem: { column: error.column, message: error.message } };
    throw error;
  }
}

class Fault extends Error {
  readonly column: number;

  constructor(column: number, message: string) {
    super(message);
    this.column = column;
  }
}

const space = /\s/;
/** What a word ends at. */
const wordEnd = /[\s()"]/;
const fieldStart = /^\.?[A-Za-z_@][\w@-]*(?:\.[\w@-]+|\[\d{1,6}\])*(=~|!~|!=|>=|<=|=|>|<)/;
const number = /^[+-]?(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d{1,3})?$/;

class Parser {
  readonly #text: string;
  #at = 0;
  #terms = 0;

  constructor(text: string) {
    this.#text = text;
  }

  whole(): Query {
    this.#skipSpace();
    if (this.#at === this.#text.length) return everything;
    const query = this.#either(0);
    if (this.#at < this.#text.length) this.#fail(`there is no "(" for this ")"`);
    return query;
  }

  #either(depth: number): Query {
    const parts = [this.#all(depth)];
    while (this.#takesWord("or")) parts.push(this.#all(depth));
    return joined("or", parts);
  }

  #all(depth: number): Query {
    const parts = [this.#one(depth)];
    for (;;) {
      const isSaid = this.#takesWord("and");
      this.#skipSpace();
      const isOver = this.#at === this.#text.length || this.#text[this.#at] === ")" || this.#isWord("or");
      if (isOver && !isSaid) return joined("and", parts);
      parts.push(this.#one(depth));
    }
  }

  #one(depth: number): Query {
    this.#skipSpace();
    if (depth >= queryLimits.depthMost) this.#fail(`not nested deeper than ${queryLimits.depthMost}`);
    if (this.#takesWord("not")) return { kind: "not", part: this.#one(depth + 1) };
    const next = this.#text[this.#at];
    if (next === undefined) this.#fail("something to search for is missing");
    if (next === ")") this.#fail(`something to search for is missing before ")"`);
    for (const word of ["and", "or"])
      if (this.#isWord(word))
        this.#fail(`something to search for is missing before "${word}"; as text it is quoted`);
    if (next === "!") {
      this.#at += 1;
      return { kind: "not", part: this.#one(depth + 1) };
    }
    if (next === "(") return this.#nested(depth);
    this.#terms += 1;
    if (this.#terms > queryLimits.termsMost) this.#fail(`${queryLimits.termsMost} terms at most`);
    if (next === '"') return { kind: "text", text: this.#quoted() };
    if (next === "/") return this.#regex();
    return this.#field() ?? { kind: "text", text: this.#word() };
  }

  #nested(depth: number): Query {
    const opened = this.#at;
    this.#at += 1;
    const inner = this.#either(depth + 1);
    this.#skipSpace();
    if (this.#text[this.#at] !== ")") {
      this.#at = opened;
      this.#fail(`there is no ")" for this "("`);
    }
    this.#at += 1;
    return inner;
  }

  #field(): Query | undefined {
    const found = fieldStart.exec(this.#text.slice(this.#at));
    if (found === null) return undefined;
    const operator = found[1] as FieldOperator;
    const name = found[0].slice(0, -operator.length);
    const path = name.replace(/^\./, "").replaceAll("[", ".").replaceAll("]", "").split(".");
    this.#at += found[0].length;
    const column = this.#at + 1;
    const next = this.#text[this.#at];
    if (next === undefined || space.test(next))
      this.#fail(`a value is missing after "${operator}"; nothing is ""`);
    if (operator === "=~" || operator === "!~") {
      const value = next === "/" ? this.#slashed() : next === '"' ? this.#quoted() : this.#word();
      return { kind: "field", path, operator, value, column };
    }
    const value = next === '"' ? this.#quoted() : this.#word();
    if (/[<>]/.test(operator) && !number.test(value)) {
      this.#at = column - 1;
      this.#fail(`"${operator}" compares with a number`);
    }
    return { kind: "field", path, operator, value, column };
  }

  #regex(): Query {
    const column = this.#at + 1;
    const source = this.#slashed();
    const ignoresCase = this.#text[this.#at] === "i" && this.#endsAt(this.#at + 1);
    if (ignoresCase) this.#at += 1;
    if (!this.#endsAt(this.#at))
      this.#fail(`a regular expression ends with "/" or "/i"; a text that begins with "/" is quoted`);
    return { kind: "regex", source, ignoresCase, column };
  }

  /** From "/" to the next that has no "\" before it. */
  #slashed(): string {
    const opened = this.#at;
    this.#at += 1;
    let source = "";
    for (; this.#at < this.#text.length; this.#at += 1) {
      const one = this.#text[this.#at];
      if (one === "/") {
        this.#at += 1;
        return source;
      }
      if (one === "\\") {
        this.#at += 1;
        const escaped = this.#text[this.#at] ?? "";
        source += escaped === "/" ? "/" : `\\${escaped}`;
      } else source += one;
    }
    this.#at = opened;
    this.#fail(`the regular expression has no end: a "/" is missing`);
  }

  #quoted(): string {
    const opened = this.#at;
    this.#at += 1;
    let text = "";
    for (; this.#at < this.#text.length; this.#at += 1) {
      const one = this.#text[this.#at];
      if (one === '"') {
        this.#at += 1;
        return text;
      }
      if (one === "\\") text += this.#escaped();
      else text += one;
    }
    this.#at = opened;
    this.#fail(`a second '"' is missing`);
  }

  #escaped(): string {
    this.#at += 1;
    const one = this.#text[this.#at];
    const plain = { n: "\n", t: "\t", r: "\r", '"': '"', "\\": "\\", "/": "/" }[one ?? ""];
    if (plain !== undefined) return plain;
    const code = /^u[0-9a-fA-F]{4}/.exec(this.#text.slice(this.#at))?.[0];
    if (code === undefined) this.#fail(`after "\\" comes one of n t r " \\ / or u with four digits`);
    this.#at += 4;
    return String.fromCharCode(Number.parseInt(code.slice(1), 16));
  }

  #word(): string {
    const from = this.#at;
    while (!this.#endsAt(this.#at)) this.#at += 1;
    if (this.#at === from) this.#fail("something to search for is missing");
    return this.#text.slice(from, this.#at);
  }

  #endsAt(at: number): boolean {
    const next = this.#text[at];
    return next === undefined || wordEnd.test(next);
  }

  #isWord(word: string): boolean {
    const given = this.#text.slice(this.#at, this.#at + word.length);
    const isGiven = given === word || given === word.toUpperCase();
    return isGiven && this.#endsAt(this.#at + word.length) && this.#text[this.#at + word.length] !== '"';
  }

  #takesWord(word: string): boolean {
    this.#skipSpace();
    if (!this.#isWord(word)) return false;
    this.#at += word.length;
    return true;
  }

  #skipSpace(): void {
    while (this.#at < this.#text.length && space.test(this.#text[this.#at] ?? "")) this.#at += 1;
  }

  #fail(message: string): never {
    throw new Fault(this.#at + 1, message);
  }
}

function joined(kind: "and" | "or", parts: readonly Query[]): Query {
  const [first] = parts;
  if (parts.length === 1 && first !== undefined) return first;
  return { kind, parts: parts.flatMap((part) => (part.kind === kind ? part.parts : [part])) };
}
