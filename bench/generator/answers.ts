import {
  defaultWindowBytes,
  frameFlags,
  frameHeaderBytes,
  frameTypes,
  unpadded,
  windowMost,
} from "../../base/http2/frames.ts";
import { HeaderDecoder } from "../../base/http2/header-decoder.ts";
import { KnownBlocks } from "../../base/http2/known-blocks.ts";

/** Who takes what a server sends on one connection. */
export interface AnswerSink {
  /** A piece of a DATA frame's payload, which is the sink's only until it returns. */
  takeData(streamId: number, bytes: Buffer, start: number, end: number): void;
  /** @param failure Undefined where gRPC's status is OK. */
  takeEnd(streamId: number, failure: string | undefined): void;
  takeWindow(streamId: number, bytes: number): void;
  takeSetting(id: number, value: number): void;
  takeSettingsEnd(): void;
  takePing(payload: Buffer): void;
  /** Nothing more is answered. */
  takeGoAway(reason: string): void;
  /** So many bytes of the connection's window were used, and are to be granted anew. */
  takeUsed(bytes: number): void;
}

/** What a client of ours lets a server send unasked, on a stream and on the connection. */
export const answerWindowBytes = windowMost;
export const connectionGrantBytes = windowMost - defaultWindowBytes;

/** Flags of HEADERS whose payload is more than the block. */
const notPlain = frameFlags.PADDED | frameFlags.PRIORITY;
const nothing = Buffer.alloc(0);
const ok = "";

/** Reads what a server sends. Payloads of DATA pass by; everything else waits until its frame is whole. */
export class Answers {
  readonly #sink: AnswerSink;
  /** What a block says of gRPC's status is found out once; KnownBlocks sees when a block may mean something else. */
  readonly #blocks = new KnownBlocks<string>(new HeaderDecoder({ listBytesMost: 1 << 16 }));
  #rest: Buffer = nothing;
  /** Of the DATA frame that is under way. */
  #dataLeft = 0;
  #dataStream = 0;
  #dataEnds = false;
  #windowUsed = 0;
  /** A header block whose CONTINUATION frames are still to come. */
  #block: { readonly streamId: number; readonly isEnd: boolean; readonly pieces: Buffer[] } | undefined;

  constructor(sink: AnswerSink) {
    this.#sink = sink;
  }

  /** Takes `chunk[0, length)`, of which nothing is kept without a copy. */
  push(chunk: Buffer, length: number): void {
    const bytes = this.#rest.length === 0 ? chunk : Buffer.concat([this.#rest, chunk.subarray(0, length)]);
    const end = this.#rest.length === 0 ? length : bytes.length;
    let at = 0;
    while (at < end) {
      if (this.#dataLeft > 0) {
        at = this.#passData(bytes, at, end);
        continue;
      }
      if (end - at < frameHeaderBytes) break;
      const payload = at + frameHeaderBytes;
      const size =
        ((bytes[at] as number) << 16) | ((bytes[at + 1] as number) << 8) | (bytes[at + 2] as number);
      const type = bytes[at + 3] as number;
      if (type !== frameTypes.DATA && end - payload < size) break;
      const flags = bytes[at + 4] as number;
      const streamId = bytes.readUInt32BE(at + 5) & 0x7fffffff;
      if (type === frameTypes.DATA) {
        this.#beginData(streamId, flags, size);
        at = payload;
        continue;
      }
      at = payload + size;
      if (type === frameTypes.HEADERS && (flags & notPlain) === 0)
        this.#takeHeaders(flags, streamId, bytes, payload, at);
      else this.#take(type, flags, streamId, bytes.subarray(payload, at));
    }
    this.#rest = at === end ? nothing : Buffer.from(bytes.subarray(at, end));
  }

  #beginData(streamId: number, flags: number, size: number): void {
    if ((flags & frameFlags.PADDED) !== 0)
      throw new Error("the server pads DATA, which this client does not read");
    this.#windowUsed += size;
    if (this.#windowUsed > answerWindowBytes / 2) {
      this.#sink.takeUsed(this.#windowUsed);
      this.#windowUsed = 0;
    }
    this.#dataLeft = size;
    this.#dataStream = streamId;
    this.#dataEnds = (flags & frameFlags.END_STREAM) !== 0;
    if (size === 0) this.#endData();
  }

  #passData(bytes: Buffer, start: number, end: number): number {
    const stop = Math.min(end, start + this.#dataLeft);
    this.#sink.takeData(this.#dataStream, bytes, start, stop);
    this.#dataLeft -= stop - start;
    if (this.#dataLeft === 0) this.#endData();
    return stop;
  }

  #endData(): void {
    if (this.#dataEnds) this.#sink.takeEnd(this.#dataStream, "an answer without a status");
    this.#dataEnds = false;
  }

  #take(type: number, flags: number, streamId: number, payload: Buffer): void {
    switch (type) {
      case frameTypes.HEADERS: {
        const block = unpadded(type, flags, payload);
        this.#takeHeaders(flags, streamId, block, 0, block.length);
        break;
      }
      case frameTypes.CONTINUATION:
        this.#takeContinuation(flags, payload);
        break;
      case frameTypes.RST_STREAM:
        this.#sink.takeEnd(streamId, `the stream was reset with code ${payload.readUInt32BE(0)}`);
        break;
      case frameTypes.SETTINGS:
        this.#takeSettings(flags, payload);
        break;
      case frameTypes.PING:
        if ((flags & frameFlags.ACK) === 0) this.#sink.takePing(payload);
        break;
      case frameTypes.GOAWAY:
        this.#sink.takeGoAway(
          `the connection was ended with code ${payload.readUInt32BE(4)} ${payload.toString("latin1", 8)}`,
        );
        break;
      case frameTypes.WINDOW_UPDATE:
        this.#sink.takeWindow(streamId, payload.readUInt32BE(0) & 0x7fffffff);
        break;
      default: // unknown types are ignored (RFC 9113, section 4.1)
    }
  }

  #takeHeaders(flags: number, streamId: number, bytes: Buffer, start: number, end: number): void {
    const isEnd = (flags & frameFlags.END_STREAM) !== 0;
    if ((flags & frameFlags.END_HEADERS) !== 0) this.#takeBlock(streamId, isEnd, bytes, start, end);
    else this.#block = { streamId, isEnd, pieces: [Buffer.from(bytes.subarray(start, end))] };
  }

  #takeContinuation(flags: number, piece: Buffer): void {
    const block = this.#block;
    if (block === undefined) throw new Error("CONTINUATION without HEADERS");
    block.pieces.push(Buffer.from(piece));
    if ((flags & frameFlags.END_HEADERS) === 0) return;
    this.#block = undefined;
    const whole = Buffer.concat(block.pieces);
    this.#takeBlock(block.streamId, block.isEnd, whole, 0, whole.length);
  }

  #takeBlock(streamId: number, isEnd: boolean, bytes: Buffer, start: number, end: number): void {
    const list = this.#blocks.read(bytes, start, end);
    if (list === "tooLarge") throw new Error("a header block that is too large");
    if (!isEnd) return;
    list.found ??= failureOf((name) => list.headers.find((header) => header.name === name)?.value);
    this.#sink.takeEnd(streamId, list.found === ok ? undefined : list.found);
  }

  #takeSettings(flags: number, payload: Buffer): void {
    if ((flags & frameFlags.ACK) !== 0) return;
    for (let at = 0; at + 6 <= payload.length; at += 6)
      this.#sink.takeSetting(payload.readUInt16BE(at), payload.readUInt32BE(at + 2));
    this.#sink.takeSettingsEnd();
  }
}

/** `ok`, or what went wrong in words. */
function failureOf(value: (name: string) => string | undefined): string {
  const status = value("grpc-status");
  if (status === "0") return ok;
  if (status === undefined) return `an answer without a status of gRPC; HTTP's is ${value(":status")}`;
  return `status ${status}: ${decodeURIComponent(value("grpc-message") ?? "")}`;
}
