import type { QueryResult } from "./query/evaluate.ts";
import type { SeriesLabels, SeriesSelector } from "./query/vector-selector.ts";

/** Where series come from. Everything fails with an Error that says what stood in the way; the signal's reason passes. */
export interface MetricsSource {
  /** The series that the selector takes and that were there lately. */
  series(selector: SeriesSelector, signal: AbortSignal): Promise<readonly SeriesLabels[]>;
  query(query: string, signal: AbortSignal): Promise<QueryResult>;
  close(): void;
}
