import { isDeepStrictEqual } from "node:util";
import { latin1 } from "../../../base/wire.ts";
import type { WatchResponse } from "../../../proto/etcd.ts";
import type { Event } from "../../../proto/mvcc.ts";
import type { ModelEvent } from "../../model/etcd-model.ts";
import { kvOf } from "../answers.ts";
import type { CommittedLog } from "../committed-log.ts";
import type { Report } from "../report.ts";
import { textOf } from "../text-of.ts";

export interface WatchedRange {
  readonly client: string;
  readonly key: Uint8Array;
  readonly rangeEnd: Uint8Array;
  readonly prevKv: boolean;
  readonly filters: readonly ("NOPUT" | "NODELETE")[];
}

/** Where one watch is: everything before `next` was delivered. */
export interface WatchPosition {
  readonly range: WatchedRange;
  next: number;
}

/** A watch sees every event of its range from its start on, in order, once, whole revisions at a time; and is told of
 *  progress only up to where it was given everything. */
export class Watches {
  readonly #committed: CommittedLog;
  readonly #report: Report;

  constructor(committed: CommittedLog, report: Report) {
    this.#committed = committed;
    this.#report = report;
  }

  /** Events, or progress where there are none. */
  received(watch: WatchPosition, response: Pick<WatchResponse, "events" | "header">): void {
    const say = (what: string) => this.#report("watch", `${textOf(watch.range)} from ${watch.next}: ${what}`);
    const { events } = response;
    const headerRevision = response.header?.revision ?? 0;
    const upTo = events.length === 0 ? headerRevision : (events.at(-1)?.kv?.modRevision ?? 0);
    const wanted = this.#events(watch, upTo);
    for (const [at, event] of events.entries()) {
      const right = wanted[at];
      if (right === undefined || !this.#isEqual(watch, event, right)) {
        say(`was given ${textOf(event)}, where ${right === undefined ? "nothing" : textOf(right)} is right`);
        return;
      }
    }
    const missing = wanted[events.length];
    if (missing !== undefined)
      say(`is told that it is at revision ${upTo} without having been given ${textOf(missing)}`);
    if (headerRevision < upTo) say(`the header says ${headerRevision}, the events ${upTo}`);
    watch.next = Math.max(watch.next, upTo + 1);
  }

  /** A response came in pieces. */
  inPieces({ range }: WatchPosition, wasAskedFor: boolean): void {
    if (!wasAskedFor) this.#report("watch", `${textOf(range)} gets pieces without having asked for them`);
  }

  /** The watch ended because what it wants was compacted. */
  compacted(watch: WatchPosition, compactRevision: number): void {
    if (compactRevision > this.#committed.model.compactRevision || watch.next >= compactRevision)
      this.#report(
        "watch",
        `${textOf(watch.range)} at ${watch.next} ended as compacted up to ${compactRevision}`,
      );
  }

  /** The store is at rest: nothing may be missing. */
  finished(watch: WatchPosition): void {
    const missing = this.#events(watch, Number.POSITIVE_INFINITY)[0];
    if (missing !== undefined)
      this.#report("watch", `${textOf(watch.range)} never got ${textOf(missing)}, though all is quiet`);
  }

  #events({ range, next }: WatchPosition, upTo: number): readonly ModelEvent[] {
    return this.#committed.model
      .eventsFor(range, next)
      .filter(({ type, revision }) => revision <= upTo && !range.filters.includes(`NO${type}`));
  }

  #isEqual({ range }: WatchPosition, event: Event, right: ModelEvent): boolean {
    if (event.type !== right.type || event.kv === undefined) return false;
    if (event.kv.modRevision !== right.revision || latin1(event.kv.key) !== right.key) return false;
    if (right.kv !== undefined && !isDeepStrictEqual(kvOf(event.kv), right.kv)) return false;
    if (!range.prevKv) return event.prevKv === undefined;
    if (event.prevKv !== undefined) return isDeepStrictEqual(kvOf(event.prevKv), right.previous);
    // A compaction may have taken the value before.
    return right.previous === undefined || right.previous.mod <= this.#committed.model.compactRevision;
  }
}
