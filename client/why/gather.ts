import type { ApiClient } from "../api.ts";
import { ApiError, ConnectionError, isForbidden, isNotFound } from "../api-error.ts";
import type { Stored } from "../object-cache.ts";
import { resources } from "../resources.ts";
import type { Event, Pod, Ref } from "../types.ts";
import { type Answer, Answers, eventTime, Facts, type Read } from "./facts.ts";
import type { Verdicts } from "./verdicts.ts";

/** How facts are read. */
export interface Reader {
  readonly client: Pick<ApiClient, "get" | "list">;
  /** A container's output. */
  readonly logs: (ref: Ref, options: LinesOptions, signal: AbortSignal) => AsyncIterable<Uint8Array>;
  /** Where a scheduler's filters can be asked. */
  readonly verdicts?: (pod: Pod, signal: AbortSignal) => Promise<Verdicts>;
}

interface LinesOptions {
  readonly container: string;
  readonly previous: boolean;
  readonly tailLines: number;
  readonly limitBytes: number;
}

/** How much is read at most, however large a cluster is. */
export const gatherLimits = {
  rounds: 10,
  readsPerRound: 200,
  atOnce: 4,
  pageObjects: 1000,
  listObjects: 50_000,
  warnings: 5000,
  lines: 5,
  lineBytes: 16 * 1024,
} as const;

export interface Gathering {
  readonly nowMs: number;
  readonly signal: AbortSignal;
  /** Many objects are looked at. */
  readonly isWide?: boolean;
}

export interface Gathered<T> {
  readonly result: T;
  /** What could not be looked at, a line each. */
  readonly unread: readonly string[];
}

/** Makes an analysis, reads what it wants, and makes it anew, until it wants nothing more. */
export async function gather<T>(
  reader: Reader,
  analyse: (facts: Facts) => T,
  { nowMs, signal, isWide = false }: Gathering,
): Promise<Gathered<T>> {
  const answers = new Answers();
  for (let round = 1; ; round++) {
    const facts = new Facts(answers, nowMs, isWide);
    const result = analyse(facts);
    const { wants } = facts;
    if (wants.length === 0) return { result, unread: facts.unread };
    if (round > gatherLimits.rounds)
      return {
        result,
        unread: [...facts.unread, `${wants.length} more objects: they are too many to look at all of them`],
      };
    const now = wants.slice(0, gatherLimits.readsPerRound);
    const queue = [...now];
    const work = async () => {
      for (let read = queue.shift(); read !== undefined; read = queue.shift())
        answers.set(read, await answer(reader, read, signal));
    };
    await Promise.all(Array.from({ length: gatherLimits.atOnce }, work));
  }
}

/** What cannot be read is an answer, too: somebody may not, or nobody serves it. */
async function answer(reader: Reader, read: Read, signal: AbortSignal): Promise<Answer> {
  try {
    // One of its own, so that many reads are not many listeners on one signal.
    return await readOne(reader, read, AbortSignal.any([signal]));
  } catch (error) {
    signal.throwIfAborted();
    if (isNotFound(error)) return { is: "absent" };
    if (isForbidden(error)) return { is: "refused", why: "forbidden" };
    if (error instanceof ApiError || read.of === "lines" || read.of === "verdicts")
      return { is: "refused", why: error instanceof Error ? error.message : String(error) };
    if (error instanceof ConnectionError && error.cause instanceof ApiError)
      return { is: "refused", why: error.message };
    throw error;
  }
}

async function readOne({ client, logs, verdicts }: Reader, read: Read, signal: AbortSignal): Promise<Answer> {
  switch (read.of) {
    case "object":
      return { is: "read", value: await client.get(read.resource, read.ref, { signal }) };
    case "list":
      return all(
        (options) => client.list<Stored>(read.resource, { ...options, namespace: read.namespace, signal }),
        gatherLimits.listObjects,
      );
    case "events":
    case "warnings": {
      const fieldSelector = read.of === "events" ? `involvedObject.uid=${read.uid}` : "type=Warning";
      const { namespace } = read;
      return inOrder(
        await all(
          (options) => client.list(resources.events, { ...options, namespace, fieldSelector, signal }),
          gatherLimits.warnings,
        ),
      );
    }
    case "lines":
      return { is: "read", value: await lastLines(logs, read, signal) };
    case "verdicts":
      return verdicts === undefined
        ? { is: "refused", why: "nobody can say here" }
        : { is: "read", value: await verdicts(read.pod, signal) };
  }
}

interface Page<T> {
  readonly items: readonly T[];
  readonly metadata: { readonly continue?: string };
}

/** Page by page, up to a bound. */
async function all<T>(
  list: (options: { readonly limit: number; readonly continue?: string }) => Promise<Page<T>>,
  most: number,
): Promise<Answer & { readonly is: "read" }> {
  const found: T[] = [];
  let next: string | undefined;
  do {
    const page: Page<T> = await list({
      limit: gatherLimits.pageObjects,
      ...(next !== undefined && { continue: next }),
    });
    for (const one of page.items) found.push(one);
    next = page.metadata.continue || undefined;
  } while (next !== undefined && found.length < most);
  return { is: "read", value: found, isCut: next !== undefined };
}

function inOrder(read: Answer & { readonly is: "read" }): Answer {
  const events = [...(read.value as readonly Event[])].sort((a, b) => eventTime(a) - eventTime(b));
  return { ...read, value: events };
}

async function lastLines(
  logs: Reader["logs"],
  { ref, container, previous }: Read & { readonly of: "lines" },
  signal: AbortSignal,
): Promise<readonly string[]> {
  const { lines, lineBytes } = gatherLimits;
  const decoder = new TextDecoder();
  let text = "";
  for await (const chunk of logs(
    ref,
    { container, previous, tailLines: lines, limitBytes: lineBytes },
    signal,
  ))
    text += decoder.decode(chunk, { stream: true });
  return text
    .split("\n")
    .filter((line) => line !== "")
    .slice(-lines);
}
