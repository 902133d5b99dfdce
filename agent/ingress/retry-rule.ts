import type { Retry } from "./route.ts";
import type { UpstreamFailure } from "./upstream.ts";

/** Whether a request is sent to another endpoint. Pure. */

export interface Attempt {
  /** With this one. */
  readonly tries: number;
  /** Since the first one. */
  readonly afterMs: number;
  readonly method: string;
  /** Nothing of its body was sent, or there is none. */
  readonly canRepeat: boolean;
}

const harmless: ReadonlySet<string> = new Set(["GET", "HEAD", "PUT", "DELETE", "OPTIONS"]);

export function retriesFailure(retry: Retry, failure: UpstreamFailure, attempt: Attempt): boolean {
  if (!attempt.canRepeat) return false;
  const wasNotSent = failure.kind === "connect" || failure.kind === "connectTimeout";
  if (!wasNotSent && !mayRepeat(retry, attempt)) return false;
  // A connection that closed while it was idle says nothing about the endpoint.
  if (failure.wasReused && failure.kind === "broken") return attempt.tries < Math.max(2, retry.triesMost);
  return isWithin(retry, attempt) && retry.reasons.includes(reasonOf(failure.kind));
}

export function retriesStatus(retry: Retry, status: number, attempt: Attempt): boolean {
  return (
    retry.statuses.includes(status) &&
    attempt.canRepeat &&
    mayRepeat(retry, attempt) &&
    isWithin(retry, attempt)
  );
}

const mayRepeat = ({ reasons }: Retry, { method }: Attempt) =>
  harmless.has(method) || reasons.includes("non_idempotent");

const isWithin = ({ triesMost, withinMs }: Retry, { tries, afterMs }: Attempt) =>
  tries < triesMost && (withinMs === undefined || afterMs < withinMs);

function reasonOf(kind: UpstreamFailure["kind"]): Retry["reasons"][number] {
  if (kind === "invalid") return "invalid_header";
  return kind === "connectTimeout" || kind === "timeout" ? "timeout" : "error";
}
