import {
  type HeaderBlockReader,
  type HeaderBlockWriter,
  type Headers,
  headerLimits,
} from "./header-block.ts";

/** SPDY/3.1 on the wire, as far as Kubernetes speaks it. Pure. */
export type Frame =
  | { readonly type: "syn-stream"; readonly id: number; readonly headers: Headers; readonly fin: boolean }
  | { readonly type: "syn-reply"; readonly id: number; readonly fin: boolean }
  | { readonly type: "reset"; readonly id: number; readonly status: number }
  | { readonly type: "ping"; readonly id: number }
  | { readonly type: "go-away" }
  /** A piece of a data frame; `fin` comes with the last one. */
  | { readonly type: "data"; readonly id: number; readonly bytes: Buffer; readonly fin: boolean }
  /** Read for the sake of what comes after: settings, windows, later headers. */
  | { readonly type: "ignored" };

export const resetStatus = { protocolError: 1, refused: 3, cancel: 5, internalError: 6 } as const;

/** A block of headers may be that large compressed too, with what stands before it. */
const controlBytesMax = headerLimits.bytesMax + 16;
const headBytes = 8;
const control = {
  synStream: 1,
  synReply: 2,
  reset: 3,
  settings: 4,
  ping: 6,
  goAway: 7,
  headers: 8,
  window: 9,
} as const;
const finFlag = 1;

/** What a peer must not send: its connection ends. */
export class SpdyError extends Error {
  override readonly name = "SpdyError";
}

interface DataUnderWay {
  readonly id: number;
  readonly fin: boolean;
  left: number;
}

/** Bytes in, frames out. Keeps at most one control frame's bytes; data goes on as it comes. */
export class FrameReader {
  readonly #headers: HeaderBlockReader;
  #kept: Buffer = Buffer.alloc(0);
  #data: DataUnderWay | undefined;

  constructor(headers: HeaderBlockReader) {
    this.#headers = headers;
  }

  /** Throws SpdyError; nothing can be read after that. */
  *read(chunk: Buffer): Generator<Frame, void> {
    let rest = this.#kept.length === 0 ? chunk : Buffer.concat([this.#kept, chunk]);
    this.#kept = Buffer.alloc(0);
    while (rest.length > 0) {
      if (this.#data !== undefined) {
        const bytes = rest.subarray(0, this.#data.left);
        rest = rest.subarray(bytes.length);
        yield this.#piece(this.#data, bytes);
        continue;
      }
      const whole = rest.length < headBytes ? undefined : this.#whole(rest);
      if (whole === undefined) {
        this.#kept = Buffer.from(rest);
        return;
      }
      rest = rest.subarray(whole.length);
      if (whole.frame !== undefined) yield whole.frame;
    }
  }

  #piece(data: DataUnderWay, bytes: Buffer): Frame {
    data.left -= bytes.length;
    const isLast = data.left === 0;
    if (isLast) this.#data = undefined;
    return { type: "data", id: data.id, bytes, fin: isLast && data.fin };
  }

  /** A control frame, or the head of a data frame; undefined until all of it is there. */
  #whole(rest: Buffer): { readonly length: number; readonly frame: Frame | undefined } | undefined {
    const first = rest.readUInt32BE(0);
    const flags = rest.readUInt8(4);
    const length = rest.readUIntBE(5, 3);
    if (first < 0x8000_0000) {
      if (first === 0) throw new SpdyError("data for stream 0");
      const fin = (flags & finFlag) !== 0;
      if (length === 0)
        return { length: headBytes, frame: { type: "data", id: first, bytes: Buffer.alloc(0), fin } };
      this.#data = { id: first, fin, left: length };
      return { length: headBytes, frame: undefined };
    }
    const version = (first >>> 16) & 0x7fff;
    if (version !== 3) throw new SpdyError(`SPDY version ${version}`);
    if (length > controlBytesMax) throw new SpdyError(`a control frame of ${length} bytes`);
    if (rest.length < headBytes + length) return undefined;
    const body = rest.subarray(headBytes, headBytes + length);
    return { length: headBytes + length, frame: this.#control(first & 0xffff, flags, body) };
  }

  #control(type: number, flags: number, body: Buffer): Frame {
    const fin = (flags & finFlag) !== 0;
    const number = (at: number) => {
      if (body.length < at + 4) throw new SpdyError(`a control frame of type ${type} ends early`);
      return body.readUInt32BE(at);
    };
    const stream = () => {
      const id = number(0) & 0x7fff_ffff;
      if (id === 0) throw new SpdyError(`a control frame of type ${type} for stream 0`);
      return id;
    };
    switch (type) {
      case control.synStream: {
        const id = stream();
        if (body.length < 10) throw new SpdyError("a new stream ends early");
        return { type: "syn-stream", id, headers: this.#block(body.subarray(10)), fin };
      }
      case control.synReply: {
        const id = stream();
        this.#block(body.subarray(4));
        return { type: "syn-reply", id, fin };
      }
      case control.headers:
        stream();
        this.#block(body.subarray(4));
        return { type: "ignored" };
      case control.reset:
        return { type: "reset", id: stream(), status: number(4) };
      case control.ping:
        return { type: "ping", id: number(0) };
      case control.goAway:
        number(4);
        return { type: "go-away" };
      case control.settings:
      case control.window:
        return { type: "ignored" };
      default:
        throw new SpdyError(`a control frame of type ${type}`);
    }
  }

  /** Every block is read, whatever becomes of it: the next ones refer to it. */
  #block(block: Buffer): Headers {
    try {
      return this.#headers.read(block);
    } catch (cause) {
      throw new SpdyError("headers cannot be read", { cause });
    }
  }
}

export function dataFrame(id: number, bytes: Uint8Array, fin: boolean): Buffer {
  const head = Buffer.alloc(headBytes);
  head.writeUInt32BE(id);
  head.writeUInt8(fin ? finFlag : 0, 4);
  head.writeUIntBE(bytes.length, 5, 3);
  return Buffer.concat([head, bytes]);
}

export function synStreamFrame(
  id: number,
  headers: Iterable<readonly [string, string]>,
  writer: HeaderBlockWriter,
): Buffer {
  return controlFrame(control.synStream, [id, 0], Buffer.concat([Buffer.alloc(2), writer.write(headers)]));
}

export function synReplyFrame(id: number, writer: HeaderBlockWriter): Buffer {
  return controlFrame(control.synReply, [id], writer.write([]));
}

export function resetFrame(id: number, status: number): Buffer {
  return controlFrame(control.reset, [id, status]);
}

export function pingFrame(id: number): Buffer {
  return controlFrame(control.ping, [id]);
}

/** @param last The highest stream that was taken. */
export function goAwayFrame(last: number): Buffer {
  return controlFrame(control.goAway, [last, 0]);
}

function controlFrame(type: number, numbers: readonly number[], more: Uint8Array = Buffer.alloc(0)): Buffer {
  const frame = Buffer.alloc(headBytes + numbers.length * 4);
  frame.writeUInt32BE((0x8003_0000 | type) >>> 0);
  frame.writeUIntBE(numbers.length * 4 + more.length, 5, 3);
  for (const [at, number] of numbers.entries()) frame.writeUInt32BE(number, headBytes + at * 4);
  return Buffer.concat([frame, more]);
}
