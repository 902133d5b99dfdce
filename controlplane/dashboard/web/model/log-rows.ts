import type { LogBuffer } from "./log-buffer.ts";
import { cellsOf, type Level, type LogLine, levelOf, levels, shownText } from "./log-line.ts";
import type { Matcher } from "./log-search.ts";

export interface LogWish {
  readonly matcher: Matcher | undefined;
  /** Lines without what is looked for are hidden. */
  readonly onlyMatches: boolean;
  /** Lines that are less grave, or do not say how grave they are, are hidden. */
  readonly leastLevel: Level | undefined;
  /** Cells of a row, where long lines go on in the next; undefined where they do not. */
  readonly wrapCells: number | undefined;
  readonly readsJson: boolean;
}

/** The rows of a log: which lines are shown, where each begins, and which have what is looked for. They follow the buffer in
 *  steps, so that a hundred thousand lines hold up nothing. */
export class LogRows {
  /** Numbers of the lines that are shown, in order. */
  readonly numbers: number[] = [];
  /** Numbers of those with what is looked for. */
  readonly matches: number[] = [];
  readonly #buffer: LogBuffer;
  readonly #wish: LogWish;
  /** Where each row begins, in rows of one line; kept where lines wrap. */
  readonly #tops: number[] = [];
  #height = 0;
  #readTo: number;

  constructor(buffer: LogBuffer, wish: LogWish) {
    this.#buffer = buffer;
    this.#wish = wish;
    this.#readTo = buffer.first;
  }

  /** In rows of one line. */
  get height(): number {
    return this.#wish.wrapCells === undefined
      ? this.numbers.length
      : this.#height - (this.#tops[0] ?? this.#height);
  }

  /** Lines that wait to be read. */
  get unread(): number {
    return this.#buffer.end - Math.max(this.#readTo, this.#buffer.first);
  }

  /** Where a row begins. */
  top(row: number): number {
    if (this.#wish.wrapCells === undefined) return row;
    return (this.#tops[row] ?? this.#height) - (this.#tops[0] ?? 0);
  }

  /** The row that stands at a height. */
  rowAt(top: number): number {
    if (this.#wish.wrapCells === undefined)
      return Math.min(this.numbers.length, Math.max(0, Math.floor(top)));
    const base = this.#tops[0] ?? 0;
    return Math.max(0, lowerBound(this.#tops, base + top + 1) - 1);
  }

  /** Lines from this number on are others than before. */
  changed(from: number): void {
    if (from >= this.#readTo) return;
    this.#readTo = from;
    this.matches.length = lowerBound(this.matches, from);
    const kept = lowerBound(this.numbers, from);
    if (kept < this.numbers.length) {
      this.numbers.length = kept;
      this.#height = this.#tops[kept] ?? this.#height;
      if (this.#tops.length > kept) this.#tops.length = kept;
    }
  }

  /** Lets go of what the buffer dropped. Answers how high it stood. */
  forget(): number {
    const { first } = this.#buffer;
    const gone = lowerBound(this.numbers, first);
    const height = this.top(gone);
    if (gone > 0) {
      this.numbers.splice(0, gone);
      this.#tops.splice(0, gone);
    }
    const goneMatches = lowerBound(this.matches, first);
    if (goneMatches > 0) this.matches.splice(0, goneMatches);
    this.#readTo = Math.max(this.#readTo, first);
    return height;
  }

  /** Reads on, until `mayGoOn` says no. */
  read(mayGoOn: () => boolean): void {
    for (let count = 0; this.#readTo < this.#buffer.end; count++) {
      if (count % 64 === 63 && !mayGoOn()) return;
      const line = this.#buffer.line(this.#readTo);
      if (line !== undefined) this.#take(line, this.#readTo);
      this.#readTo++;
    }
  }

  #take(line: LogLine, number: number): void {
    const { matcher, onlyMatches, leastLevel, wrapCells, readsJson } = this.#wish;
    if (leastLevel !== undefined && line.source >= 0) {
      const level = levelOf(line.text);
      if (level === undefined || levels.indexOf(level) > levels.indexOf(leastLevel)) return;
    }
    const isMatch = matcher !== undefined && line.source >= 0 && matcher.has(line.text);
    if (matcher !== undefined && onlyMatches && !isMatch && line.source >= 0) return;
    if (isMatch) this.matches.push(number);
    this.numbers.push(number);
    if (wrapCells === undefined) return;
    this.#tops.push(this.#height);
    this.#height += Math.max(1, Math.ceil(cellsOf(shownText(line.text, readsJson)) / wrapCells));
  }
}

/** How many of a rising list are below. */
export function lowerBound(list: readonly number[], wanted: number): number {
  let [low, high] = [0, list.length];
  while (low < high) {
    const middle = (low + high) >>> 1;
    if ((list[middle] ?? 0) < wanted) low = middle + 1;
    else high = middle;
  }
  return low;
}
