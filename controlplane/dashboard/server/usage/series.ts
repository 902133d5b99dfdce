/** Cores and bytes. */
export interface Amounts {
  readonly cpu: number;
  readonly memory: number;
}

/** What one node, pod or container used, by time; null where it was not measured. */
export interface Series {
  readonly name: string;
  readonly cpu: readonly (number | null)[];
  readonly memory: readonly (number | null)[];
}

export interface SeriesSet {
  /** Seconds since 1970, rising. */
  readonly times: readonly number[];
  readonly series: readonly Series[];
}

/** Series beyond it are told as one. */
export const seriesShownMost = 12;

export interface Shown extends SeriesSet {
  readonly total: Series;
  /** How many series there are; those that use least memory are left out of `series`. */
  readonly count: number;
}

/** The sum of all, and the largest. Pure. */
export function shownOf({ times, series }: SeriesSet): Shown {
  const sum = (of: (one: Series) => readonly (number | null)[]) =>
    times.map((_, at) =>
      series.reduce<number | null>((whole, one) => {
        const part = of(one)[at] ?? null;
        return part === null ? whole : (whole ?? 0) + part;
      }, null),
    );
  const weight = ({ memory }: Series) => memory.findLast((one) => one !== null) ?? 0;
  const largest =
    series.length <= seriesShownMost
      ? series
      : [...series].sort((a, b) => weight(b) - weight(a)).slice(0, seriesShownMost);
  const rounded = ({ name, cpu, memory }: Series): Series => ({
    name,
    cpu: cpu.map((one) => (one === null ? null : Number(one.toPrecision(4)))),
    memory: memory.map((one) => (one === null ? null : Math.round(one))),
  });
  return {
    times,
    series: [...largest].sort((a, b) => (a.name < b.name ? -1 : 1)).map(rounded),
    total: rounded({ name: "", cpu: sum(({ cpu }) => cpu), memory: sum(({ memory }) => memory) }),
    count: series.length,
  };
}
