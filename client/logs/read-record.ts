import type { FoundCounts, FoundEntry, FoundSource, SearchRecord } from "./search-records.ts";
import { searchLimits, timestampUs } from "./search-request.ts";

/** A record as it came from somebody who may say anything. Throws for what is none. Pure. */
export function readRecord(line: string): SearchRecord {
  const said = objectOf(JSON.parse(line), "a record");
  if (said.entry !== undefined) return { entry: entryOf(objectOf(said.entry, "entry")) };
  if (said.source !== undefined) return { source: sourceOf(objectOf(said.source, "source")) };
  if (said.counts !== undefined) return { counts: countsOf(objectOf(said.counts, "counts")) };
  if (said.alive !== undefined)
    return {
      alive: { searchedBytes: wholeOf(objectOf(said.alive, "alive").searchedBytes, "searchedBytes") },
    };
  const { entries, isLimited, searchedBytes } = objectOf(said.end, "a record");
  return {
    end: {
      entries: wholeOf(entries, "entries"),
      isLimited: isLimited === true,
      searchedBytes: wholeOf(searchedBytes, "searchedBytes"),
    },
  };
}

const kinds = ["container", "component", "event", "audit"] as const;
const sourceTexts = ["namespace", "pod", "podUid", "container", "component"] as const;
const seriesMost = 100;

function sourceOf(said: Readonly<Record<string, unknown>>): FoundSource {
  const kind = kinds.find((one) => one === said.kind);
  if (kind === undefined) throw new Error("kind is none that is known");
  return {
    id: wholeOf(said.id, "id"),
    kind,
    ...Object.fromEntries(
      sourceTexts.flatMap((name) => (said[name] === undefined ? [] : [[name, textOf(said[name], name)]])),
    ),
    ...(said.restart !== undefined && { restart: wholeOf(said.restart, "restart") }),
    ...(said.labels !== undefined && { labels: labelsOf(objectOf(said.labels, "labels")) }),
  };
}

function labelsOf(said: Readonly<Record<string, unknown>>): Readonly<Record<string, string>> {
  return Object.fromEntries(Object.entries(said).map(([key, value]) => [key, textOf(value, "a label")]));
}

function entryOf({ source, time, stream, text, textBytes }: Readonly<Record<string, unknown>>): FoundEntry {
  const at = textOf(time, "time");
  if (timestampUs(at) === undefined) throw new Error("time is none");
  if (stream !== undefined && stream !== "stdout" && stream !== "stderr") throw new Error("stream is none");
  return {
    source: wholeOf(source, "source"),
    time: at,
    ...(stream !== undefined && { stream }),
    text: textOf(text, "text"),
    ...(textBytes !== undefined && { textBytes: wholeOf(textBytes, "textBytes") }),
  };
}

function countsOf({ from, stepMs, series }: Readonly<Record<string, unknown>>): FoundCounts {
  if (!Array.isArray(series) || series.length > seriesMost)
    throw new Error("series are no list, or too many");
  return {
    from: textOf(from, "from"),
    stepMs: typeof stepMs === "number" && stepMs > 0 ? stepMs : refuse("stepMs"),
    series: series.map((one: unknown) => {
      const { name, counts } = objectOf(one, "series");
      // A step begins before what is asked for, and another ends after it.
      if (!Array.isArray(counts) || counts.length > searchLimits.stepsMost + 2)
        throw new Error("counts are too many");
      return { name: textOf(name, "name"), counts: counts.map((count) => wholeOf(count, "a count")) };
    }),
  };
}

function objectOf(value: unknown, what: string): Readonly<Record<string, unknown>> {
  if (typeof value !== "object" || value === null || Array.isArray(value)) return refuse(what);
  return value as Readonly<Record<string, unknown>>;
}

function textOf(value: unknown, what: string): string {
  return typeof value === "string" ? value : refuse(what);
}

function wholeOf(value: unknown, what: string): number {
  return Number.isSafeInteger(value) && (value as number) >= 0 ? (value as number) : refuse(what);
}

function refuse(what: string): never {
  throw new Error(`${what} is not what it should be`);
}
