import type { FoundCounts } from "../../../../client/logs/search-records.ts";

export interface Bar {
  readonly fromMs: number;
  readonly toMs: number;
  readonly total: number;
  /** Of each series, from below. */
  readonly parts: readonly { readonly series: number; readonly from: number; readonly count: number }[];
}

export interface Bars {
  readonly bars: readonly Bar[];
  readonly names: readonly string[];
  /** Of each series. */
  readonly totals: readonly number[];
  readonly total: number;
  readonly most: number;
}

/** As many as there are colours; the smaller ones are one. */
const seriesMost = 8;

/** What was counted, as bars: one for each step, a part for each series, the largest first. Pure. */
export function barsOf({ from, stepMs, series }: FoundCounts): Bars {
  const sum = (counts: readonly number[]) => counts.reduce((all, one) => all + one, 0);
  const sorted = series
    .map(({ name, counts }) => ({ name, counts, total: sum(counts) }))
    .sort((a, b) => b.total - a.total || (a.name < b.name ? -1 : 1));
  const kept = sorted.length > seriesMost ? sorted.slice(0, seriesMost - 1) : sorted;
  const rest = sorted.slice(kept.length);
  const length = Math.max(0, ...series.map(({ counts }) => counts.length));
  const others = {
    name: `${rest.length} others`,
    counts: Array.from({ length }, (_, at) => sum(rest.map(({ counts }) => counts[at] ?? 0))),
    total: sum(rest.map(({ total }) => total)),
  };
  const shown = rest.length > 0 ? [...kept, others] : kept;
  const fromMs = Date.parse(from);
  const bars = Array.from({ length }, (_, at): Bar => {
    let top = 0;
    const parts = shown.flatMap(({ counts }, index) => {
      const count = counts[at] ?? 0;
      const part = { series: index, from: top, count };
      top += count;
      return count > 0 ? [part] : [];
    });
    return { fromMs: fromMs + at * stepMs, toMs: fromMs + (at + 1) * stepMs, total: top, parts };
  });
  return {
    bars,
    names: shown.map(({ name }) => name),
    totals: shown.map(({ total }) => total),
    total: sum(shown.map(({ total }) => total)),
    most: Math.max(0, ...bars.map(({ total }) => total)),
  };
}
