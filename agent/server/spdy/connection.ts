import { Duplex } from "node:stream";
import { assert } from "../../../base/assert.ts";
import type { Clock } from "../../../base/os/clock.ts";
import {
  dataFrame,
  type Frame,
  FrameReader,
  goAwayFrame,
  pingFrame,
  resetFrame,
  resetStatus,
  SpdyError,
  synReplyFrame,
  synStreamFrame,
} from "./frames.ts";
import { HeaderBlockReader, HeaderBlockWriter, type Headers } from "./header-block.ts";

export const spdyLimits = {
  streamsMax: 1024,
  /** What all streams of a connection hold that nobody has read yet; then no more is taken of the connection. */
  unreadBytesMax: 1024 * 1024,
  /** Answers to control frames that have not left yet; then no more is taken either. */
  unsentReplyBytesMax: 64 * 1024,
  frameBytesMax: 32 * 1024,
  /** Without a frame either way. The kubelet's. */
  idleMs: 4 * 60 * 60 * 1000,
  /** How long a peer may take to hear the last words. */
  drainMs: 30_000,
} as const;

export interface SpdyHandler {
  /** A stream was opened. False refuses it. */
  onStream(stream: SpdyStream): boolean;
  /** The connection is gone, and all its streams. Called once. */
  onClose(): void;
}

/** One side of a SPDY/3.1 connection: the one that takes the streams that its peer opens (`takes`), or the one that opens them
 *  (`opens`). Nobody gives out windows (Kubernetes' clients never
 *  do): a stream that is not read holds up, in the end, the whole connection, and nothing is ever kept without bound. */
export class SpdyConnection {
  readonly #socket: Duplex;
  readonly #handler: SpdyHandler;
  readonly #clock: Clock;
  readonly #reader = new FrameReader(new HeaderBlockReader());
  readonly #blocks = new HeaderBlockWriter();
  readonly #streams = new Map<number, SpdyStream>();
  readonly #role: "takes" | "opens";
  #lastId = 0;
  #goneAway = false;
  #unreadBytes = 0;
  #unsentReplyBytes = 0;
  #isHeldUp = false;
  #cancelIdle: () => void = () => undefined;

  constructor(socket: Duplex, handler: SpdyHandler, clock: Clock, role: "takes" | "opens" = "takes") {
    this.#role = role;
    this.#socket = socket;
    this.#handler = handler;
    this.#clock = clock;
    socket.on("error", () => socket.destroy());
    socket.on("data", (chunk: Buffer) => this.#take(chunk));
    socket.on("end", () => socket.destroy());
    socket.on("close", () => this.#closed());
    this.#restartIdle();
  }

  /** Opens a stream, where that is this side's role. */
  open(headers: readonly (readonly [string, string])[]): SpdyStream {
    assert(this.#role === "opens", "this side of a SPDY connection opens no streams");
    const id = this.#lastId === 0 ? 1 : this.#lastId + 2;
    this.#lastId = id;
    const stream = this.#stream(id, new Map(headers));
    this.#streams.set(id, stream);
    if (this.#socket.writable) this.#socket.write(synStreamFrame(id, headers, this.#blocks));
    return stream;
  }

  /** Ends everything once what was written has left. */
  close(): void {
    if (this.#goneAway) return;
    this.#goneAway = true;
    this.#socket.end(goAwayFrame(this.#role === "takes" ? this.#lastId : 0));
    const cancel = this.#clock.after(spdyLimits.drainMs, () => this.#socket.destroy());
    this.#socket.once("close", cancel);
  }

  destroy(): void {
    this.#socket.destroy();
  }

  #closed(): void {
    this.#cancelIdle();
    const streams = [...this.#streams.values()];
    this.#streams.clear();
    for (const stream of streams) stream.destroy();
    this.#handler.onClose();
  }

  #take(chunk: Buffer): void {
    this.#restartIdle();
    try {
      for (const frame of this.#reader.read(chunk)) {
        if (this.#socket.destroyed) return;
        this.#handle(frame);
      }
    } catch (error) {
      if (!(error instanceof SpdyError)) throw error;
      this.#socket.destroy();
    }
    this.#holdUp();
  }

  #handle(frame: Frame): void {
    switch (frame.type) {
      case "syn-stream":
        this.#open(frame.id, frame.headers, frame.fin);
        return;
      case "data": {
        const stream = this.#streams.get(frame.id);
        // Of a stream that is gone here the peer may not know yet.
        if (stream === undefined) return;
        if (!stream.isHeard) throw new SpdyError("data behind a stream's end");
        stream.hear(frame.bytes, frame.fin);
        return;
      }
      case "reset":
        this.#streams.get(frame.id)?.fallAway();
        return;
      case "ping":
        // The peer's own, not an answer to one of ours.
        if ((frame.id % 2 === 1) === (this.#role === "takes")) this.#reply(pingFrame(frame.id));
        return;
      case "go-away":
        this.#goneAway = true;
        this.#socket.end();
        return;
      case "syn-reply":
        if (this.#role === "takes" || frame.id > this.#lastId)
          throw new SpdyError("a reply to a stream that was not opened");
        if (frame.fin) this.#streams.get(frame.id)?.hear(Buffer.alloc(0), true);
        return;
      case "ignored":
    }
  }

  #open(id: number, headers: Headers, fin: boolean): void {
    if (this.#goneAway) return;
    if (this.#role === "opens") {
      this.#reply(resetFrame(id, resetStatus.refused));
      return;
    }
    if (id % 2 !== 1 || id <= this.#lastId) {
      // A number is used once, and in its order.
      this.#reply(resetFrame(id, resetStatus.protocolError));
      return;
    }
    this.#lastId = id;
    const stream = this.#stream(id, headers);
    if (this.#streams.size >= spdyLimits.streamsMax || !this.#handler.onStream(stream)) {
      this.#reply(resetFrame(id, resetStatus.refused));
      stream.destroy();
      return;
    }
    this.#streams.set(id, stream);
    this.#reply(synReplyFrame(id, this.#blocks));
    if (fin) stream.hear(Buffer.alloc(0), true);
  }

  #stream(id: number, headers: Headers): SpdyStream {
    const stream: SpdyStream = new SpdyStream(id, headers, {
      send: (bytes, isLast, done) => this.#send(id, bytes, isLast, done),
      read: (count) => {
        this.#unreadBytes += count;
        this.#holdUp();
      },
      forget: (reset) => {
        if (this.#streams.get(id) !== stream) return;
        this.#streams.delete(id);
        if (reset !== undefined) this.#reply(resetFrame(id, reset));
      },
    });
    return stream;
  }

  #reply(frame: Buffer): void {
    if (!this.#socket.writable) return;
    this.#unsentReplyBytes += frame.length;
    this.#socket.write(frame, () => {
      this.#unsentReplyBytes -= frame.length;
      this.#holdUp();
    });
  }

  #send(id: number, bytes: Buffer, isLast: boolean, done: (error?: Error | null) => void): void {
    if (!this.#socket.writable) {
      done(new Error("the connection is closed"));
      return;
    }
    this.#restartIdle();
    const most = spdyLimits.frameBytesMax;
    for (let at = 0; at + most < bytes.length; at += most)
      this.#socket.write(dataFrame(id, bytes.subarray(at, at + most), false));
    const rest = bytes.subarray(Math.floor(Math.max(0, bytes.length - 1) / most) * most);
    this.#socket.write(dataFrame(id, rest, isLast), done);
  }

  /** Takes nothing of the connection while too much of it waits. */
  #holdUp(): void {
    const isTooMuch =
      this.#unreadBytes >= spdyLimits.unreadBytesMax ||
      this.#unsentReplyBytes >= spdyLimits.unsentReplyBytesMax;
    if (isTooMuch === this.#isHeldUp) return;
    this.#isHeldUp = isTooMuch;
    if (isTooMuch) this.#socket.pause();
    else this.#socket.resume();
  }

  #restartIdle(): void {
    this.#cancelIdle();
    this.#cancelIdle = this.#clock.after(spdyLimits.idleMs, () => this.#socket.destroy());
  }
}

/** What a stream asks of its connection. */
interface StreamLink {
  send(bytes: Buffer, isLast: boolean, done: (error?: Error | null) => void): void;
  /** So many bytes more (or, negative, fewer) wait to be read. */
  read(count: number): void;
  /** Ends the stream for the connection; tells the peer, where there is a status. */
  forget(reset: number | undefined): void;
}

/** One stream of a connection. Each direction ends on its own; destroying it resets it. */
export class SpdyStream extends Duplex {
  readonly id: number;
  readonly headers: Headers;
  readonly #link: StreamLink;
  /** What was taken of the connection and waits for a reader. */
  #waiting: Buffer[] = [];
  #isAtEnd = false;
  #wantsMore = false;
  #isFinished = false;
  #hasFallenAway = false;

  constructor(id: number, headers: Headers, link: StreamLink) {
    super({ allowHalfOpen: true, emitClose: true });
    this.id = id;
    this.headers = headers;
    this.#link = link;
    // A peer that resets, or goes, is no fault of ours: 'close' tells.
    this.on("error", () => undefined);
  }

  /** False once the peer has said all. */
  get isHeard(): boolean {
    return !this.#isAtEnd;
  }

  /** The peer said something. */
  hear(bytes: Buffer, fin: boolean): void {
    if (this.destroyed) return;
    if (bytes.length > 0) {
      this.#waiting.push(bytes);
      this.#link.read(bytes.length);
    }
    if (fin) this.#isAtEnd = true;
    if (this.#wantsMore) this.#handOn();
  }

  /** The peer reset it. */
  fallAway(): void {
    this.#hasFallenAway = true;
    this.destroy();
  }

  override _read(): void {
    this.#wantsMore = true;
    this.#handOn();
  }

  #handOn(): void {
    while (this.#wantsMore) {
      const next = this.#waiting.shift();
      if (next === undefined) break;
      this.#wantsMore = this.push(next);
      this.#link.read(-next.length);
    }
    if (this.#waiting.length === 0 && this.#isAtEnd && this.#wantsMore) {
      this.#wantsMore = false;
      this.push(null);
    }
  }

  override _write(bytes: Buffer, _encoding: BufferEncoding, done: (error?: Error | null) => void): void {
    this.#link.send(bytes, false, done);
  }

  override _final(done: (error?: Error | null) => void): void {
    this.#isFinished = true;
    this.#link.send(Buffer.alloc(0), true, done);
  }

  override _destroy(error: Error | null, done: (error?: Error | null) => void): void {
    const left = this.#waiting.reduce((sum, { length }) => sum + length, 0);
    this.#waiting = [];
    if (left > 0) this.#link.read(-left);
    const isOver = (this.#isFinished && this.#isAtEnd) || this.#hasFallenAway;
    this.#link.forget(isOver ? undefined : error === null ? resetStatus.cancel : resetStatus.internalError);
    done(error);
  }
}
