import type { FoundCounts } from "../../client/logs/search-records.ts";
import { type CountedBy, type SearchRequest, timestamp } from "../../client/logs/search-request.ts";
import type { LogOrigin } from "./sources.ts";

/** More names than these are counted together, without a name. */
const seriesMost = 50;

/** How many lines there are in each step of time. */
export class LineCounts {
  readonly #fromUs: number;
  readonly #stepUs: number;
  readonly #steps: number;
  readonly #by: CountedBy | undefined;
  readonly #series = new Map<string, number[]>();

  constructor(
    { sinceUs, untilUs }: Pick<SearchRequest, "sinceUs" | "untilUs">,
    { stepUs, by }: NonNullable<SearchRequest["counts"]>,
  ) {
    // Steps begin where a clock has them, so that the same hour is counted alike whenever it is asked for.
    this.#fromUs = Math.floor(sinceUs / stepUs) * stepUs;
    this.#stepUs = stepUs;
    this.#steps = Math.max(1, Math.ceil((untilUs - this.#fromUs) / stepUs));
    this.#by = by;
    if (by === undefined) this.#counts("");
  }

  add(timeUs: number, origin: LogOrigin, stream: string | undefined): void {
    const step = Math.floor((timeUs - this.#fromUs) / this.#stepUs);
    const counts = this.#counts(this.#nameOf(origin, stream));
    counts[step] = (counts[step] ?? 0) + 1;
  }

  get found(): FoundCounts {
    const series = [...this.#series].map(([name, counts]) => ({ name, counts }));
    return { from: timestamp(this.#fromUs), stepMs: this.#stepUs / 1000, series };
  }

  #counts(name: string): number[] {
    const isNew = !this.#series.has(name);
    const kept = isNew && this.#series.size >= seriesMost ? "" : name;
    const counts = this.#series.get(kept) ?? new Array<number>(this.#steps).fill(0);
    this.#series.set(kept, counts);
    return counts;
  }

  #nameOf(origin: LogOrigin, stream: string | undefined): string {
    const by = this.#by;
    if (by === undefined || by === "node") return "";
    if (by === "stream") return stream ?? "";
    if (by === "component") return origin.kind === "container" ? "" : origin.component;
    return origin.kind === "container" ? origin[by] : "";
  }
}
