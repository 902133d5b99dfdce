import type { Duplex } from "node:stream";
import type { Clock } from "../os/clock.ts";
import { ownSetImmediate } from "../os/own-timers.ts";
import { tellEach } from "../tell-each.ts";
import { type AnswerBlock, answerBlock } from "./answer-headers.ts";
import { type AnswerEvents, ClientStream, type RequestOwner, type StreamLoss } from "./client-stream.ts";
import {
  ConnectionError,
  defaultWindowBytes,
  type ErrorCode,
  errorCodes,
  flowError,
  frameTypes,
  preface,
  settingIds,
  settingsFrame,
  uint32,
  violation,
} from "./frames.ts";
import { IncomingFrames } from "./incoming-frames.ts";
import { KeepAlive, type SilenceLimits } from "./keep-alive.ts";
import type { HeaderList } from "./known-blocks.ts";
import { OutgoingData } from "./outgoing-data.ts";
import { FrameOutput } from "./output.ts";
import type { PeerSettings } from "./peer-settings.ts";

export interface ClientLimits {
  /** Bytes that the server may send of an answer, and of all together, before it hears that they were taken in. */
  readonly streamWindowBytes: number;
  readonly connectionWindowBytes: number;
  /** All headers of an answer, as HTTP/2 counts them. */
  readonly headerListBytesMost: number;
  /** A connection carries so many requests, for stream ids are used once. */
  readonly requestsMost: number;
  /** Of a server that is asked something. */
  readonly silence: SilenceLimits;
}

export interface ClientConnectionParts {
  readonly limits: ClientLimits;
  readonly clock: Pick<Clock, "monotonicMs" | "after">;
  /** The server's first word came: it speaks HTTP/2. */
  readonly onReady: () => void;
  /** From now on something is asked, or nothing any more. */
  readonly onUsed?: (isUsed: boolean) => void;
  /** It takes no more requests, and will close; or has. Called once. */
  readonly onLeaving: (reason: string) => void;
}

const malformed = { code: errorCodes.PROTOCOL_ERROR, reason: "the answer is malformed" };
const tooMuch = { code: errorCodes.FLOW_CONTROL_ERROR, reason: "the server sends more than it may" };
const tooLarge = { code: errorCodes.CANCEL, reason: "the answer's headers are too large" };

/** HTTP/2 has no more stream ids for a client. */
export const requestsMost = 2 ** 30;

/** The client's end of one HTTP/2 connection (RFC 9113). Requests beyond what the server takes at once wait their turn.
 *  Invariant: a loss with `maybeServed: false` is of a request that was not sent, or that the server says it did not look at. */
export class ClientConnection implements RequestOwner {
  readonly #socket: Duplex;
  readonly #parts: ClientConnectionParts;
  readonly #output: FrameOutput;
  readonly #data: OutgoingData<ClientStream>;
  readonly #incoming: IncomingFrames<AnswerBlock>;
  readonly #keepAlive: KeepAlive;
  readonly #streams = new Map<number, ClientStream>();
  readonly #queue = new Set<ClientStream>();
  #lastStreamId = -1;
  /** The last stream that the server deals with, once it leaves. */
  #lastServed = Number.POSITIVE_INFINITY;
  /** The server names no bound until it does. */
  #streamsMost = Number.POSITIVE_INFINITY;
  #isReady = false;
  #unannounced = 0;
  #isLeaving = false;
  #why = "the connection was closed";
  #over = false;

  constructor(socket: Duplex, parts: ClientConnectionParts) {
    this.#socket = socket;
    this.#parts = parts;
    const { streamWindowBytes, connectionWindowBytes, headerListBytesMost, silence } = parts.limits;
    // Whatever is asked in one turn of the event loop leaves together, and the server works on it together.
    this.#output = new FrameOutput(socket, () => this.#data.sendBlocked(), ownSetImmediate);
    this.#incoming = new IncomingFrames<AnswerBlock>(
      this.#output,
      {
        data: (streamId, bytes, start, end, frameBytes, isEnd) =>
          this.#onContent(streamId, bytes.subarray(start, end), frameBytes, isEnd),
        blockBegan: () => undefined,
        headers: (streamId, list, isEnd) => this.#onHeaders(streamId, list, isEnd),
        reset: (streamId, code) => this.#onReset(streamId, code),
        settings: (settings) => this.#onSettings(settings),
        widened: (streamId, bytes) => this.#onWidened(streamId, bytes),
        leaving: (lastStreamId, reason) => this.#onLeaving(lastStreamId, reason),
      },
      { listBytesMost: headerListBytesMost },
    );
    this.#data = new OutgoingData<ClientStream>(this.#output, {
      ended: (stream) => {
        stream.isSent = true;
      },
      trailers: () => undefined,
    });
    this.#keepAlive = new KeepAlive(parts.clock, silence, {
      ping: (payload) => this.#output.frame(frameTypes.PING, 0, 0, payload),
      dead: () => this.#fail("the server says nothing any more"),
    });
    this.#output.raw(preface);
    this.#output.raw(
      settingsFrame([
        [settingIds.ENABLE_PUSH, 0],
        [settingIds.INITIAL_WINDOW_SIZE, streamWindowBytes],
        [settingIds.MAX_HEADER_LIST_SIZE, headerListBytesMost],
      ]),
    );
    this.#output.windowUpdate(0, connectionWindowBytes - defaultWindowBytes);
    socket.on("data", (bytes: Buffer) => this.#onData(bytes));
    socket.on("error", (error) => {
      this.#why = error.message;
    });
    socket.on("end", () => this.#fail(this.#why));
    socket.on("close", () => this.#fail(this.#why));
  }

  /** Requests begun now are sent on it. */
  get takesRequests(): boolean {
    return this.#isReady && !this.#isLeaving;
  }

  /** So many requests may be open at once; more wait. */
  get streamsMost(): number {
    return this.#streamsMost;
  }

  /** Begins a request with this block of headers, of any method but HEAD and CONNECT. To be called while `takesRequests`. */
  request(head: Buffer, events: AnswerEvents): ClientStream {
    const stream = new ClientStream(this, head, events, this.#parts.limits.streamWindowBytes);
    if (this.#streams.size < this.#streamsMost && this.#queue.size === 0) this.#begin(stream);
    else this.#queue.add(stream);
    return stream;
  }

  /** Ends all that is under way, with this reason. */
  close(reason: string): void {
    this.#fail(reason, errorCodes.NO_ERROR);
  }

  pump(stream: ClientStream): void {
    if (stream.id > 0) this.#data.pump(stream);
  }

  allowMore(stream: ClientStream, bytes: number): void {
    stream.unannounced += bytes;
    if (stream.unannounced < this.#parts.limits.streamWindowBytes / 2) return;
    this.#output.windowUpdate(stream.id, stream.unannounced);
    stream.receiveWindow += stream.unannounced;
    stream.unannounced = 0;
  }

  cancel(stream: ClientStream, code: ErrorCode): void {
    if (stream.id > 0) this.#output.reset(stream.id, code);
    this.#forget(stream);
  }

  #begin(stream: ClientStream): void {
    this.#lastStreamId += 2;
    stream.id = this.#lastStreamId;
    stream.sendWindow = this.#data.initialWindowBytes;
    if (this.#streams.size === 0) this.#used(true);
    this.#streams.set(stream.id, stream);
    this.#output.headers(stream.id, stream.head, false);
    this.#data.pump(stream);
    if ((this.#lastStreamId + 1) / 2 >= this.#parts.limits.requestsMost)
      this.#leave("the connection carries no more requests");
  }

  #beginQueued(): void {
    for (const stream of this.#queue) {
      if (this.#isLeaving || this.#streams.size >= this.#streamsMost) return;
      this.#queue.delete(stream);
      this.#begin(stream);
    }
  }

  #onData(bytes: Buffer): void {
    if (this.#over) return;
    this.#keepAlive.heard();
    try {
      this.#incoming.push(bytes, this.#keepAlive.heardMs);
    } catch (error) {
      if (!(error instanceof ConnectionError)) throw error;
      this.#fail(`the server broke the protocol: ${error.message}`, error.code);
    }
  }

  #onContent(streamId: number, content: Buffer, frameBytes: number, isEnd: boolean): void {
    // Each request is held back by itself.
    this.#unannounced += frameBytes;
    if (this.#unannounced >= this.#parts.limits.connectionWindowBytes / 2) {
      this.#output.windowUpdate(0, this.#unannounced);
      this.#unannounced = 0;
    }
    const stream = this.#known(streamId, "DATA");
    if (stream === undefined) return;
    stream.isEnding = isEnd;
    stream.receiveWindow -= frameBytes;
    if (stream.receiveWindow < 0) {
      this.#refuse(stream, tooMuch);
      return;
    }
    if (!stream.takesBody(content.length)) {
      this.#refuse(stream, malformed);
      return;
    }
    stream.consumed(frameBytes - content.length);
    if (content.length > 0) stream.events.data(content);
    if (isEnd && !stream.over) this.#answered(stream);
  }

  #onHeaders(streamId: number, list: HeaderList<AnswerBlock> | "tooLarge", isEnd: boolean): void {
    const stream = this.#known(streamId, "HEADERS");
    if (stream === undefined) return;
    if (list === "tooLarge") {
      this.#refuse(stream, tooLarge);
      return;
    }
    list.found ??= answerBlock(list.headers);
    stream.isEnding = isEnd;
    if (!stream.takesBlock(list.found)) {
      this.#refuse(stream, malformed);
      return;
    }
    stream.events.headers(list.headers);
    if (isEnd && !stream.over) this.#answered(stream);
  }

  /** The server's answer is none. */
  #refuse(
    stream: ClientStream,
    { code, reason }: { readonly code: ErrorCode; readonly reason: string },
  ): void {
    this.cancel(stream, code);
    stream.events.gone({ maybeServed: true, code, reason });
  }

  #answered(stream: ClientStream): void {
    // The server has answered and wants no more of the request.
    if (!stream.isSent) this.#output.reset(stream.id, errorCodes.CANCEL);
    this.#forget(stream);
    stream.events.end();
  }

  #onReset(streamId: number, code: number): void {
    const stream = this.#known(streamId, "RST_STREAM");
    if (stream === undefined) return;
    this.#forget(stream);
    const maybeServed = code !== errorCodes.REFUSED_STREAM;
    stream.events.gone({ maybeServed, code, reason: `the server ended the stream with code ${code}` });
  }

  #onSettings({ initialWindows, streamsMost, isPushOn }: PeerSettings): void {
    if (isPushOn === true) violation("a server that enables push");
    if (initialWindows !== undefined) this.#data.setInitialWindow(initialWindows, this.#streams.values());
    this.#streamsMost = streamsMost ?? this.#streamsMost;
    if (!this.#isReady) {
      this.#isReady = true;
      this.#parts.onReady();
    }
    this.#beginQueued();
  }

  #onWidened(streamId: number, bytes: number): void {
    if (bytes === 0) violation("WINDOW_UPDATE by nothing");
    if (streamId === 0) {
      this.#data.widen(bytes);
      return;
    }
    const stream = this.#known(streamId, "WINDOW_UPDATE");
    if (stream !== undefined && !this.#data.widenStream(stream, bytes))
      flowError("a window that is too large");
  }

  #onLeaving(lastServed: number, said: string): void {
    const reason = said === "" ? "the server is leaving" : `the server is leaving: ${said}`;
    this.#leave(reason);
    if (lastServed >= this.#lastServed) return;
    this.#lastServed = lastServed;
    const unserved = [...this.#streams.values()].filter(({ id }) => id > lastServed);
    this.#loseAll(unserved, { maybeServed: false, code: undefined, reason });
  }

  /** No request is begun any more; the connection closes with the last that is under way. */
  #leave(reason: string): void {
    if (!this.#isLeaving) {
      this.#isLeaving = true;
      this.#parts.onLeaving(reason);
    }
    this.#loseAll([...this.#queue], { maybeServed: false, code: undefined, reason });
    this.#closeUnused();
  }

  /** Undefined for a stream that is over; one that never began is an error. */
  #known(streamId: number, what: string): ClientStream | undefined {
    if (streamId === 0) violation(`${what} on no stream`);
    if (streamId > this.#lastStreamId || streamId % 2 === 0)
      violation(`${what} on a stream that nobody began`);
    return this.#streams.get(streamId);
  }

  #lose(stream: ClientStream, loss: StreamLoss): void {
    this.#forget(stream);
    stream.events.gone(loss);
  }

  #loseAll(streams: readonly ClientStream[], loss: StreamLoss): void {
    tellEach(streams, (stream) => this.#lose(stream, loss));
  }

  /** Silence matters only while something is asked. */
  #used(isUsed: boolean): void {
    if (isUsed) this.#keepAlive.start();
    else this.#keepAlive.stop();
    this.#parts.onUsed?.(isUsed);
  }

  #forget(stream: ClientStream): void {
    stream.ended();
    if (this.#streams.delete(stream.id) && this.#streams.size === 0) this.#used(false);
    this.#queue.delete(stream);
    this.#data.forget(stream);
    this.#beginQueued();
    this.#closeUnused();
  }

  #closeUnused(): void {
    if (this.#isLeaving && this.#streams.size === 0) this.#fail(this.#why, errorCodes.NO_ERROR);
  }

  /** All is over. With a code the server is told so first. */
  #fail(reason: string, code?: ErrorCode): void {
    if (this.#over) return;
    if (code !== undefined && !this.#socket.destroyed) {
      this.#output.frame(frameTypes.GOAWAY, 0, 0, Buffer.concat([uint32(0), uint32(code)]));
      this.#output.flush();
    }
    this.#over = true;
    this.#incoming.stop();
    this.#socket.destroy();
    this.#leave(reason);
    this.#loseAll([...this.#streams.values()], { maybeServed: true, code: undefined, reason });
  }
}
