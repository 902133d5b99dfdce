import {
  ConnectionError,
  errorCodes,
  FrameReader,
  frameFlags,
  frameTypes,
  sizeError,
  unpadded,
  violation,
} from "./frames.ts";
import type { Header } from "./header.ts";
import { HeaderDecoder } from "./header-decoder.ts";
import { IncomingBlock } from "./incoming-block.ts";
import type { FrameOutput } from "./output.ts";
import { type PeerSettings, readSettings } from "./peer-settings.ts";

/** What one end of a connection does with what the other end sends. Each may throw ConnectionError. */
export interface FrameEvents {
  /** @param frameBytes What counts against windows: the content with its padding. */
  data(streamId: number, content: Buffer, frameBytes: number, isEnd: boolean): void;
  /** A header block began whose rest is yet to come. */
  blockBegan(): void;
  headers(streamId: number, headers: readonly Header[] | "tooLarge", isEnd: boolean): void;
  reset(streamId: number, code: number): void;
  settings(settings: PeerSettings): void;
  /** The peer takes so much more; of all streams together for stream 0. Nothing more is an error, of the stream if it has one. */
  widened(streamId: number, bytes: number): void;
  /** It begins nothing more, and has dealt with no stream beyond that one. */
  leaving(lastStreamId: number, reason: string): void;
}

const nothing = Buffer.alloc(0);
const reasonBytesMost = 256;

/** What comes on a connection, the same at both ends: frames of the right size in the right order, header blocks whole and
 *  decoded, pings answered. Priorities and extensions are passed over.
 *  Invariant: every header block is decoded, in its order: later ones build on it. */
export class IncomingFrames {
  readonly #output: FrameOutput;
  readonly #does: FrameEvents;
  readonly #listBytesMost: number;
  readonly #reader = new FrameReader();
  readonly #headers: HeaderDecoder;
  #block: IncomingBlock | undefined;
  #hasBegun = false;
  #isOver = false;

  constructor(output: FrameOutput, does: FrameEvents, options: { readonly listBytesMost: number }) {
    this.#output = output;
    this.#does = does;
    this.#listBytesMost = options.listBytesMost;
    this.#headers = new HeaderDecoder(options);
  }

  /** Throws ConnectionError where the peer breaks the protocol. */
  push(bytes: Buffer): void {
    this.#reader.push(bytes, this.#take);
  }

  /** No frame is taken from here on, nor the rest of those that came together. */
  stop(): void {
    this.#isOver = true;
  }

  readonly #take = (type: number, flags: number, streamId: number, payload: Buffer): void => {
    if (this.#isOver) return;
    const isAck = (flags & frameFlags.ACK) !== 0;
    if (!this.#hasBegun && (type !== frameTypes.SETTINGS || isAck))
      violation("the first frame must be SETTINGS");
    if (this.#block !== undefined && (type !== frameTypes.CONTINUATION || streamId !== this.#block.streamId))
      violation("a header block was interrupted");
    switch (type) {
      case frameTypes.DATA: {
        const content = unpadded(type, flags, payload);
        this.#does.data(streamId, content, payload.length, (flags & frameFlags.END_STREAM) !== 0);
        return;
      }
      case frameTypes.HEADERS:
        this.#onHeaders(flags, streamId, unpadded(type, flags, payload));
        return;
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
  };

  #onHeaders(flags: number, streamId: number, bytes: Buffer): void {
    const isEnd = (flags & frameFlags.END_STREAM) !== 0;
    if ((flags & frameFlags.END_HEADERS) !== 0) {
      this.#does.headers(streamId, this.#headers.decode(bytes), isEnd);
      return;
    }
    this.#block = new IncomingBlock({ streamId, isEnd, bytes }, { listBytesMost: this.#listBytesMost });
    this.#does.blockBegan();
  }

  #onContinuation(flags: number, payload: Buffer): void {
    const block = this.#block;
    if (block === undefined) throw new ConnectionError(errorCodes.PROTOCOL_ERROR, "CONTINUATION of nothing");
    block.add(payload);
    if ((flags & frameFlags.END_HEADERS) === 0) return;
    this.#block = undefined;
    this.#does.headers(block.streamId, this.#headers.decode(block.whole()), block.isEnd);
  }

  #onSettings(isAck: boolean, streamId: number, payload: Buffer): void {
    if (streamId !== 0) violation("SETTINGS on a stream");
    if (isAck) {
      if (payload.length !== 0) sizeError("SETTINGS");
      return;
    }
    const settings = readSettings(payload);
    this.#hasBegun = true;
    // First, for what follows may use the new windows.
    this.#output.frame(frameTypes.SETTINGS, frameFlags.ACK, 0, nothing);
    this.#does.settings(settings);
  }

  #onGoAway(streamId: number, payload: Buffer): void {
    if (streamId !== 0) violation("GOAWAY on a stream");
    if (payload.length < 8) sizeError("GOAWAY");
    const said = payload.toString("latin1", 8, Math.min(payload.length, 8 + reasonBytesMost));
    this.#does.leaving(payload.readUInt32BE(0) & 0x7fffffff, said);
  }
}
