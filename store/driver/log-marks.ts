import { must } from "../../base/assert.ts";
import type { RawNode } from "../raft/node.ts";
import type { ConfState, EntryId, Index, SnapshotMeta } from "../raft/types.ts";
import { type DriverConfig, driverLimits } from "./config.ts";

/** Decides when the log may be shortened: every `snapshotCount` applied entries the backend is flushed, the flushed index is
 *  marked in the durable log, and what lies before it may go.
 *  State: idle -> flushing -> flushed -> marking -> idle. */
export class LogMarks {
  readonly #snapshotCount: number;
  readonly #catchUpEntries: number;
  readonly #logBytesMax: number;
  #state:
    | { readonly kind: "idle" | "flushing" | "marking" }
    | { readonly kind: "flushed"; readonly at: EntryId } = {
    kind: "idle",
  };
  #marked: Index;
  /** Configurations and the index from which each holds, oldest first; the first covers all marks still to come. */
  #confs: { readonly index: Index; readonly conf: ConfState }[];

  constructor(
    options: Pick<DriverConfig, "snapshotCount" | "catchUpEntries" | "logBytesMax">,
    start: { readonly index: Index; readonly conf: ConfState },
  ) {
    this.#snapshotCount = options.snapshotCount;
    this.#catchUpEntries = options.catchUpEntries ?? driverLimits.catchUpEntries;
    this.#logBytesMax = options.logBytesMax ?? driverLimits.logBytesMax;
    this.#marked = start.index;
    this.#confs = [start];
  }

  confChanged(index: Index, conf: ConfState): void {
    this.#confs.push({ index, conf });
  }

  /** Whether a flush should start now. */
  isDue(raft: RawNode): boolean {
    if (this.#state.kind !== "idle") return false;
    const applied = raft.appliedIndex - this.#marked;
    return applied >= this.#snapshotCount || (applied > 0 && this.#isHeavy(raft));
  }

  /** idle -> flushing. */
  started(): void {
    this.#state = { kind: "flushing" };
  }

  /** flushing -> flushed. */
  flushed(at: EntryId): void {
    this.#state = { kind: "flushed", at };
  }

  /** flushed -> marking: what to mark in the durable log, if anything. */
  takeFlushed(): SnapshotMeta | undefined {
    if (this.#state.kind !== "flushed") return undefined;
    const { index, term } = this.#state.at;
    this.#state = { kind: "marking" };
    const { conf } = must(
      this.#confs.findLast((known) => known.index <= index),
      "the first configuration covers every mark",
    );
    return { index, term, conf };
  }

  /** marking -> idle. Shortens the log in memory: what followers may lack stays as long as it is not too much in all. Answers
   *  whether one has to be sent the state because it was. */
  finished(meta: SnapshotMeta, raft: RawNode): boolean {
    this.#state = { kind: "idle" };
    this.#marked = meta.index;
    const current = this.#confs.findLastIndex((known) => known.index <= meta.index);
    this.#confs = this.#confs.slice(Math.max(0, current));
    const ordinary = Math.max(0, meta.index - this.#catchUpEntries);
    const { wantedFrom } = raft;
    raft.compact(this.#isHeavy(raft) ? ordinary : Math.min(ordinary, wantedFrom - 1));
    if (this.#isHeavy(raft)) raft.compact(meta.index);
    return raft.termAt(wantedFrom - 1) === undefined;
  }

  /** Whether the log in memory has half of what it may have. */
  isHalfFull(raft: RawNode): boolean {
    return raft.logBytes > this.#logBytesMax / 2;
  }

  #isHeavy(raft: RawNode): boolean {
    return raft.logBytes > this.#logBytesMax;
  }
}
