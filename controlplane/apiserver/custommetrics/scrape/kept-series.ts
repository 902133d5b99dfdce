import { type KeptSeries, labelsKey } from "../query/evaluate.ts";
import type { Point } from "../query/range-functions.ts";
import type { SeriesLabels } from "../query/vector-selector.ts";
import type { Exposed } from "./exposition.ts";
import type { Target } from "./targets.ts";

/** Of one pod's page, and of all together. */
export const seriesOfTargetMax = 1_000;
export const seriesMax = 10_000;

interface Kept extends KeptSeries {
  readonly labels: SeriesLabels;
  readonly points: Point[];
  goneMs: number | undefined;
}

/** What was read of pods lately. Pure.
 *  Invariants: at most `seriesOfTargetMax` series a page and `seriesMax` in all, each with the samples of the time that is asked
 *  for; a series that was not there when its page was read last has no newest sample. */
export class SeriesMemory {
  readonly #targets = new Map<string, Map<string, Kept>>();
  readonly #keptMs: number;
  #count = 0;

  constructor(keptMs: number) {
    this.#keptMs = keptMs;
  }

  get count(): number {
    return this.#count;
  }

  *all(): Generator<KeptSeries> {
    for (const series of this.#targets.values()) yield* series.values();
  }

  /** @returns How many series there was no place for. */
  read(target: Target, exposed: Iterable<Exposed>, atMs: number): number {
    const series = this.#targets.get(target.key) ?? new Map<string, Kept>();
    this.#targets.set(target.key, series);
    const seen = new Set<string>();
    let left = 0;
    for (const one of exposed) {
      const labels = labelled(one.labels, target);
      const key = labelsKey(labels);
      if (seen.has(key)) continue;
      let kept = series.get(key);
      if (kept === undefined) {
        if (series.size >= seriesOfTargetMax || this.#count >= seriesMax) {
          left += 1;
          continue;
        }
        kept = { labels, points: [], goneMs: undefined };
        series.set(key, kept);
        this.#count += 1;
      }
      seen.add(key);
      kept.goneMs = undefined;
      kept.points.push({ atMs, value: one.value });
    }
    for (const [key, kept] of series) if (!seen.has(key)) kept.goneMs ??= atMs;
    return left;
  }

  /** The page could not be read, or its pod is gone. */
  lost(key: string, atMs: number): void {
    for (const kept of this.#targets.get(key)?.values() ?? []) kept.goneMs ??= atMs;
  }

  /** Drops what nobody asks about any more, and what was lost of pages that are none any more. */
  forget(nowMs: number, targets: ReadonlySet<string>): void {
    for (const [target, series] of this.#targets) {
      if (!targets.has(target)) this.lost(target, nowMs);
      for (const [key, { points, goneMs }] of series) {
        // The newest counts for as long as nothing newer was read.
        while (points.length > 1 && (points[0]?.atMs ?? 0) < nowMs - this.#keptMs) points.shift();
        if (goneMs === undefined || goneMs > nowMs - this.#keptMs) continue;
        series.delete(key);
        this.#count -= 1;
      }
      if (series.size === 0 && !targets.has(target)) this.#targets.delete(target);
    }
  }
}

/** As Prometheus labels what it reads of pods: what a page says itself of the same label is `exported_…`. */
function labelled(labels: SeriesLabels, { namespace, pod, node, host, port }: Target): SeriesLabels {
  const own = new Map([
    ["namespace", namespace],
    ["pod", pod],
    ["node", node],
    ["instance", `${host.includes(":") ? `[${host}]` : host}:${port}`],
    ["job", "kubernetes-pods"],
  ]);
  const found = new Map<string, string>();
  for (const [label, value] of labels)
    if (value !== "") found.set(own.has(label) ? `exported_${label}` : label, value);
  for (const [label, value] of own) found.set(label, value);
  return found;
}
