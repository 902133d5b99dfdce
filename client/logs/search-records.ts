/** What a search answers: JSON objects, one a line, each of them one of these. */
export type SearchRecord =
  | { readonly source: FoundSource }
  | { readonly entry: FoundEntry }
  | { readonly counts: FoundCounts }
  | { readonly alive: { readonly searchedBytes: number } }
  | { readonly end: SearchEnd };

/** Who wrote entries. It comes before the first of them. */
export interface FoundSource {
  readonly id: number;
  readonly kind: "container" | "component" | "event" | "audit";
  readonly node?: string;
  readonly namespace?: string;
  readonly pod?: string;
  readonly podUid?: string;
  readonly container?: string;
  readonly restart?: number;
  readonly labels?: Readonly<Record<string, string>>;
  readonly component?: string;
}

export interface FoundEntry {
  /** The source's id. */
  readonly source: number;
  /** RFC 3339, UTC. */
  readonly time: string;
  readonly stream?: "stdout" | "stderr";
  readonly text: string;
  /** The text is only the beginning of one as long as this. */
  readonly textBytes?: number;
}

export interface FoundCounts {
  /** Where the first step begins. */
  readonly from: string;
  readonly stepMs: number;
  /** One, without a name, unless they are counted by something. */
  readonly series: readonly CountedSeries[];
}

export interface CountedSeries {
  readonly name: string;
  readonly counts: readonly number[];
}

export interface SearchEnd {
  readonly entries: number;
  /** There are more: `limit` was reached. */
  readonly isLimited: boolean;
  readonly searchedBytes: number;
  /** Whom was asked; only the API says it. */
  readonly nodes?: readonly AskedNode[];
}

export interface AskedNode {
  readonly name: string;
  /** Why its lines are missing, all or some. */
  readonly error?: string;
}

export const searchContentType = "application/x-ndjson";
