import { watchResponse } from "../../proto/etcd.ts";
import { event } from "../../proto/mvcc.ts";
import type { Change } from "../mvcc/change.ts";

/** A change and its bytes as an event, made at most once for all watches. */
export class WatchEvent {
  readonly change: Change;
  #plain: Uint8Array | undefined;
  #withPrevious: Uint8Array | undefined;

  constructor(change: Change) {
    this.change = change;
  }

  plain(): Uint8Array {
    const { type, kv, event: made } = this.change;
    if (made !== undefined) return made;
    this.#plain ??= event.encode({ type, kv });
    return this.#plain;
  }

  /** `previous` finds the value that was replaced, if it still exists. */
  withPrevious(previous: (change: Change) => Uint8Array | undefined): Uint8Array {
    if (this.#withPrevious === undefined) {
      const { type, kv } = this.change;
      const prevKv = previous(this.change);
      this.#withPrevious = prevKv === undefined ? this.plain() : event.encode({ type, kv, prevKv });
    }
    return this.#withPrevious;
  }
}

/** What a watch is given at once; watches that are given the same events share it. */
export class WatchBatch {
  /** The store's revision, for the response's header. */
  readonly revision: number;
  /** Encoded mvccpb.Event, whole revisions. */
  readonly events: readonly Uint8Array[];
  #body: Uint8Array | undefined;
  #head: { readonly watchId: bigint; readonly bytes: Uint8Array } | undefined;

  constructor(revision: number, events: readonly Uint8Array[]) {
    this.revision = revision;
    this.events = events;
  }

  /** An encoded WatchResponse up to its events, with `header` as its first field. Made once for watches in a row with the same
   *  id, which most have: their streams' only one. */
  head(watchId: bigint, header: { at(revision: number): Uint8Array }): Uint8Array {
    if (this.#head?.watchId !== watchId) {
      const bytes = Buffer.concat([header.at(this.revision), watchResponse.encode({ watchId })]);
      this.#head = { watchId, bytes };
    }
    return this.#head.bytes;
  }

  /** The events as they stand in an encoded WatchResponse, behind its head. */
  get body(): Uint8Array {
    this.#body ??= watchResponse.encode({ events: this.events });
    return this.#body;
  }
}
