import { withoutTrailing } from "../../../base/without-trailing.ts";

/** The Accept header as Kubernetes' servers read it, oddities included: clients were written against those. Pure. */

export interface MediaRange {
  /** `application/json`; `*` alone means everything. */
  readonly type: string;
  readonly parameters: ReadonlyMap<string, string>;
  readonly quality: number;
}

interface Accepted {
  readonly ranges: readonly MediaRange[];
  /** Of all that is said, whether it is a media range or not; in its order. */
  readonly types: readonly string[];
}

/** Ranges, the preferred ones first. Case counts, as in Kubernetes; what is no media range is passed over. */
export function mediaRanges(accept: string): readonly MediaRange[] {
  return accepted(accept).ranges;
}

/** Does a route that gives these types answer at all? Kubernetes looks at that first, and not at quality or parameters. */
export function isRouted(accept: string, produced: readonly string[]): boolean {
  return accepted(accept).types.some((type) => type === "*/*" || produced.includes(type));
}

function accepted(accept: string): Accepted {
  const known = read.get(accept);
  if (known !== undefined) return known;
  const types = accept.split(",").map((part) => withoutSpaces(part.split(";")[0] ?? ""));
  const found = { ranges: readRanges(accept), types };
  if (accept.length > rememberedCharactersMax) return found;
  if (read.size >= rememberedMax) read.clear();
  read.set(accept, found);
  return found;
}

/** Clients say the same with each request. */
const read = new Map<string, Accepted>();
const rememberedMax = 256;
const rememberedCharactersMax = 512;

function readRanges(accept: string): readonly MediaRange[] {
  const ranges = accept.split(",").flatMap((part) => {
    const [first = "", ...rest] = part.split(";");
    const type = rangeType(first);
    return type === undefined ? [] : [rangeOf(type, rest)];
  });
  return inserted(ranges);
}

function rangeType(text: string): string | undefined {
  const [type = "", subtype = "", ...more] = text.split("/").map(withoutSpaces);
  if (more.some((one) => one !== "")) return undefined;
  if (subtype !== "") return `${type}/${subtype}`;
  return type === "*" ? "*/*" : undefined;
}

function rangeOf(type: string, pieces: readonly string[]): MediaRange {
  const parameters = new Map<string, string>();
  let quality = 1;
  for (const piece of pieces) {
    const [name = "", value = "", ...more] = piece.split("=");
    if (value === "" || more.some((one) => one !== "")) continue;
    if (withoutSpaces(name) === "q") quality = qualityOf(value);
    else parameters.set(withoutSpaces(name), withoutSpaces(value));
  }
  return { type, parameters, quality };
}

/** What is no number counts as zero, which is a preference like any other. */
function qualityOf(text: string): number {
  return /^[+-]?(\d+(?:\.\d*)?|\.\d+)(e[+-]?\d+)?$/i.test(text) ? Number(text) : 0;
}

const withoutSpaces = (text: string) => withoutTrailing(text.replace(/^ +/, ""), " ");

/** Each range before the nearest ones on its left that it goes before. That is no order of all, and so the way of sorting
 *  is part of what clients see. */
function inserted(ranges: readonly MediaRange[]): readonly MediaRange[] {
  const sorted: MediaRange[] = [];
  for (const range of ranges) {
    let at = sorted.length;
    for (; at > 0; at--) {
      const before = sorted[at - 1];
      if (before === undefined || !goesBefore(range, before)) break;
    }
    sorted.splice(at, 0, range);
  }
  return sorted;
}

function goesBefore(a: MediaRange, b: MediaRange): boolean {
  if (a.quality > b.quality) return true;
  const [aType, aSubtype] = a.type.split("/");
  const [bType, bSubtype] = b.type.split("/");
  return (aType !== "*" && bType === "*") || (aSubtype !== "*" && bSubtype === "*");
}
