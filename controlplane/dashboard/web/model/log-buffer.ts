import type { LogLine } from "./log-line.ts";

export interface LogBounds {
  readonly linesMost: number;
  readonly charsMost: number;
}

/** The lines of several containers, in the order of their times, the last of them within bounds. A line's number stays while
 *  older ones are dropped. */
export class LogBuffer {
  /** Invariant: `atUs` never falls. */
  readonly lines: LogLine[] = [];
  /** The number of the first line that is kept. */
  first = 0;
  dropped = 0;
  #chars = 0;
  readonly #bounds: LogBounds;

  constructor(bounds: LogBounds) {
    this.#bounds = bounds;
  }

  get end(): number {
    return this.first + this.lines.length;
  }

  line(number: number): LogLine | undefined {
    return this.lines[number - this.first];
  }

  /** Takes lines that came together, each container's in its order. Answers the number from which on lines are others than
   *  before. */
  add(batch: readonly LogLine[]): number {
    if (batch.length === 0) return this.end;
    const sorted = isInOrder(batch) ? batch : [...batch].sort((a, b) => a.atUs - b.atUs);
    for (const { text } of sorted) this.#chars += text.length;
    // Behind all that are as old or older.
    let at = this.lines.length;
    const earliestUs = sorted[0]?.atUs ?? 0;
    while (at > 0 && (this.lines[at - 1]?.atUs ?? 0) > earliestUs) at--;
    const changedFrom = this.first + at;
    if (at === this.lines.length) for (const line of sorted) this.lines.push(line);
    else {
      const later = this.lines.splice(at);
      for (const line of merged(later, sorted)) this.lines.push(line);
    }
    this.#bound();
    return Math.max(changedFrom, this.first);
  }

  clear(): void {
    this.first = this.end;
    this.lines.length = 0;
    this.#chars = 0;
    this.dropped = 0;
  }

  /** Drops a tenth at once, so that each line costs its share of one move. */
  #bound(): void {
    const { linesMost, charsMost } = this.#bounds;
    if (this.lines.length <= linesMost && this.#chars <= charsMost) return;
    const linesKept = this.lines.length > linesMost ? Math.floor(linesMost * 0.9) : Number.POSITIVE_INFINITY;
    const charsKept = this.#chars > charsMost ? charsMost * 0.9 : Number.POSITIVE_INFINITY;
    let dropped = 0;
    while (this.lines.length - dropped > linesKept || this.#chars > charsKept)
      this.#chars -= this.lines[dropped++]?.text.length ?? 0;
    this.lines.splice(0, dropped);
    this.first += dropped;
    this.dropped += dropped;
  }
}

function isInOrder(lines: readonly LogLine[]): boolean {
  for (let at = 1; at < lines.length; at++)
    if ((lines[at]?.atUs ?? 0) < (lines[at - 1]?.atUs ?? 0)) return false;
  return true;
}

/** Two lists in order as one; of lines of one time the older list's come first. */
function* merged(older: readonly LogLine[], newer: readonly LogLine[]): Generator<LogLine> {
  let at = 0;
  for (const line of newer) {
    for (let next = older[at]; next !== undefined && next.atUs <= line.atUs; next = older[++at]) yield next;
    yield line;
  }
  for (let next = older[at]; next !== undefined; next = older[++at]) yield next;
}
