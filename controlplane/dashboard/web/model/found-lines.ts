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

/** The lines of a search as they come, a bounded number of them. Sources of several answers are one list. */
export class FoundLines {
  readonly lines: LogLine[] = [];
  readonly sources: FoundFrom[] = [];
  /** Of those that were dropped since there were too many. */
  dropped = 0;
  readonly #linesMost: number;
  readonly #known = new Map<string, number>();
  /** By the id that this answer has given. */
  #ofAnswer = new Map<number, number>();
  /** What stands at the edge may come again with the next answer. */
  #edge = new Set<string>();

  constructor(linesMost: number) {
    this.#linesMost = linesMost;
  }

  get isFull(): boolean {
    return this.lines.length >= this.#linesMost;
  }

  /** Another answer begins, with sources numbered anew. */
  begin(): void {
    this.#ofAnswer = new Map();
    const lastUs = this.lines.at(-1)?.atUs;
    this.#edge = new Set();
    for (let at = this.lines.length - 1; at >= 0; at--) {
      const line = this.lines[at];
      if (line === undefined || line.atUs !== lastUs) break;
      this.#edge.add(edgeKey(line));
    }
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
  takeEntry({ source, time, text, textBytes }: FoundEntry, dropsOldest = false): void {
    const line = {
      atUs: stampUs(time),
      stamp: time,
      text: textBytes === undefined ? text : `${text}… (of ${textBytes} bytes)`,
      source: this.#ofAnswer.get(source) ?? 0,
    };
    if (this.#edge.size > 0 && this.#edge.delete(edgeKey(line))) return;
    this.lines.push(line);
    if (!dropsOldest || this.lines.length <= this.#linesMost * 1.1) return;
    const gone = this.lines.length - this.#linesMost;
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
