/** Reads JSON (RFC 8259) without rounding numbers: a number stays its text, since 64-bit ones do not fit a JavaScript
 *  number and `JSON.parse` tells nobody what they were. Nesting is bounded. */
export class JsonNumber {
  readonly text: string;

  constructor(text: string) {
    this.text = text;
  }
}

export type JsonText = null | boolean | string | JsonNumber | readonly JsonText[] | JsonObject;
/** Names in the order they came, each once. */
export type JsonObject = ReadonlyMap<string, JsonText>;

export class JsonTextError extends Error {
  override readonly name = "JsonTextError";
}

/** The values of a text one after the other, with nothing or white space between them. Throws JsonTextError. */
export function parseJsonTexts(text: string, options: { readonly depthMax: number }): JsonText[] {
  const reader = new Reader(text, options.depthMax);
  const values: JsonText[] = [];
  while (!reader.atEnd()) values.push(reader.value(0));
  return values;
}

const afterSpace = /[^ \t\n\r]/g;
const afterNumber = /[^-+.\deE]/g;
const number = /^-?(?:0|[1-9]\d*)(?:\.\d+)?(?:[eE][+-]?\d+)?$/;
/** No number that is meant has more digits. */
const numberLengthMax = 1_000;
const words: Readonly<Record<string, null | boolean>> = { null: null, true: true, false: false };

class Reader {
  readonly #text: string;
  readonly #depthMax: number;
  #at = 0;

  constructor(text: string, depthMax: number) {
    this.#text = text;
    this.#depthMax = depthMax;
  }

  atEnd(): boolean {
    this.#skipSpace();
    return this.#at === this.#text.length;
  }

  value(depth: number): JsonText {
    this.#skipSpace();
    const first = this.#text[this.#at];
    if (first === '"') return this.#string();
    if (first === "{" || first === "[") {
      if (depth === this.#depthMax)
        throw new JsonTextError(`values are nested deeper than ${this.#depthMax}`);
      this.#at += 1;
      return first === "{" ? this.#object(depth + 1) : this.#list(depth + 1);
    }
    for (const [word, meaning] of Object.entries(words)) if (this.#take(word)) return meaning;
    return this.#number();
  }

  /** Behind its first brace. */
  #object(depth: number): JsonObject {
    const out = new Map<string, JsonText>();
    if (this.#takeAfterSpace("}")) return out;
    do {
      this.#skipSpace();
      if (this.#text[this.#at] !== '"') this.#refuse();
      const name = this.#string();
      if (out.has(name)) throw new JsonTextError(`"${name}" is given twice`);
      if (!this.#takeAfterSpace(":")) this.#refuse();
      out.set(name, this.value(depth));
    } while (this.#takeAfterSpace(","));
    return this.#takeAfterSpace("}") ? out : this.#refuse();
  }

  #list(depth: number): JsonText[] {
    const out: JsonText[] = [];
    if (this.#takeAfterSpace("]")) return out;
    do out.push(this.value(depth));
    while (this.#takeAfterSpace(","));
    return this.#takeAfterSpace("]") ? out : this.#refuse();
  }

  /** From its first quote; the characters within are the platform's business. */
  #string(): string {
    const start = this.#at;
    let end = start;
    do {
      end = this.#text.indexOf('"', end + 1);
      if (end === -1) return this.#refuse(this.#text.length);
    } while (this.#isEscaped(end));
    this.#at = end + 1;
    try {
      return JSON.parse(this.#text.slice(start, end + 1)) as string;
    } catch {
      return this.#refuse(start);
    }
  }

  /** An odd number of backslashes stands before it. */
  #isEscaped(at: number): boolean {
    let from = at;
    while (this.#text[from - 1] === "\\") from -= 1;
    return (at - from) % 2 === 1;
  }

  #number(): JsonNumber {
    const start = this.#at;
    const end = this.#indexOf(afterNumber);
    if (end - start > numberLengthMax)
      throw new JsonTextError(`a number is longer than ${numberLengthMax} characters`);
    const digits = this.#text.slice(start, end);
    if (!number.test(digits)) this.#refuse();
    this.#at = end;
    return new JsonNumber(digits);
  }

  #skipSpace(): void {
    this.#at = this.#indexOf(afterSpace);
  }

  /** Where the first character of a kind stands from here on; else the end. */
  #indexOf(kind: RegExp): number {
    kind.lastIndex = this.#at;
    return kind.exec(this.#text)?.index ?? this.#text.length;
  }

  #take(word: string): boolean {
    if (!this.#text.startsWith(word, this.#at)) return false;
    this.#at += word.length;
    return true;
  }

  #takeAfterSpace(sign: string): boolean {
    this.#skipSpace();
    return this.#take(sign);
  }

  #refuse(at = this.#at): never {
    const found = at < this.#text.length ? JSON.stringify(this.#text[at]) : "the end";
    throw new JsonTextError(`unexpected ${found} at character ${at}`);
  }
}
