import { compileRegex } from "../../../client/logs/compile-regex.ts";
import { lineTest } from "../../../client/logs/match-line.ts";
import type { SearchRecord } from "../../../client/logs/search-records.ts";
import { type SearchRequest, timestamp, timestampUs } from "../../../client/logs/search-request.ts";
import type { KubeObject } from "../../../client/types.ts";

interface EventTimes {
  readonly lastTimestamp?: string | null;
  readonly eventTime?: string | null;
  readonly series?: { readonly lastObservedTime?: string | null } | null;
  readonly involvedObject?: { readonly kind?: string; readonly name?: string };
}

/** After so many letters others get a turn: a regular expression takes its time, and everybody is served here. */
const lettersInTurn = 4_096;
/** So far is an event looked at; what people read of it stands before. */
const lettersMost = 32_768;

/** Events that match, as lines of JSON: of those that are stored, by when they were last seen. Pure.
 *  @param turn Resolves once others had theirs; rejects where nobody waits for the answer any more. */
export async function foundEvents(
  events: readonly KubeObject[],
  request: SearchRequest,
  turn: () => Promise<void>,
): Promise<SearchRecord[]> {
  const { sinceUs, untilUs, order, limit, pod, query, counts } = request;
  const test = lineTest(query, compileRegex);
  const found: { readonly us: number; readonly namespace: string; readonly text: string }[] = [];
  let letters = 0;
  for (const event of events) {
    const us = seenUs(event);
    if (us === undefined || us < sinceUs || us >= untilUs) continue;
    const { kind, name } = (event as unknown as EventTimes).involvedObject ?? {};
    if (pod !== undefined && (kind !== "Pod" || name !== pod)) continue;
    const text = eventText(event);
    if (test(text.slice(0, lettersMost))) found.push({ us, namespace: event.metadata.namespace ?? "", text });
    letters += text.length;
    if (letters < lettersInTurn) continue;
    letters = 0;
    await turn();
  }
  found.sort((a, b) => (order === "newest" ? b.us - a.us : a.us - b.us));
  if (counts !== undefined)
    return [{ counts: countedEvents(found, request, counts) }, ending(found.length, false)];
  const shown = found.slice(0, limit);
  const ids = new Map(
    [...new Set(shown.map(({ namespace }) => namespace))].map((name, at) => [name, at + 1]),
  );
  return [
    ...[...ids].map(([namespace, id]): SearchRecord => ({ source: { id, kind: "event", namespace } })),
    ...shown.map(
      ({ us, namespace, text }): SearchRecord => ({
        entry: { source: ids.get(namespace) ?? 0, time: timestamp(us), text },
      }),
    ),
    ending(shown.length, found.length > limit),
  ];
}

const ending = (entries: number, isLimited: boolean): SearchRecord => ({
  end: { entries, isLimited, searchedBytes: 0 },
});

function seenUs(event: KubeObject): number | undefined {
  const { series, lastTimestamp, eventTime } = event as unknown as EventTimes;
  const { creationTimestamp } = event.metadata;
  return timestampUs(series?.lastObservedTime || lastTimestamp || eventTime || creationTimestamp || "");
}

function eventText(event: KubeObject): string {
  const { managedFields: _, ...metadata } = event.metadata as KubeObject["metadata"] & {
    managedFields?: unknown;
  };
  return JSON.stringify({ ...event, metadata });
}

function countedEvents(
  found: readonly { readonly us: number; readonly namespace: string }[],
  { sinceUs, untilUs }: SearchRequest,
  { stepUs, by }: NonNullable<SearchRequest["counts"]>,
) {
  const fromUs = Math.floor(sinceUs / stepUs) * stepUs;
  const steps = Math.max(1, Math.ceil((untilUs - fromUs) / stepUs));
  const series = new Map<string, number[]>();
  if (by === undefined) series.set("", new Array<number>(steps).fill(0));
  for (const { us, namespace } of found) {
    const name = by === "namespace" ? namespace : "";
    const counts = series.get(name) ?? new Array<number>(steps).fill(0);
    series.set(name, counts);
    const step = Math.floor((us - fromUs) / stepUs);
    counts[step] = (counts[step] ?? 0) + 1;
  }
  const named = [...series].map(([name, counts]) => ({ name, counts }));
  return { from: timestamp(fromUs), stepMs: stepUs / 1000, series: named };
}
