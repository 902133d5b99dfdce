import type { Cancellation } from "../../../base/cancellation.ts";
import type { User } from "./authentication.ts";
import type { RequestInfo } from "./request-info.ts";

/** Who may come in while many are: the bounds on requests under way. */
export interface Seats {
  readonly counts: SeatCounts;
  /** The seat, at once or once the request may go on. Fails with 429 for those who are too many, and with the cancellation's
   *  reason. */
  enter(asking: Asking): Seat | Promise<Seat>;
}

/** Both may be called several times. */
export interface Seat {
  /** The request needs its seat no more: it is answered, or is a watch that has begun. */
  leave(): void;
  /** The request is over. */
  end(): void;
}

export interface Asking {
  readonly user: User;
  readonly info: RequestInfo;
  readonly cancellation: Cancellation;
  /** Sets a header of the answer, whatever that will be. */
  readonly setHeader: (name: string, value: string) => void;
}

/** Requests by whether they change something. */
export interface SeatCounts {
  readonly executing: Record<RequestKind, number>;
  readonly waiting: Record<RequestKind, number>;
}
export type RequestKind = "readOnly" | "mutating";

const readingVerbs: ReadonlySet<string> = new Set(["get", "list", "watch"]);

export function requestKind({ verb }: RequestInfo): RequestKind {
  return readingVerbs.has(verb) ? "readOnly" : "mutating";
}

export function noCounts(): SeatCounts {
  return { executing: { readOnly: 0, mutating: 0 }, waiting: { readOnly: 0, mutating: 0 } };
}
