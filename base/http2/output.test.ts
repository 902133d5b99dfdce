import assert from "node:assert/strict";
import { Socket } from "node:net";
import { Writable } from "node:stream";
import { frameTypes } from "./frames.ts";
import { FrameOutput } from "./output.ts";

const frames = 500;
const frameBytes = 1_009;

/** Takes what is written at once, or when it is told to. */
class HandSocket extends Socket {
  readonly taken: Buffer[] = [];
  readonly memories = new Set<ArrayBufferLike>();
  isLate = false;
  #take: (() => void) | undefined;

  override _write(chunk: Buffer, _encoding: BufferEncoding, done: () => void): void {
    this.memories.add(chunk.buffer);
    const take = () => {
      this.taken.push(Buffer.from(chunk));
      done();
    };
    if (this.isLate) this.#take = take;
    else take();
  }

  override _writev(chunks: { chunk: Buffer }[], done: () => void): void {
    this._write(Buffer.concat(chunks.map(({ chunk }) => chunk)), "binary", done);
  }

  /** False: nothing is there to take. */
  takeNext(): boolean {
    const take = this.#take;
    this.#take = undefined;
    take?.();
    return take !== undefined;
  }
}

/** Each frame has another content. */
function writeAll(output: FrameOutput, eachTurn: (n: number) => void): void {
  for (let n = 0; n < frames; n++) {
    output.frame(frameTypes.DATA, 0, 1, Buffer.alloc(frameBytes - 9, n));
    if (n % 3 > 0) output.flush();
    eachTurn(n);
  }
  output.flush();
}

function assertWhole(bytes: Buffer): void {
  assert.equal(bytes.length, frames * frameBytes);
  for (let n = 0; n < frames; n++) {
    const content = bytes.subarray(n * frameBytes + 9, (n + 1) * frameBytes);
    assert.ok(content.equals(Buffer.alloc(frameBytes - 9, n)), `frame ${n}`);
  }
}

const outputOf = (socket: ConstructorParameters<typeof FrameOutput>[0]) =>
  new FrameOutput(
    socket,
    () => undefined,
    () => undefined,
  );

describe("what leaves a connection", () => {
  it("is gathered in the same memory again where the socket takes all at once", () => {
    const socket = new HandSocket();
    writeAll(outputOf(socket), () => undefined);
    assertWhole(Buffer.concat(socket.taken));
    assert.equal(socket.memories.size, 1);
  });

  it("is gathered in the same memory by connections that write one after the other", () => {
    const sockets = Array.from({ length: 20 }, () => new HandSocket());
    const outputs = sockets.map(outputOf);
    for (const output of outputs) {
      output.frame(frameTypes.PING, 0, 0, Buffer.alloc(8));
      output.flush();
    }
    assert.equal(new Set(sockets.flatMap(({ memories }) => [...memories])).size, 1);
  });

  it("is apart from what others write in the same turn", () => {
    const [some, others] = [new HandSocket(), new HandSocket()];
    const [one, other] = [outputOf(some), outputOf(others)];
    writeAll(one, (n) => {
      other.frame(frameTypes.DATA, 0, 1, Buffer.alloc(frameBytes - 9, n));
      if (n % 5 === 0) other.flush();
    });
    other.flush();
    for (const { taken } of [some, others]) assertWhole(Buffer.concat(taken));
  });

  it("stays as it was written until a slow socket takes it", async () => {
    const socket = new HandSocket();
    socket.isLate = true;
    writeAll(outputOf(socket), (n) => n % 7 === 0 && socket.takeNext());
    while (socket.takeNext() || socket.writableLength > 0) await new Promise(setImmediate);
    assertWhole(Buffer.concat(socket.taken));
  });

  it("stays as it was written for whoever it is handed to within the process", () => {
    const kept: Buffer[] = [];
    const pair = new Writable({
      write: (chunk: Buffer, _encoding, done) => {
        kept.push(chunk);
        done();
      },
    });
    writeAll(outputOf(pair as ConstructorParameters<typeof FrameOutput>[0]), () => undefined);
    assertWhole(Buffer.concat(kept));
  });
});
