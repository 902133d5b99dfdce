import type { WatchCreateRequest } from "../../proto/etcd.ts";
import type { Change } from "../mvcc/change.ts";
import { asByteStrings, keyRange } from "../mvcc/range.ts";
import type { KeyRange } from "../mvcc/read.ts";
import type { WatchBatch } from "./event-bytes.ts";
import { covers } from "./watch-index.ts";

export interface WatchSink {
  /** False: send nothing more for now. */
  readonly ready: boolean;
  deliver(batch: WatchBatch): void;
  /** The watch is over: what it wants next is compacted. */
  compacted(compactRevision: number): void;
}

export type WatchOptions = Pick<
  WatchCreateRequest,
  "key" | "rangeEnd" | "startRevision" | "filters" | "prevKv"
>;

/** What the hub knows of a watch. */
export interface Watcher {
  readonly range: KeyRange<string>;
  readonly startRevision: number;
  readonly noPut: boolean;
  readonly noDelete: boolean;
  readonly prevKv: boolean;
  readonly sink: WatchSink;
  /** behind: everything before `next` was delivered. synced: everything was, but for what lies before `next`, which is not
   *  wanted. */
  state: "synced" | "behind" | "closed";
  next: number;
}

export function watcherOf(options: WatchOptions, sink: WatchSink, next: number): Watcher {
  return {
    range: rangeOf(options),
    startRevision: options.startRevision,
    noPut: options.filters.includes("NOPUT"),
    noDelete: options.filters.includes("NODELETE"),
    prevKv: options.prevKv,
    sink,
    state: "behind",
    next,
  };
}

/** A range in which no key lies: etcd refuses to watch it. */
export function isEmptyRange(options: Pick<WatchOptions, "key" | "rangeEnd">): boolean {
  const range = rangeOf(options);
  return !range.single && range.to !== undefined && range.to <= range.from;
}

/** Whether a watch, or a group of them, is told of changes of this kind. */
export function takesType(
  { noPut, noDelete }: Pick<Watcher, "noPut" | "noDelete">,
  { type }: Pick<Change, "type">,
): boolean {
  return type === "PUT" ? !noPut : !noDelete;
}

export function wants(watcher: Watcher, change: Change): boolean {
  return takesType(watcher, change) && covers(watcher.range, change.key);
}

const smallestKey = new Uint8Array(1);

function rangeOf({ key, rangeEnd }: Pick<WatchOptions, "key" | "rangeEnd">): KeyRange<string> {
  return asByteStrings(keyRange(key.length === 0 ? smallestKey : key, rangeEnd));
}
