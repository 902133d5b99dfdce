/** Messages that expressions make: `Object.spec{replicas: 3}`. The parser does not know them; they are handed to it as an index
 *  by a map, `Object.spec[{"replicas": 3}]`, which nothing else can mean where the name is no variable. Pure. */

export interface Rewritten {
  readonly text: string;
  /** Where a place in `text` is in what was written; below 0 is nowhere. */
  readonly origin: (offset: number) => number;
}

const identifier = /[a-zA-Z_]\w*/y;
const blank = /(?:\s|\/\/[^\n]*)+/y;
const opened = "{[(";
const closed = "}])";

/** @param isMessage Whether something of this name can be made. */
export function rewriteMessages(text: string, isMessage: (name: string) => boolean): Rewritten {
  if (!/\w\s*\{/.test(text)) return { text, origin: (offset) => offset };
  const scan = new Scan(text);
  const inside: ("message" | "other")[] = [];
  let name = "";
  /** A field's name may stand here. */
  let isField = false;
  while (scan.at < text.length) {
    if (scan.take(blank)) continue;
    const char = text[scan.at] ?? "";
    const literal = stringEnd(text, scan.at);
    if (literal > scan.at) {
      scan.copyTo(literal);
      name = "";
      isField = false;
      continue;
    }
    const word = scan.match(identifier);
    if (word !== "") {
      if (isField) scan.replace(word.length, JSON.stringify(word));
      else scan.copyTo(scan.at + word.length);
      name = name.endsWith(".") ? name + word : word;
      isField = false;
      continue;
    }
    isField = false;
    if (char === "{" && isMessage(name)) {
      inside.push("message");
      scan.replace(1, "[{");
      isField = true;
    } else if (opened.includes(char)) {
      inside.push("other");
      scan.copyTo(scan.at + 1);
    } else if (closed.includes(char)) {
      if (inside.pop() === "message") scan.replace(1, "}]");
      else scan.copyTo(scan.at + 1);
    } else {
      isField = char === "," && inside.at(-1) === "message";
      scan.copyTo(scan.at + 1);
    }
    name = char === "." && name !== "" && !name.endsWith(".") ? `${name}.` : "";
  }
  return {
    text: scan.written,
    origin: (offset) => (offset < 0 ? offset : (scan.origins[offset] ?? text.length)),
  };
}

/** The text as far as it was read, and what was written for it. */
class Scan {
  readonly #text: string;
  readonly origins: number[] = [];
  written = "";
  at = 0;

  constructor(text: string) {
    this.#text = text;
  }

  match(pattern: RegExp): string {
    pattern.lastIndex = this.at;
    return pattern.exec(this.#text)?.[0] ?? "";
  }

  take(pattern: RegExp): boolean {
    const found = this.match(pattern);
    this.copyTo(this.at + found.length);
    return found !== "";
  }

  copyTo(end: number): void {
    this.written += this.#text.slice(this.at, end);
    for (; this.at < end; this.at++) this.origins.push(this.at);
  }

  replace(length: number, by: string): void {
    this.written += by;
    for (const _ of by) this.origins.push(this.at);
    this.at += length;
  }
}

const literalStart = /(?:[rR]?[bB]?|[bB][rR])("""|'''|"|')/y;

/** Where the text or bytes literal that begins at `from` ends; `from` where none does. */
function stringEnd(text: string, from: number): number {
  literalStart.lastIndex = from;
  const found = literalStart.exec(text);
  if (found === null) return from;
  const [start, quote = '"'] = found;
  const isRaw = /r/i.test(start.slice(0, start.length - quote.length));
  for (let at = from + start.length; at < text.length; at++) {
    if (text[at] === "\\" && !isRaw) at++;
    else if (text.startsWith(quote, at)) return at + quote.length;
  }
  return text.length;
}
