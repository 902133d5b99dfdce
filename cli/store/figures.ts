/** What a load found out. */
export interface Figures {
  readonly count: number;
  readonly errors: number;
  readonly seconds: number;
  readonly perSecond: number;
  /** Milliseconds from asking to the answer. */
  readonly averageMs: number;
  readonly fastestMs: number;
  readonly slowestMs: number;
  readonly stddevMs: number;
  readonly p50Ms: number;
  readonly p90Ms: number;
  readonly p99Ms: number;
  readonly p999Ms: number;
}

/** The time that each of many requests took. */
export class Stopwatch {
  readonly #tookMs: number[] = [];
  errors = 0;

  took(ms: number): void {
    this.#tookMs.push(ms);
  }

  figures(seconds: number): Figures {
    const sorted = Float64Array.from(this.#tookMs).sort();
    const count = sorted.length;
    const at = (share: number) => round(sorted[Math.min(count - 1, Math.floor(share * count))] ?? 0);
    const average = count === 0 ? 0 : sorted.reduce((sum, ms) => sum + ms, 0) / count;
    const variance = count === 0 ? 0 : sorted.reduce((sum, ms) => sum + (ms - average) ** 2, 0) / count;
    return {
      count,
      errors: this.errors,
      seconds: round(seconds),
      perSecond: round(count / seconds),
      averageMs: round(average),
      fastestMs: at(0),
      slowestMs: at(1),
      stddevMs: round(Math.sqrt(variance)),
      p50Ms: at(0.5),
      p90Ms: at(0.9),
      p99Ms: at(0.99),
      p999Ms: at(0.999),
    };
  }
}

const round = (value: number): number => Math.round(value * 1_000) / 1_000;
