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

/** Finds marked times in the bytes of streams, however those are cut into pieces. A slot is a stream. */
export class MarkedTimes {
  /** What may be the beginning of a mark with its time. */
  readonly #tails: Buffer[];

  constructor(slots: number) {
    this.#tails = Array.from({ length: slots }, () => nothing);
  }

  read(slot: number, bytes: Buffer, start: number, end: number, take: (sentMs: number) => void): void {
    const tail = this.#tails[slot] as Buffer;
    const piece = bytes.subarray(start, end);
    const all = tail.length === 0 ? piece : Buffer.concat([tail, piece]);
    let from = 0;
    for (let at = all.indexOf(mark); at !== -1; at = all.indexOf(mark, from)) {
      if (at + markedBytes > all.length) break;
      take(all.readDoubleLE(at + mark.length));
      from = at + markedBytes;
    }
    const kept = Math.max(from, all.length - markedBytes + 1);
    this.#tails[slot] = kept >= all.length ? nothing : Buffer.from(all.subarray(kept));
  }
}
