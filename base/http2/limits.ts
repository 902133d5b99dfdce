import type { SilenceLimits } from "./keep-alive.ts";

/** What one connection may ask for. */
export interface Http2Limits {
  /** Streams at once; more are refused, which says that nothing was done for them. */
  readonly streamsMost: number;
  /** Bytes that a client may send on a stream, and on all of them, before we took them in. */
  readonly streamWindowBytes: number;
  readonly connectionWindowBytes: number;
  /** All headers of a request, as HTTP/2 counts them. */
  readonly headerListBytesMost: number;
  /** How long a client may take to say that it speaks HTTP/2, and for the rest of a head that it began. Absent: as long as it
   *  wants. */
  readonly headWithinMs?: number;
  /** When a client that was silent is asked whether it is there. Absent: `serverSilence`; null: never. */
  readonly silence?: SilenceLimits | null;
  /** How long a connection stays without any request. Absent: for ever. */
  readonly idleMostMs?: number;
}
