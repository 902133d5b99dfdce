import { UsageError } from "../../base/os/flags.ts";

/** kubectl's JSONPath templates, as far as they are used day to day: text around `{.a.b}`, `{.items[*].x}`, `[2]`, `[-1]`,
 *  `['a.b']`, `\.` inside names, `[?(@.x=="y")]`, `..`-free; `{range .items[*]}…{end}`, `{"\n"}`. */
export function jsonPath(template: string, value: unknown): string {
  const parts = parseTemplate(template);
  const [text, rest] = render(parts, value);
  if (rest.length > 0) throw new UsageError("jsonpath: {end} without {range}");
  return text;
}

type Part = { readonly text: string } | { readonly code: string };

function parseTemplate(template: string): readonly Part[] {
  const parts: Part[] = [];
  for (let at = 0; at < template.length; ) {
    const open = template.indexOf("{", at);
    if (open < 0) {
      parts.push({ text: template.slice(at) });
      break;
    }
    if (open > at) parts.push({ text: template.slice(at, open) });
    const close = closingBrace(template, open);
    parts.push({ code: template.slice(open + 1, close).trim() });
    at = close + 1;
  }
  return parts;
}

function closingBrace(template: string, open: number): number {
  let quote = "";
  for (let at = open + 1; at < template.length; at++) {
    const char = template[at] ?? "";
    if (quote !== "") {
      if (char === "\\") at++;
      else if (char === quote) quote = "";
    } else if (char === '"' || char === "'") quote = char;
    else if (char === "}") return at;
  }
  throw new UsageError(`jsonpath: no closing } in ${template}`);
}

/** Renders up to the `{end}` that belongs to the caller, or to the end; answers what is left. */
function render(parts: readonly Part[], value: unknown): [string, readonly Part[]] {
  let text = "";
  for (let rest = parts; ; ) {
    const [part, ...others] = rest;
    if (part === undefined) return [text, []];
    rest = others;
    if ("text" in part) text += part.text;
    else if (part.code === "end") return [text, [part, ...rest]];
    else if (part.code.startsWith("range ")) {
      const [, after] = render(rest, undefined);
      for (const item of select(part.code.slice(6).trim(), value)) text += render(rest, item)[0];
      if (after.length === 0) throw new UsageError("jsonpath: {range} without {end}");
      rest = after.slice(1);
    } else if (/^["']/.test(part.code)) text += unquote(part.code);
    else text += select(part.code, value).map(shown).join(" ");
  }
}

function shown(value: unknown): string {
  return typeof value === "string" ? value : value === undefined ? "" : JSON.stringify(value);
}

function unquote(code: string): string {
  const escapes: Readonly<Record<string, string>> = { n: "\n", t: "\t", r: "\r" };
  return code.slice(1, -1).replace(/\\(.)/g, (_, char: string) => escapes[char] ?? char);
}

const stepPattern =
  /\.?\[\?\(@((?:\.[\w-]+)+)\s*(==|!=)\s*(?:"([^"]*)"|'([^']*)'|([\w.-]+))\)\]|\.?\[(\*|-?\d+)\]|\.?\['((?:[^'\\]|\\.)*)'\]|\.((?:[\w/-]|\\.)+|\*)|\./y;

function select(path: string, root: unknown): readonly unknown[] {
  let found: readonly unknown[] = root === undefined ? [] : [root];
  const text = path.replace(/^[$@]/, "");
  const pattern = new RegExp(stepPattern); // filters select inside a selection: each needs its own position
  while (pattern.lastIndex < text.length) {
    const start = pattern.lastIndex;
    const match = pattern.exec(text);
    if (match === null) throw new UsageError(`jsonpath: cannot read "${text.slice(start)}"`);
    const [, field, operator, double, single, bare, index, quoted, name] = match;
    if (field !== undefined) {
      const wanted = double ?? single ?? bare ?? "";
      found = found.flatMap(elements).filter((one) => {
        const equal = select(field, one).some((value) => shown(value) === wanted);
        return operator === "==" ? equal : !equal;
      });
    } else if (index === "*" || name === "*") found = found.flatMap(elements);
    else if (index !== undefined)
      found = found.flatMap((one) => (Array.isArray(one) ? defined(one.at(Number(index))) : []));
    else if (quoted !== undefined || name !== undefined) {
      const key = (quoted ?? name ?? "").replace(/\\(.)/g, "$1");
      found = found.flatMap((one) => (isRecord(one) && Object.hasOwn(one, key) ? defined(one[key]) : []));
    }
  }
  return found;
}

function elements(value: unknown): readonly unknown[] {
  return Array.isArray(value) ? value : isRecord(value) ? Object.values(value) : [];
}
const defined = (value: unknown): readonly unknown[] => (value === undefined ? [] : [value]);
function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
