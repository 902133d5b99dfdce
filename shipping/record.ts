/** What logs are shipped. */
export const sources = ["containers", "components", "events", "audit"] as const;
export type Source = (typeof sources)[number];

/** Where lines come from: what holds for all lines of one file. It is written beside them into the buffer. */
export interface Stream {
  readonly source: Source;
  /** Tells it from every other stream of the cluster. */
  readonly key: string;
  readonly node?: string;
  readonly namespace?: string;
  readonly pod?: {
    readonly name: string;
    readonly uid: string;
    readonly labels: Readonly<Record<string, string>>;
  };
  readonly container?: string;
  /** How many containers of this name the pod had before. */
  readonly restarts?: number;
  /** The part of the cluster that writes it, such as `apiserver-1`. */
  readonly component?: string;
  /** The file, as the node has it. */
  readonly path?: string;
}

export type Severity = "debug" | "info" | "warn" | "error" | "fatal";

/** One line on its way. */
export interface LogRecord {
  readonly stream: Stream;
  /** The same each time the same line is read. */
  readonly id: string;
  /** RFC 3339, in UTC, up to nanoseconds. */
  readonly time: string;
  readonly text: string;
  readonly output?: "stdout" | "stderr";
  readonly severity?: Severity;
  /** In place of the stream's, where its lines are of several. */
  readonly namespace?: string;
  /** What is known of it beside its text: an Event's object, an audit event's user. */
  readonly attributes?: Readonly<Record<string, string>>;
}

const nanosDigits = 9;

/** The last that 64 bits have in nanoseconds. */
const msMax = 9_223_372_036_854;

/** Nanoseconds since 1970, as decimal digits; undefined for what is no time, or one that receivers have no number for. */
export function nanosOf(time: string): string | undefined {
  const ms = Date.parse(time);
  if (!(ms >= 0 && ms < msMax)) return undefined;
  const fraction = /\.(\d+)/.exec(time)?.[1] ?? "";
  const seconds = Math.floor(ms / 1000);
  return `${seconds}${fraction.slice(0, nanosDigits).padEnd(nanosDigits, "0")}`;
}
