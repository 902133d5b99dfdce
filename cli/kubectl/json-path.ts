import { JsonPathError, selectPath, textOf } from "../../base/json-path.ts";
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
    else text += select(part.code, value).map(textOf).join(" ");
  }
}

function select(path: string, root: unknown): readonly unknown[] {
  try {
    return selectPath(path, root);
  } catch (error) {
    throw error instanceof JsonPathError ? new UsageError(`jsonpath: ${error.message}`) : error;
  }
}

function unquote(code: string): string {
  const escapes: Readonly<Record<string, string>> = { n: "\n", t: "\t", r: "\r" };
  return code.slice(1, -1).replace(/\\(.)/g, (_, char: string) => escapes[char] ?? char);
}
