import type { LogLine } from "./cri-log.ts";
import { type FollowOptions, followLog } from "./follow-log.ts";

export interface LogQuery {
  readonly follow: boolean;
  readonly previous: boolean;
  readonly timestamps: boolean;
  /** Only this one of the two. */
  readonly stream?: "stdout" | "stderr";
  readonly tailLines?: number;
  readonly limitBytes?: number;
  /** Unix milliseconds. */
  readonly sinceMs?: number;
}

export class BadQuery extends Error {
  override readonly name = "BadQuery";
}

/** Throws BadQuery. */
export function logQuery(query: URLSearchParams, nowMs: number): LogQuery {
  const number = (name: string, least: number) => {
    const text = query.get(name);
    if (text === null || text === "") return undefined;
    if (!/^\d+$/.test(text) || Number(text) < least)
      throw new BadQuery(`${name}: "${text}" must be a whole number of at least ${least}`);
    return Number(text);
  };
  const flag = (name: string) => ["true", "1", ""].includes(query.get(name) ?? "false");
  const tailLines = number("tailLines", 0);
  const limitBytes = number("limitBytes", 1);
  const sinceSeconds = number("sinceSeconds", 1);
  const sinceTime = query.get("sinceTime");
  if (sinceTime && Number.isNaN(Date.parse(sinceTime)))
    throw new BadQuery(`sinceTime: "${sinceTime}" is not a time of RFC 3339`);
  const stream = query.get("stream") || "All";
  if (!["All", "Stdout", "Stderr"].includes(stream)) throw new BadQuery(`invalid stream type "${stream}"`);
  const sinceMs =
    sinceSeconds !== undefined ? nowMs - sinceSeconds * 1000 : sinceTime ? Date.parse(sinceTime) : undefined;
  return {
    follow: flag("follow"),
    previous: flag("previous"),
    timestamps: flag("timestamps"),
    ...(stream === "Stdout" && { stream: "stdout" }),
    ...(stream === "Stderr" && { stream: "stderr" }),
    ...(tailLines !== undefined && { tailLines }),
    ...(limitBytes !== undefined && { limitBytes }),
    ...(sinceMs !== undefined && { sinceMs }),
  };
}

/** A log as clients see it, in pieces. */
export async function* logBytes(
  path: string,
  query: LogQuery,
  follow: FollowOptions,
): AsyncGenerator<Buffer, void, void> {
  yield* shownBytes(selected(path, query, follow), query);
}

/** Lines as clients see them. */
export async function* shownBytes(
  lines: AsyncIterable<LogLine>,
  query: Pick<LogQuery, "limitBytes" | "timestamps">,
): AsyncGenerator<Buffer, void, void> {
  let left = query.limitBytes ?? Number.POSITIVE_INFINITY;
  let lineBegins = true;
  for await (const line of lines) {
    const stamp = query.timestamps && lineBegins ? Buffer.from(`${line.time} `) : Buffer.alloc(0);
    lineBegins = !line.partial;
    const bytes = Buffer.concat([stamp, line.text, Buffer.from(line.partial ? "" : "\n")]);
    yield bytes.subarray(0, Math.min(bytes.length, left));
    left -= bytes.length;
    if (left <= 0) return;
  }
}

/** Whether a line is of what was asked for. */
export const isAsked = (line: LogLine, { sinceMs, stream }: Pick<LogQuery, "sinceMs" | "stream">): boolean =>
  (stream === undefined || line.stream === stream) &&
  (sinceMs === undefined || Date.parse(line.time) >= sinceMs);

async function* selected(
  path: string,
  query: LogQuery,
  follow: FollowOptions,
): AsyncGenerator<LogLine, void, void> {
  const { tailLines } = query;
  const recent = (line: LogLine) => isAsked(line, query);
  if (tailLines === undefined) {
    for await (const line of followLog(path, follow)) if (recent(line)) yield line;
    return;
  }
  // What is there now, but the last lines of it only; then what comes. `caughtUp` is when goesOn is first asked again
  // after the whole file was read.
  let tail: LogLine[] | undefined = [];
  const there = followLog(path, { signal: follow.signal });
  let count = 0;
  for await (const line of there) {
    count++;
    if (!recent(line)) continue;
    tail.push(line);
    if (tail.length > tailLines) tail.shift();
  }
  yield* tail;
  tail = undefined;
  if (follow.goesOn === undefined) return;
  let passed = 0;
  for await (const line of followLog(path, follow)) if (++passed > count && recent(line)) yield line;
}
