import { heldLeaseReason } from "./held-lease.ts";
import type { Status } from "./types.ts";

/** The server's refusal: an HTTP status with Kubernetes' Status object. */
export class ApiError extends Error {
  override readonly name = "ApiError";
  /** The HTTP status. */
  readonly code: number;
  /** Kubernetes' word for it, such as `NotFound`; empty when the server gave none. */
  readonly reason: string;
  readonly status: Status;

  constructor(code: number, status: Status) {
    super(status.message ?? `the server answered ${code}`);
    this.code = code;
    this.reason = status.reason ?? "";
    this.status = status;
  }
}

/** No server gave an answer. `cause` is the last failure. */
export class ConnectionError extends Error {
  override readonly name = "ConnectionError";
  /** True when the request has done nothing: no byte of it can have reached a server, or none that would do it. */
  readonly neverSent: boolean;

  constructor(message: string, options: { readonly neverSent: boolean; readonly cause?: unknown }) {
    super(message, { cause: options.cause });
    this.neverSent = options.neverSent;
  }
}

/** An ApiError from an answer's body, which may or may not be a Status. */
export function apiErrorFrom(code: number, body: string): ApiError {
  return new ApiError(
    code,
    statusFrom(body) ?? { code, message: plainMessage(code, body), status: "Failure" },
  );
}

/** The body as a Status object, or undefined when it is none. */
export function statusFrom(body: string): Status | undefined {
  let value: unknown;
  try {
    value = JSON.parse(body);
  } catch {
    return undefined;
  }
  return isStatus(value) ? value : undefined;
}

export function isStatus(value: unknown): value is Status {
  return typeof value === "object" && value !== null && "kind" in value && value.kind === "Status";
}

function plainMessage(code: number, body: string): string {
  const text = body.trim().slice(0, 500);
  return text === "" ? `the server answered ${code}` : text;
}

export const isNotFound = (error: unknown): boolean => hasCode(error, 404);
/** Undefined in place of what is not there. */
export async function orAbsent<T>(asked: Promise<T>): Promise<T | undefined> {
  try {
    return await asked;
  } catch (error) {
    if (isNotFound(error)) return undefined;
    throw error;
  }
}

/** The object changed since it was read. */
export const isConflict = (error: unknown): boolean =>
  hasCode(error, 409) && error instanceof ApiError && error.reason !== "AlreadyExists";
export const isAlreadyExists = (error: unknown): boolean =>
  error instanceof ApiError && error.reason === "AlreadyExists";
/** The asked-for revision or continue token is too old: list anew. Also for 410 inside a watch. */
export const isGone = (error: unknown): boolean =>
  hasCode(error, 410) || (error instanceof ApiError && error.reason === "Expired");
/** The write was decided under a Lease that is not held so any more; nothing was done. */
export const isLeaseNotHeld = (error: unknown): boolean =>
  error instanceof ApiError && error.reason === heldLeaseReason;
export const isInvalid = (error: unknown): boolean => hasCode(error, 422);
export const isForbidden = (error: unknown): boolean => hasCode(error, 403);

function hasCode(error: unknown, code: number): boolean {
  return error instanceof ApiError && error.code === code;
}
