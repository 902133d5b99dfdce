import type { Template } from "./request-template.ts";

/** Stands before a time in a value; not in what a server itself says. */
const mark = Buffer.from("\x01sent at\x02", "latin1");
const timeBytes = 8;
const markedBytes = mark.length + timeBytes;
const nothing = Buffer.alloc(0);

/** A value of so many bytes that ends in a mark and room for a time. */
export function markedValue(size: number): Uint8Array {
  const value = Buffer.alloc(size, "x");
  mark.copy(value, size - markedBytes);
  value.fill(0, size - timeBytes);
  return value;
}

/** A request whose marked value says when it was made, in milliseconds of this process. */
export class TimedTemplate implements Template {
  readonly bytes: Buffer;
  readonly #template: Template;
  readonly #place: number;

  /** @param template Of a request with a marked value. */
  constructor(template: Template) {
    this.#template = template;
    this.bytes = template.bytes;
    const place = this.bytes.indexOf(mark);
    if (place === -1) throw new Error("the request has no marked value");
    this.#place = place + mark.length;
  }

  patch(into: Buffer, at: number, n: number): void {
    this.#template.patch(into, at, n);
    into.writeDoubleLE(performance.now(), at + this.#place);
  }
}

/** Finds marked times in the bytes of streams, however those are cut into pieces. A slot is a stream. Events are alike, so a
 *  mark is first looked for as far behind the one before, or behind where the piece begins, as the last one was: one that was
 *  passed over would have to be closer than its value is long. */
export class MarkedTimes {
  /** What may be the beginning of a mark with its time; where it is empty, a mark has just ended, or nothing came. */
  readonly #tails: Buffer[];
  #firstDistance = 0;
  #nextDistance = 0;

  constructor(slots: number) {
    this.#tails = Array.from({ length: slots }, () => nothing);
  }

  read(slot: number, bytes: Buffer, start: number, end: number, take: (sentMs: number) => void): void {
    const tail = this.#tails[slot] as Buffer;
    if (tail.length === 0) {
      this.#keep(slot, bytes, this.#readWhole(bytes, start, end, take), end);
      return;
    }
    const all = Buffer.concat([tail, bytes.subarray(start, end)]);
    this.#keep(slot, all, readAll(all, 0, all.length, take), all.length);
  }

  /** Answers where the last mark with its time ends. */
  #readWhole(bytes: Buffer, start: number, end: number, take: (sentMs: number) => void): number {
    if (!isMarked(bytes, start + this.#firstDistance, end)) {
      const at = markIn(bytes, start, end);
      if (at === -1) return start;
      this.#firstDistance = at - start;
    }
    let at = start + this.#firstDistance;
    for (;;) {
      take(bytes.readDoubleLE(at + mark.length));
      const next = at + this.#nextDistance;
      const from = at + markedBytes;
      if (from === end) return from;
      at = next >= from && isMarked(bytes, next, end) ? next : markIn(bytes, from, end);
      if (at === -1) return from;
      this.#nextDistance = at - from + markedBytes;
    }
  }

  #keep(slot: number, bytes: Buffer, from: number, end: number): void {
    const kept = Math.max(from, end - markedBytes + 1);
    this.#tails[slot] = kept >= end ? nothing : Buffer.from(bytes.subarray(kept, end));
  }
}

/** Whether there is a whole mark with its time at that place. */
function isMarked(bytes: Buffer, at: number, end: number): boolean {
  if (at + markedBytes > end) return false;
  for (let i = 0; i < mark.length; i++) if (bytes[at + i] !== mark[i]) return false;
  return true;
}

/** Where the first whole mark with its time begins; -1 where there is none. */
function markIn(bytes: Buffer, start: number, end: number): number {
  const at = bytes.subarray(start, end).indexOf(mark);
  return at === -1 || start + at + markedBytes > end ? -1 : start + at;
}

/** Answers where the last mark with its time ends. */
function readAll(bytes: Buffer, start: number, end: number, take: (sentMs: number) => void): number {
  let from = start;
  for (let at = markIn(bytes, from, end); at !== -1; at = markIn(bytes, from, end)) {
    take(bytes.readDoubleLE(at + mark.length));
    from = at + markedBytes;
  }
  return from;
}
