import type { FoundEntry, FoundSource, SearchRecord } from "../../../../client/logs/search-records.ts";
import type { LogLine } from "./log-line.ts";
import { stampUs } from "./log-line.ts";

/** Reads what a search answers: JSON objects, one a line, in pieces that end anywhere. Pure but for what it holds. */
export class RecordReader {
  #rest = "";
  readonly #charsMost: number;

  constructor(charsMost = 4 * 1024 * 1024) {
    this.#charsMost = charsMost;
  }

  /** The records that a piece completes. Throws for a line that is too long or no JSON. */
  read(piece: string): SearchRecord[] {
    const lines = (this.#rest + piece).split("\n");
    this.#rest = lines.pop() ?? "";
    if (this.#rest.length > this.#charsMost) throw new Error("a line of the answer is too long");
    return lines.filter((line) => line.trim() !== "").map((line) => JSON.parse(line) as SearchRecord);
  }
}

/** Whose a line is; the number counts from 0, over all answers of one view. */
export interface FoundFrom extends Omit<FoundSource, "id"> {
  readonly key: string;
}

export interface FoundLine extends LogLine {
  readonly stream?: "stdout" | "stderr";
  /** The text is only the beginning of one as long as this. */
  readonly textBytes?: number;
}

export interface FoundBounds {
  readonly linesMost: number;
  readonly charsMost: number;
}

/** The lines of a search as they come, a bounded number of them. Sources of several answers are one list. */
export class FoundLines {
  readonly lines: FoundLine[] = [];
  readonly sources: FoundFrom[] = [];
  /** Of those that were dropped since there were too many. */
  dropped = 0;
  readonly #bounds: FoundBounds;
  #chars = 0;
  readonly #known = new Map<string, number>();
  /** By the id that this answer has given. */
  #ofAnswer = new Map<number, number>();
  /** What stands at the edge may come again with the next answer. */
  #edge = new Set<string>();

  constructor(bounds: FoundBounds) {
    this.#bounds = bounds;
  }

  get isFull(): boolean {
    return this.lines.length >= this.#bounds.linesMost || this.#chars >= this.#bounds.charsMost;
  }

  /** How many lines come again with the next answer. */
  get edgeLines(): number {
    const lastUs = this.lines.at(-1)?.atUs;
    let at = this.lines.length;
    while (at > 0 && this.lines[at - 1]?.atUs === lastUs) at--;
    return this.lines.length - at;
  }

  /** Another answer begins, with sources numbered anew. */
  begin(): void {
    this.#ofAnswer = new Map();
    this.#edge = new Set(this.lines.slice(this.lines.length - this.edgeLines).map(edgeKey));
  }

  takeSource({ id, ...about }: FoundSource): void {
    const key = [
      about.kind,
      about.node,
      about.namespace,
      about.pod,
      about.podUid,
      about.container,
      about.restart,
      about.component,
    ].join("/");
    let at = this.#known.get(key);
    if (at === undefined) {
      at = this.sources.push({ ...about, key }) - 1;
      this.#known.set(key, at);
    }
    this.#ofAnswer.set(id, at);
  }

  /** @param dropsOldest Lines are followed: the first of them give way. */
  takeEntry({ source, time, text, stream, textBytes }: FoundEntry, dropsOldest = false): void {
    const line = {
      atUs: stampUs(time),
      stamp: time,
      text,
      source: this.#ofAnswer.get(source) ?? 0,
      ...(stream && { stream }),
      ...(textBytes !== undefined && { textBytes }),
    };
    if (this.#edge.size > 0 && this.#edge.delete(edgeKey(line))) return;
    this.lines.push(line);
    this.#chars += text.length;
    if (dropsOldest) this.#bound();
  }

  /** Drops a tenth at once, so that each line costs its share of one move. */
  #bound(): void {
    const { linesMost, charsMost } = this.#bounds;
    if (this.lines.length <= linesMost * 1.1 && this.#chars <= charsMost) return;
    let gone = Math.max(0, this.lines.length - linesMost);
    let chars = this.#chars;
    for (let at = 0; at < this.lines.length && (at < gone || chars > charsMost * 0.9); at++) {
      chars -= this.lines[at]?.text.length ?? 0;
      gone = Math.max(gone, at + 1);
    }
    this.#chars = chars;
    this.lines.splice(0, gone);
    this.dropped += gone;
  }
}

const edgeKey = ({ stamp, text, source }: LogLine): string => `${source} ${stamp} ${text}`;

/** What one calls a source. Pure. */
export function sourceName({
  kind,
  pod,
  container,
  component,
  namespace,
  node,
}: Omit<FoundSource, "id">): string {
  if (kind === "container") return `${pod ?? ""}/${container ?? ""}`;
  if (kind === "event") return namespace || "cluster";
  return component ?? node ?? kind;
}
