/** A histogram as Prometheus' text has it. */
export interface Histogram {
  /** How many took at most so long, the bounds rising. */
  readonly buckets: readonly { readonly most: number; readonly count: number }[];
  readonly count: number;
  readonly sum: number;
}

const bucketsMost = 200;

/** The histogram of that name, without labels of its own; undefined where the text has none. Pure. */
export function histogramOf(text: string, name: string): Histogram | undefined {
  const buckets: { most: number; count: number }[] = [];
  let count: number | undefined;
  let sum = 0;
  for (const line of text.split("\n")) {
    if (!line.startsWith(name)) continue;
    const [, part, most, figure] =
      /^_(bucket\{le="([^"]+)"\}|count|sum) (\S+)$/.exec(line.slice(name.length)) ?? [];
    const value = Number(figure);
    if (part === undefined || !Number.isFinite(value)) continue;
    if (part === "count") count = value;
    else if (part === "sum") sum = value;
    else if (most !== "+Inf" && Number.isFinite(Number(most)) && buckets.length < bucketsMost)
      buckets.push({ most: Number(most), count: value });
  }
  return count === undefined ? undefined : { buckets, count, sum };
}
