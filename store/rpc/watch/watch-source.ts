import type { WatchCreateRequest } from "../../../proto/etcd.ts";
import type { Event } from "../../../proto/mvcc.ts";

/** What the watch service needs of the state; `store/compose.ts` joins it to the hub. */
export interface WatchSource {
  /** Delivers, from the next turn on, every matching event from `startRevision` (0: after the current one). */
  watch(target: WatchTarget, sink: WatchSink): WatchHandle;
}

export interface WatchTarget {
  readonly key: Uint8Array;
  /** Undefined: the one key. Empty: to the end. Else exclusive. */
  readonly rangeEnd: Uint8Array | undefined;
  readonly startRevision: number;
  readonly prevKv: boolean;
  readonly filters: WatchCreateRequest["filters"];
}

export interface WatchSink {
  /** Whole revisions in order, `revision` being how far the watch is now. False: no room; nothing more comes until
   *  `resume()`. */
  events(revision: number, events: readonly Event[]): boolean;
  /** History it needs is gone; the watch is over. */
  compacted(compactRevision: number): void;
}

export interface WatchHandle {
  resume(): void;
  close(): void;
  /** The revision up to which all events were delivered, or undefined while it is catching up, full, or starts in the
   *  future. */
  readonly syncedRevision: number | undefined;
}
