/** `u32 length (of kind and payload), u8 kind, payload`. */
export const frameKinds = {
  hello: 1,
  welcome: 2,
  refused: 3,
  message: 4,
  ping: 5,
  pong: 6,
  question: 7,
  answer: 8,
  chunk: 9,
  end: 10,
} as const;
export type FrameKind = (typeof frameKinds)[keyof typeof frameKinds];

export interface Frame {
  readonly kind: number;
  /** A view; copy what is kept. */
  readonly payload: Buffer;
}

/** Larger than any batch of entries raft puts into one message. */
export const frameBytesMax = 128 * 1024 * 1024;
/** Hellos, their answers and questions: all that may come of one who is not known yet. */
export const smallFrameBytesMax = 64 * 1024;
export const frameHeadBytes = 5;

export function frameHead(kind: FrameKind, payloadBytes: number): Buffer {
  const head = Buffer.allocUnsafe(frameHeadBytes);
  head.writeUInt32LE(payloadBytes + 1, 0);
  head[4] = kind;
  return head;
}

export function frame(kind: FrameKind, payload: Uint8Array): Buffer {
  return Buffer.concat([frameHead(kind, payload.length), payload]);
}

/** Cuts what arrives into frames. Throws on a frame larger than `bytesMax` of the time when its head is read. */
export class FrameReader {
  bytesMax: number;
  #pieces: Buffer[] = [];
  #bufferedBytes = 0;
  #wantedBytes = frameHeadBytes;

  constructor(bytesMax: number) {
    this.bytesMax = bytesMax;
  }

  /** The frames that are whole now; taking one may change `bytesMax` for those after it. */
  *push(chunk: Buffer): Generator<Frame, void> {
    this.#pieces.push(chunk);
    this.#bufferedBytes += chunk.length;
    if (this.#bufferedBytes < this.#wantedBytes) return;
    const whole = this.#pieces.length === 1 ? chunk : Buffer.concat(this.#pieces, this.#bufferedBytes);
    let at = 0;
    this.#wantedBytes = frameHeadBytes;
    while (whole.length - at >= frameHeadBytes) {
      const lengthBytes = whole.readUInt32LE(at);
      if (lengthBytes < 1 || lengthBytes > this.bytesMax)
        throw new Error(`a peer's frame of ${lengthBytes} bytes, at most ${this.bytesMax} are allowed`);
      const end = at + 4 + lengthBytes;
      if (end > whole.length) {
        this.#wantedBytes = end - at;
        break;
      }
      const frame = { kind: whole[at + 4] ?? 0, payload: whole.subarray(at + frameHeadBytes, end) };
      at = end;
      yield frame;
    }
    const rest = whole.subarray(at);
    this.#pieces = rest.length === 0 ? [] : [rest];
    this.#bufferedBytes = rest.length;
  }
}
