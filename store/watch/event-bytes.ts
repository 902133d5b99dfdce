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
