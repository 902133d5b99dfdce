import { Duplex } from "node:stream";

/** Two ends of a connection within the process: what is written to one is read from the other. */
export function duplexPair(): readonly [Duplex, Duplex] {
  const one = new End();
  const other = new End();
  one.meet(other);
  other.meet(one);
  return [one, other];
}

class End extends Duplex {
  #other: End | undefined;
  /** The other end's write goes on when this end was read. */
  #onRead: (() => void) | undefined;

  meet(other: End): void {
    this.#other = other;
  }

  arrive(chunk: Buffer | null, taken: () => void): void {
    if (this.push(chunk) || chunk === null) taken();
    else this.#onRead = taken;
  }

  override _read(): void {
    const taken = this.#onRead;
    this.#onRead = undefined;
    taken?.();
  }

  override _write(chunk: Buffer, _encoding: BufferEncoding, done: () => void): void {
    this.#other?.arrive(chunk, done);
  }

  override _final(done: () => void): void {
    this.#other?.arrive(null, done);
  }

  override _destroy(error: Error | null, done: (error: Error | null) => void): void {
    this._read();
    const other = this.#other;
    this.#other = undefined;
    done(error);
    if (other !== undefined && !other.destroyed) process.nextTick(() => other.destroy());
  }
}
