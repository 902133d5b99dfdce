import { ServerResponse } from "node:http";
import type { HttpResponse } from "../../base/http2/http-response.ts";
import type { Clock } from "../../base/os/clock.ts";

/** A piece that is so small leaves with the head, in one write. */
const joinedBytesMost = 16 * 1024;

export interface AnswerWriterParts {
  readonly clock: Pick<Clock, "after">;
  /** How long the client may take nothing. */
  readonly stallMs: number;
  /** The client takes more. */
  readonly onDrained: () => void;
  readonly onStalled: () => void;
}

/** Writes an answer as fast as its client takes it, and in as few writes as it comes in. */
export class AnswerWriter {
  readonly #response: HttpResponse;
  readonly #parts: AnswerWriterParts;
  /** Nothing has left. */
  #isHeld = true;
  /** The first piece, until there is another one or none. */
  #first: string | undefined;
  #cancelStall: (() => void) | undefined;

  constructor(response: HttpResponse, parts: AnswerWriterParts) {
    this.#response = response;
    this.#parts = parts;
  }

  /** @param bytes Only lent. @returns False: better wait until the client takes more. */
  piece(bytes: Buffer): boolean {
    if (this.#isHeld && this.#first === undefined && bytes.length <= joinedBytesMost) {
      this.#first = bytes.toString("latin1");
      return true;
    }
    this.flush();
    return this.#taken(this.#response.write(Buffer.from(bytes)));
  }

  /** Nothing more is at hand that could leave with it. */
  flush(): void {
    if (!this.#isHeld) return;
    this.#isHeld = false;
    const first = this.#first;
    this.#first = undefined;
    if (first === undefined) this.#response.flushHeaders();
    else this.#taken(this.#response.write(first, "latin1"));
  }

  /** @throws Where what stands behind the body may not stand there. */
  end(trailers: readonly string[]): void {
    this.#isHeld = false;
    if (trailers.length > 0) this.#response.addTrailers(pairs(trailers));
    const first = this.#first;
    const { socket } = this.#response;
    if (
      first === undefined ||
      trailers.length > 0 ||
      socket === null ||
      !(this.#response instanceof ServerResponse)
    ) {
      this.#response.end(first, "latin1");
      return;
    }
    // Node's `end` would have what it is given wait for the end of nothing, and write both.
    socket.cork();
    this.#response.write(first, "latin1");
    socket.uncork();
    this.#response.end();
  }

  /** Nobody waits any more. */
  stop(): void {
    this.#cancelStall?.();
    this.#cancelStall = undefined;
  }

  #taken(isRoom: boolean): boolean {
    if (isRoom || this.#cancelStall !== undefined) return isRoom;
    const { clock, stallMs, onStalled, onDrained } = this.#parts;
    this.#cancelStall = clock.after(stallMs, onStalled);
    this.#response.once("drain", () => {
      this.stop();
      onDrained();
    });
    return false;
  }
}

function pairs(flat: readonly string[]): [string, string][] {
  const made: [string, string][] = [];
  for (let at = 0; at + 1 < flat.length; at += 2) made.push([flat[at] as string, flat[at + 1] as string]);
  return made;
}
