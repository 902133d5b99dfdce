import type { Verdict } from "../core/verdict.ts";
import type { LogRecord } from "../record.ts";

/** Where records go. */
export interface Receiver {
  /** Resolves with what became of them; never rejects but by the signal's reason. */
  send(records: readonly LogRecord[], signal: AbortSignal): Promise<Verdict>;
  close(): Promise<void>;
}
