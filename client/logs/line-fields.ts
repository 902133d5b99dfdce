/** The fields of one line: of JSON, of `key=value` (logfmt), and the level and component of lines that begin with a time and a
 *  level, as Pintle's own do. Read when they are asked for. Pure. */
export class LineFields {
  readonly text: string;
  /** Undefined: not read yet; null: it is no JSON object. */
  #json: Readonly<Record<string, unknown>> | null | undefined;

  constructor(text: string) {
    this.text = text;
  }

  /** As text; undefined where there is no such field, or it is an object or a list. */
  valueOf(path: readonly string[]): string | undefined {
    const json = this.#asJson();
    if (json !== null) return shown(lookUp(json, path));
    const key = path.join(".");
    return logfmtValue(this.text, key) ?? (path.length === 1 ? headValue(this.text, key) : undefined);
  }

  #asJson(): Readonly<Record<string, unknown>> | null {
    if (this.#json === undefined) this.#json = jsonObject(this.text);
    return this.#json;
  }
}

function jsonObject(text: string): Readonly<Record<string, unknown>> | null {
  if (text[0] !== "{" && text.trimStart()[0] !== "{") return null;
  try {
    return JSON.parse(text);
  } catch {
    return null;
  }
}

/** `a.b.c` is c in b in a, or in "a.b", or "a.b.c" itself: the first that is there. */
function lookUp(value: unknown, path: readonly string[], from = 0): unknown {
  if (from === path.length) return value;
  if (typeof value !== "object" || value === null) return undefined;
  for (let to = from + 1; to <= path.length; to += 1) {
    const key = path.slice(from, to).join(".");
    if (!Object.hasOwn(value, key)) continue;
    const found = lookUp((value as Readonly<Record<string, unknown>>)[key], path, to);
    if (found !== undefined) return found;
  }
  return undefined;
}

function shown(value: unknown): string | undefined {
  if (typeof value === "string") return value;
  return typeof value === "number" || typeof value === "boolean" || value === null
    ? String(value)
    : undefined;
}

/** The value after `key=`, where a word begins with it. */
function logfmtValue(text: string, key: string): string | undefined {
  const sought = `${key}=`;
  for (let at = text.indexOf(sought); at >= 0; at = text.indexOf(sought, at + 1)) {
    if (at > 0 && !/[\s,;([{]/.test(text[at - 1] ?? "")) continue;
    const from = at + sought.length;
    if (text[from] !== '"') return /^[^\s]*/.exec(text.slice(from, from + wordCharsMost))?.[0];
    return quotedValue(text, from);
  }
  return undefined;
}

const wordCharsMost = 4096;
const fieldsMost = 100;

/** The `key=value` of a line, the first of each name and a hundred at most. Pure. */
export function logfmtFields(text: string): readonly (readonly [string, string])[] {
  const found = new Map<string, string>();
  for (const [, name = ""] of text.matchAll(/(?:^|[\s,;([{])([A-Za-z_@][\w@.-]{0,127})=/g)) {
    if (found.size >= fieldsMost) break;
    if (!found.has(name)) found.set(name, logfmtValue(text, name) ?? "");
  }
  return [...found];
}

function quotedValue(text: string, from: number): string {
  let value = "";
  for (let at = from + 1; at < text.length; at += 1) {
    const one = text[at] ?? "";
    if (one === '"') return value;
    if (one !== "\\") value += one;
    else {
      at += 1;
      const escaped = text[at] ?? "";
      value += { n: "\n", t: "\t", r: "\r" }[escaped] ?? escaped;
    }
  }
  return value;
}

/** `2026-01-02T03:04:05.678Z error agent: cannot do it …` */
const head = /^\d{4}-\d\d-\d\dT[\d:.]+Z\s+(debug|info|warn|error)\s+(?:([\w.-]{1,128}): )?/;

function headValue(text: string, key: string): string | undefined {
  if (key !== "level" && key !== "component") return undefined;
  const found = head.exec(text);
  return found?.[key === "level" ? 1 : 2];
}
