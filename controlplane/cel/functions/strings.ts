import { goEscapes } from "../../../base/go-text.ts";
import { fn, type Meter, method, type Overload } from "../environment.ts";
import { listOf, types } from "../types.ts";
import { CelError, CelList, type Value } from "../values.ts";
import { formatText } from "./format-text.ts";

/** Texts: of the language itself, and of cel-go's extension of version 2. Places in texts count code points. */

const { bool, dyn, int, string } = types;

const text = (value: Value | undefined) => value as string;
const points = (value: Value | undefined) => [...text(value)];

type Run = (args: readonly Value[], meter: Meter) => Value;
/** Reads its texts, and pays for what it makes. */
const paid =
  (run: Run): Run =>
  (args, meter) => {
    for (const arg of args) if (typeof arg === "string") meter.spendText(arg.length);
    const made = run(args, meter);
    if (typeof made === "string") meter.spendText(made.length);
    return made;
  };

function indexOf(whole: readonly string[], part: readonly string[], from: number): number {
  if (part.length === 0) return from;
  for (let at = from; at + part.length <= whole.length; at++)
    if (part.every((char, index) => whole[at + index] === char)) return at;
  return -1;
}

function lastIndexOf(whole: readonly string[], part: readonly string[], from: number): number {
  if (part.length === 0) return Math.min(from, whole.length);
  for (let at = Math.min(from, whole.length - part.length); at >= 0; at--)
    if (part.every((char, index) => whole[at + index] === char)) return at;
  return -1;
}

function inRange(index: number, length: number): number {
  if (index < 0 || index > length) throw new CelError(`index out of range: ${index}`);
  return index;
}

const searchCost = (meter: Meter, whole: readonly string[], part: readonly string[]) =>
  meter.spend(Math.ceil((whole.length * Math.max(1, part.length)) / 10));

function replaced(whole: string, from: string, to: string, limit: number, meter: Meter): string {
  if (limit === 0) return whole;
  const parts = from === "" ? ["", ...whole, ""] : whole.split(from);
  const most = limit < 0 ? parts.length - 1 : Math.min(limit, parts.length - 1);
  meter.spendText(whole.length + most * to.length);
  return `${parts.slice(0, most + 1).join(to)}${parts
    .slice(most + 1)
    .map((part) => `${from}${part}`)
    .join("")}`;
}

function split(whole: string, by: string, limit: number, meter: Meter): CelList {
  if (limit === 0) return new CelList([]);
  const parts = by === "" ? [...whole] : whole.split(by);
  meter.spend(parts.length);
  if (limit < 0 || parts.length <= limit) return new CelList(parts);
  return new CelList([...parts.slice(0, limit - 1), parts.slice(limit - 1).join(by)]);
}

function joined(list: Value | undefined, by: string, meter: Meter): string {
  const { items } = list as CelList;
  for (const item of items) meter.spendText(text(item).length + by.length + 1);
  return items.join(by);
}

function quoted(value: string): string {
  return `"${[...value].map((char) => goEscapes[char] ?? char).join("")}"`;
}

const lower = (value: string) => value.replaceAll(/[A-Z]/g, (char) => char.toLowerCase());
const upper = (value: string) => value.replaceAll(/[a-z]/g, (char) => char.toUpperCase());
const spaces = "[\\t\\n\\v\\f\\r \\u0085\\u00a0\\u1680\\u2000-\\u200a\\u2028\\u2029\\u202f\\u205f\\u3000]+";
const trimming = new RegExp(`^${spaces}|${spaces}$`, "g");

export const stringFunctions: readonly Overload[] = [
  method(
    "contains",
    [string, string],
    bool,
    paid(([whole, part]) => text(whole).includes(text(part))),
  ),
  method(
    "startsWith",
    [string, string],
    bool,
    paid(([whole, part]) => text(whole).startsWith(text(part))),
  ),
  method(
    "endsWith",
    [string, string],
    bool,
    paid(([whole, part]) => text(whole).endsWith(text(part))),
  ),
  method(
    "charAt",
    [string, int],
    string,
    paid(([whole, index]) => {
      const chars = points(whole);
      return chars[inRange(Number(index), chars.length)] ?? "";
    }),
  ),
  method("indexOf", [string, string], int, (([whole, part], meter) => {
    const [chars, wanted] = [points(whole), points(part)];
    searchCost(meter, chars, wanted);
    return BigInt(indexOf(chars, wanted, 0));
  }) as Run),
  method("indexOf", [string, string, int], int, (([whole, part, from], meter) => {
    const [chars, wanted] = [points(whole), points(part)];
    searchCost(meter, chars, wanted);
    if (wanted.length === 0) return from ?? null;
    return BigInt(indexOf(chars, wanted, inRange(Number(from), chars.length)));
  }) as Run),
  method("lastIndexOf", [string, string], int, (([whole, part], meter) => {
    const [chars, wanted] = [points(whole), points(part)];
    searchCost(meter, chars, wanted);
    return BigInt(lastIndexOf(chars, wanted, chars.length));
  }) as Run),
  method("lastIndexOf", [string, string, int], int, (([whole, part, from], meter) => {
    const [chars, wanted] = [points(whole), points(part)];
    searchCost(meter, chars, wanted);
    if (wanted.length === 0) return from ?? null;
    return BigInt(lastIndexOf(chars, wanted, inRange(Number(from), chars.length)));
  }) as Run),
  method(
    "lowerAscii",
    [string],
    string,
    paid(([value]) => lower(text(value))),
  ),
  method(
    "upperAscii",
    [string],
    string,
    paid(([value]) => upper(text(value))),
  ),
  method(
    "trim",
    [string],
    string,
    paid(([value]) => text(value).replaceAll(trimming, "")),
  ),
  method("replace", [string, string, string], string, ([whole, from, to], meter) =>
    replaced(text(whole), text(from), text(to), -1, meter),
  ),
  method("replace", [string, string, string, int], string, ([whole, from, to, limit], meter) =>
    replaced(text(whole), text(from), text(to), Number(limit), meter),
  ),
  method(
    "split",
    [string, string],
    listOf(string),
    paid(([whole, by], meter) => split(text(whole), text(by), -1, meter)),
  ),
  method(
    "split",
    [string, string, int],
    listOf(string),
    paid(([whole, by, limit], meter) => split(text(whole), text(by), Number(limit), meter)),
  ),
  method(
    "substring",
    [string, int],
    string,
    paid(([whole, from]) => {
      const chars = points(whole);
      return chars.slice(inRange(Number(from), chars.length)).join("");
    }),
  ),
  method(
    "substring",
    [string, int, int],
    string,
    paid(([whole, from, to]) => {
      const chars = points(whole);
      const [start, end] = [Number(from), Number(to)];
      if (start > end) throw new CelError(`invalid substring range. start: ${start}, end: ${end}`);
      return chars.slice(inRange(start, chars.length), inRange(end, chars.length)).join("");
    }),
  ),
  method("join", [listOf(string)], string, ([list], meter) => joined(list, "", meter)),
  method("join", [listOf(string), string], string, ([list, by], meter) => joined(list, text(by), meter)),
  fn(
    "strings.quote",
    [string],
    string,
    paid(([value]) => quoted(text(value))),
  ),
  method("format", [string, listOf(dyn)], string, ([form, list], meter) => {
    const made = formatText(text(form), (list as CelList).items, meter);
    meter.spendText(made.length);
    return made;
  }),
];
