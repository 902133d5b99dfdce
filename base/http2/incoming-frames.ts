import { TokenBucket } from "../token-bucket.ts";
import {
  ConnectionError,
  calmDown,
  errorCodes,
  FrameReader,
  frameFlags,
  frameTypes,
  sizeError,
  type TakeFrame,
  unpadded,
  violation,
} from "./frames.ts";
import { HeaderDecoder } from "./header-decoder.ts";
import { IncomingBlock } from "./incoming-block.ts";
import { type HeaderList, KnownBlocks } from "./known-blocks.ts";
import type { FrameOutput } from "./output.ts";
import { type PeerSettings, readSettings } from "./peer-settings.ts";

/** What one end of a connection does with what the other end sends. Each may throw ConnectionError. */
export interface FrameEvents<Found> {
  /** The content is `bytes[start, end)`.
   *  @param frameBytes What counts against windows: the content with its padding. */
  data(streamId: number, bytes: Buffer, start: number, end: number, frameBytes: number, isEnd: boolean): void;
  /** A header block began whose rest is yet to come. */
  blockBegan(): void;
  /** @param apart The value of the header that is kept apart from the list, if there is one. */
  headers(
    streamId: number,
    list: HeaderList<Found> | "tooLarge",
    isEnd: boolean,
    apart: string | undefined,
  ): void;
  reset(streamId: number, code: number): void;
  settings(settings: PeerSettings): void;
  /** The peer takes so much more; of all streams together for stream 0. Nothing more is an error, of the stream if it has one. */
  widened(streamId: number, bytes: number): void;
  /** It begins nothing more, and has dealt with no stream beyond that one. */
  leaving(lastStreamId: number, reason: string): void;
}

const nothing = Buffer.alloc(0);
const reasonBytesMost = 256;
/** A change of settings may cost a look at each stream. */
const settingsPace = { burst: 100, perSecond: 10 };
/** Frames of DATA that carry nothing and end nothing, one after the other (RFC 9113, section 10.5). */
const emptyDataMost = 1_000;

/** What comes on a connection, the same at both ends: frames of the right size in the right order, header blocks whole and
 *  decoded, pings answered. Priorities and extensions are passed over.
 *  Invariant: every header block is decoded, in its order: later ones build on it. */
export class IncomingFrames<Found> {
  readonly #output: FrameOutput;
  readonly #does: FrameEvents<Found>;
  readonly #listBytesMost: number;
  readonly #reader = new FrameReader();
  readonly #blocks: KnownBlocks<Found>;
  #block: IncomingBlock | undefined;
  readonly #settings: TokenBucket;
  #emptyData = 0;
  #hasBegun = false;
  #nowMs = 0;
  #isOver = false;

  constructor(
    output: FrameOutput,
    does: FrameEvents<Found>,
    options: { readonly listBytesMost: number; readonly apart?: string | undefined },
  ) {
    this.#output = output;
    this.#does = does;
    this.#listBytesMost = options.listBytesMost;
    this.#blocks = new KnownBlocks(new HeaderDecoder(options), options);
    this.#settings = new TokenBucket(settingsPace, 0);
  }

  /** Throws ConnectionError where the peer breaks the protocol, or abuses it. */
  push(bytes: Buffer, nowMs: number): void {
    this.#nowMs = nowMs;
    this.#reader.push(bytes, this.#take);
  }

  /** No frame is taken from here on, nor the rest of those that came together. */
  stop(): void {
    this.#isOver = true;
  }

  readonly #take: TakeFrame = (type, flags, streamId, bytes, start, end) => {
    if (this.#isOver) return;
    if (!this.#hasBegun && (type !== frameTypes.SETTINGS || (flags & frameFlags.ACK) !== 0))
      violation("the first frame must be SETTINGS");
    if (this.#block !== undefined && (type !== frameTypes.CONTINUATION || streamId !== this.#block.streamId))
      violation("a header block was interrupted");
    if (type === frameTypes.DATA) this.#onData(flags, streamId, bytes, start, end);
    else if (type === frameTypes.HEADERS) this.#onHeaders(flags, streamId, bytes, start, end);
    else this.#onOther(type, flags, streamId, bytes.subarray(start, end));
  };

  #onData(flags: number, streamId: number, bytes: Buffer, start: number, end: number): void {
    const isEnd = (flags & frameFlags.END_STREAM) !== 0;
    if ((flags & frameFlags.PADDED) === 0) {
      this.#countEmpty(end > start || isEnd);
      this.#does.data(streamId, bytes, start, end, end - start, isEnd);
      return;
    }
    const content = unpadded(frameTypes.DATA, flags, bytes.subarray(start, end));
    this.#countEmpty(content.length > 0 || isEnd);
    this.#does.data(streamId, content, 0, content.length, end - start, isEnd);
  }

  #countEmpty(saysSomething: boolean): void {
    if (saysSomething) this.#emptyData = 0;
    else if (++this.#emptyData > emptyDataMost) calmDown("DATA without content, over and over");
  }

  #onHeaders(flags: number, streamId: number, bytes: Buffer, start: number, end: number): void {
    if ((flags & (frameFlags.PADDED | frameFlags.PRIORITY)) === 0) {
      this.#onBlock(flags, streamId, bytes, start, end);
      return;
    }
    const block = unpadded(frameTypes.HEADERS, flags, bytes.subarray(start, end));
    this.#onBlock(flags, streamId, block, 0, block.length);
  }

  #onOther(type: number, flags: number, streamId: number, payload: Buffer): void {
    const isAck = (flags & frameFlags.ACK) !== 0;
    switch (type) {
      case frameTypes.CONTINUATION:
        this.#onContinuation(flags, payload);
        return;
      case frameTypes.RST_STREAM:
        if (payload.length !== 4) sizeError("RST_STREAM");
        this.#does.reset(streamId, payload.readUInt32BE(0));
        return;
      case frameTypes.SETTINGS:
        this.#onSettings(isAck, streamId, payload);
        return;
      case frameTypes.PING:
        if (payload.length !== 8) sizeError("PING");
        if (streamId !== 0) violation("PING on a stream");
        if (!isAck) this.#output.frame(type, frameFlags.ACK, 0, payload);
        return;
      case frameTypes.WINDOW_UPDATE:
        if (payload.length !== 4) sizeError("WINDOW_UPDATE");
        this.#does.widened(streamId, payload.readUInt32BE(0) & 0x7fffffff);
        return;
      case frameTypes.GOAWAY:
        this.#onGoAway(streamId, payload);
        return;
      case frameTypes.PRIORITY:
        if (payload.length !== 5) sizeError("PRIORITY");
        if (streamId === 0) violation("PRIORITY on no stream");
        return;
      case frameTypes.PUSH_PROMISE:
        violation("a push that was not allowed");
        return;
      default:
        return;
    }
  }

  #onBlock(flags: number, streamId: number, bytes: Buffer, start: number, end: number): void {
    const isEnd = (flags & frameFlags.END_STREAM) !== 0;
    if ((flags & frameFlags.END_HEADERS) !== 0) {
      const list = this.#blocks.read(bytes, start, end);
      this.#does.headers(streamId, list, isEnd, this.#blocks.apart);
      return;
    }
    const first = { streamId, isEnd, bytes: bytes.subarray(start, end) };
    this.#block = new IncomingBlock(first, { listBytesMost: this.#listBytesMost });
    this.#does.blockBegan();
  }

  #onContinuation(flags: number, payload: Buffer): void {
    const block = this.#block;
    if (block === undefined) throw new ConnectionError(errorCodes.PROTOCOL_ERROR, "CONTINUATION of nothing");
    block.add(payload);
    if ((flags & frameFlags.END_HEADERS) === 0) return;
    this.#block = undefined;
    const whole = block.whole();
    const list = this.#blocks.read(whole, 0, whole.length);
    this.#does.headers(block.streamId, list, block.isEnd, this.#blocks.apart);
  }

  #onSettings(isAck: boolean, streamId: number, payload: Buffer): void {
    if (streamId !== 0) violation("SETTINGS on a stream");
    if (isAck) {
      if (payload.length !== 0) sizeError("SETTINGS");
      return;
    }
    if (this.#settings.take(this.#nowMs) > 0) calmDown("SETTINGS, over and over");
    const settings = readSettings(payload);
    this.#hasBegun = true;
    // First, for what follows may use the new windows.
    this.#output.frame(frameTypes.SETTINGS, frameFlags.ACK, 0, nothing);
    if (settings.tableBytes !== undefined) this.#output.keepsTable(settings.tableBytes);
    this.#does.settings(settings);
  }

  #onGoAway(streamId: number, payload: Buffer): void {
    if (streamId !== 0) violation("GOAWAY on a stream");
    if (payload.length < 8) sizeError("GOAWAY");
    const said = payload.toString("latin1", 8, Math.min(payload.length, 8 + reasonBytesMost));
    this.#does.leaving(payload.readUInt32BE(0) & 0x7fffffff, said);
  }
}
