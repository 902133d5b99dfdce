import { nameLabel, type SeriesLabels } from "../query/vector-selector.ts";

/** What pods say in Prometheus' text format, or in OpenMetrics'. Pure; any text may come. */
export interface Exposed {
  readonly labels: SeriesLabels;
  readonly value: number;
}

const labelsMax = 64;
const name = /[A-Za-z_:][A-Za-z0-9_:]*/y;
const labelPattern = /\s*([A-Za-z_][A-Za-z0-9_]*)\s*=\s*"/y;

/** Reads the lines of series whose name is wanted; others, and those that are none, are passed over. A time in the text is too: a
 *  series counts from when it was read. */
export function* exposedSeries(text: string, isWanted: (name: string) => boolean): Generator<Exposed> {
  for (let at = 0; at < text.length; ) {
    const end = text.indexOf("\n", at);
    const lineEnd = end < 0 ? text.length : end;
    if (text.charAt(at) !== "#") {
      name.lastIndex = at;
      const found = name.exec(text)?.[0];
      if (found !== undefined && isWanted(found)) {
        const series = readLine(text.slice(at, lineEnd), found);
        if (series !== undefined) yield series;
      }
    }
    at = lineEnd + 1;
  }
}

function readLine(line: string, found: string): Exposed | undefined {
  const labels = new Map([[nameLabel, found]]);
  let at = found.length;
  if (line.charAt(at) === "{") {
    const end = readLabels(line, at + 1, labels);
    if (end === undefined) return undefined;
    at = end;
  }
  const [text = ""] = line.slice(at).trim().split(/\s+/, 1);
  const value = numberOf(text);
  return value === undefined ? undefined : { labels, value };
}

/** Where the labels end; undefined where they are none. */
function readLabels(line: string, start: number, labels: Map<string, string>): number | undefined {
  for (let at = start; ; ) {
    while (line.charAt(at) === "," || line.charAt(at) === " ") at += 1;
    if (line.charAt(at) === "}") return at + 1;
    labelPattern.lastIndex = at;
    const label = labelPattern.exec(line)?.[1];
    if (label === undefined || labels.has(label) || labels.size > labelsMax) return undefined;
    let value = "";
    for (at = labelPattern.lastIndex; line.charAt(at) !== '"'; at += 1) {
      if (at >= line.length) return undefined;
      if (line.charAt(at) !== "\\") {
        value += line.charAt(at);
        continue;
      }
      at += 1;
      value += line.charAt(at) === "n" ? "\n" : line.charAt(at);
    }
    labels.set(label, value);
    at += 1;
  }
}

const special: Readonly<Record<string, number>> = {
  nan: Number.NaN,
  inf: Number.POSITIVE_INFINITY,
  "+inf": Number.POSITIVE_INFINITY,
  "-inf": Number.NEGATIVE_INFINITY,
};

function numberOf(text: string): number | undefined {
  const lower = text.toLowerCase();
  if (Object.hasOwn(special, lower)) return special[lower];
  return /^[+-]?(\d+\.?\d*|\.\d+)(e[+-]?\d+)?$/.test(lower) ? Number(lower) : undefined;
}
