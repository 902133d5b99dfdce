import { once } from "node:events";
import { type FlagTable, type FlagValues, UsageError } from "../../base/os/flags.ts";
import { jsonLines } from "../../client/json-lines.ts";
import { parseQuery } from "../../client/logs/parse-query.ts";
import type { AskedNode, FoundEntry, FoundSource, SearchRecord } from "../../client/logs/search-records.ts";
import { countedBy, searchLimits, sources } from "../../client/logs/search-request.ts";
import type { CommandIo } from "../command.ts";
import type { clusterFlags } from "./flags.ts";
import { countLines, entryJson, entryLine, neutral } from "./found-text.ts";

/** Beside those that `pintle logs` has for one container. */
export const searchFlags = {
  all: { kind: "boolean", help: "search the logs of all pods, in all namespaces unless -n names one" },
  selector: { kind: "string", short: "l", value: "LABELS", help: "with --all: of pods with these labels" },
  source: {
    kind: "string",
    choices: sources,
    default: "containers",
    help: "with --all: what is searched",
  },
  pod: { kind: "string", value: "NAME", help: "with --all: of this pod" },
  component: { kind: "string", value: "NAME", help: "with --all: of this component" },
  node: { kind: "string", value: "NAME", help: "with --all: on this node" },
  stream: { kind: "string", value: "NAME", help: "with --all: stdout or stderr alone" },
  until: {
    kind: "string",
    value: "TIME",
    help: "with --all: only what is older, such as 30m or 2026-12-01T08:00:00Z",
  },
  "since-time": { kind: "string", value: "TIME", help: "with --all: only what is as new as this" },
  limit: {
    kind: "integer",
    default: searchLimits.entriesUsual,
    value: "N",
    help: `with --all: so many lines at most, ${searchLimits.entriesMost} or fewer`,
  },
  "newest-first": { kind: "boolean", help: "with --all: begin with the newest" },
  "oldest-first": {
    kind: "boolean",
    help: "with --all: begin with the oldest of the time, not with what fits before its end",
  },
  counts: { kind: "boolean", help: "with --all: how many lines there are in each step of time" },
  step: { kind: "duration", value: "DURATION", help: "with --counts: the length of a step" },
  by: { kind: "string", value: "WHAT", help: `with --counts: apart by ${countedBy.join(", ")}` },
  output: {
    kind: "string",
    short: "o",
    choices: ["text", "json"],
    default: "text",
    help: "with --all: text or json",
  },
} as const;

/** A flag that is for searching and was given, if there is one. */
export function givenSearchFlag(given: Readonly<Record<string, unknown>>): string | undefined {
  const rows: FlagTable = searchFlags;
  return Object.keys(rows).find((name) => {
    const row = rows[name];
    const usual =
      row !== undefined && "default" in row ? row.default : row?.kind === "boolean" ? false : undefined;
    return (given[name] ?? usual) !== usual;
  });
}

export interface SearchFlags extends FlagValues<typeof searchFlags>, FlagValues<typeof clusterFlags> {
  readonly container: string | undefined;
  readonly since: number | undefined;
  readonly follow: boolean | undefined;
}

/** No line of an answer is longer. */
const lineBytesMost = 4 * 1024 * 1024;

/** `pintle logs --all QUERY`. */
export async function searchLogs(
  given: SearchFlags,
  words: readonly string[],
  io: CommandIo,
): Promise<number> {
  const query = words.join(" ");
  const read = parseQuery(query);
  if ("problem" in read) throw new UsageError(pointedAt(query, read.problem));
  const path = searchPath(given, query);
  const client = io.client(given);
  const shown = showerOf(given, io);
  try {
    for await (const record of jsonLines(client.streamed(path, io.signal), lineBytesMost))
      await shown(record as SearchRecord);
  } catch (error) {
    if (!io.signal.aborted) throw error;
    return 0;
  }
  return shown(undefined);
}

/** A query with what is wrong with it below. */
function pointedAt(
  query: string,
  { column, message }: { readonly column: number; readonly message: string },
) {
  return `column ${column}: ${message}\n  ${query}\n  ${" ".repeat(column - 1)}^`;
}

export function searchPath(given: SearchFlags, query: string): string {
  const { since, "since-time": sinceTime } = given;
  if (since !== undefined && sinceTime !== undefined) throw new UsageError("--since, --since-time: give one");
  if (given["newest-first"] && given["oldest-first"])
    throw new UsageError("--newest-first, --oldest-first: give one");
  const params = new URLSearchParams();
  const put = (name: string, value: string | number | undefined) => {
    if (value !== undefined && value !== "") params.set(name, String(value));
  };
  put("query", query);
  put("source", given.source === "containers" ? undefined : given.source);
  put("labelSelector", given.selector);
  for (const name of ["pod", "container", "component", "node", "stream", "until"] as const)
    put(name, given[name]);
  put("since", sinceTime ?? (since === undefined ? undefined : `${since}ms`));
  if (given.follow) put("follow", "true");
  else if (given.counts) {
    put("counts", "true");
    put("step", given.step === undefined ? undefined : `${given.step}ms`);
    put("by", given.by);
  } else {
    put("limit", given.limit);
    put("order", given["oldest-first"] ? "oldest" : "newest");
  }
  const { namespace } = given;
  const place = namespace === undefined ? "" : `/namespaces/${encodeURIComponent(namespace)}`;
  return `/apis/logs.pintle.dev/v1${place}/entries?${params}`;
}

/** Shows records, then, told that there are no more, what is left to say; resolves with the exit status. */
function showerOf(given: SearchFlags, io: CommandIo): (record: SearchRecord | undefined) => Promise<number> {
  const found = new Map<number, FoundSource>();
  const write = given.output === "json" ? entryJson : entryLine;
  // The newest lines are read like any log, unless it is said otherwise: from above.
  const isTurned = !given.follow && !given["newest-first"] && !given["oldest-first"];
  const kept: string[] = [];
  let isWhole = false;
  let status = 0;
  const show = async (entry: FoundEntry) => {
    const line = write(entry, found.get(entry.source));
    if (isTurned) kept.push(line);
    else {
      io.stdout(line);
      if (process.stdout.writableNeedDrain) await once(process.stdout, "drain");
    }
  };
  return async (record) => {
    if (record === undefined) {
      for (const line of kept.reverse()) io.stdout(line);
      if (!isWhole) io.stderr("pintle logs: the answer was cut off\n");
      return isWhole ? status : 1;
    }
    if ("source" in record) found.set(record.source.id, record.source);
    else if ("entry" in record) await show(record.entry);
    else if ("counts" in record)
      io.stdout(given.output === "json" ? `${JSON.stringify(record.counts)}\n` : countLines(record.counts));
    else if ("end" in record) {
      isWhole = true;
      status = tellMissing(record.end.nodes ?? [], io);
      if (record.end.isLimited)
        io.stderr(`pintle logs: there are more than these ${record.end.entries} lines; --limit shows more\n`);
    }
    return status;
  };
}

function tellMissing(nodes: readonly AskedNode[], io: CommandIo): number {
  const missing = nodes.filter(({ error }) => error !== undefined);
  for (const { name, error } of missing)
    io.stderr(`pintle logs: lines of node ${name} are missing: ${neutral(error ?? "")}\n`);
  return missing.length === 0 ? 0 : 1;
}
