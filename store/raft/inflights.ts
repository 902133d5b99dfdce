import type { Index } from "./types.ts";

interface Sent {
  /** Last index of the message. */
  readonly last: Index;
  readonly bytes: number;
}

/** Append messages to one follower that it has not answered, oldest first; bounded by count and by bytes. */
export class Inflights {
  readonly #messagesMax: number;
  readonly #bytesMax: number;
  readonly #sent: Sent[] = [];
  #head = 0;
  #bytes = 0;

  constructor(messagesMax: number, bytesMax: number) {
    this.#messagesMax = messagesMax;
    this.#bytesMax = bytesMax;
  }

  get count(): number {
    return this.#sent.length - this.#head;
  }

  get isFull(): boolean {
    return this.count >= this.#messagesMax || this.#bytes >= this.#bytesMax;
  }

  add(last: Index, bytes: number): void {
    this.#sent.push({ last, bytes });
    this.#bytes += bytes;
  }

  /** The follower has everything up to `match`. */
  freeTo(match: Index): void {
    for (;;) {
      const oldest = this.#sent[this.#head];
      if (oldest === undefined || oldest.last > match) break;
      this.#bytes -= oldest.bytes;
      this.#head += 1;
    }
    if (this.#head > 64 && this.#head * 2 > this.#sent.length) {
      this.#sent.splice(0, this.#head);
      this.#head = 0;
    }
  }
}
