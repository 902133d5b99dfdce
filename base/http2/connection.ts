import type { Duplex } from "node:stream";
import type { Clock } from "../os/clock.ts";
import type { Log } from "../os/log.ts";
import { UnreadAnswers } from "./answer-lane.ts";
import { EndedEarly } from "./ended-early.ts";
import { hasPseudo, isTrailers, isValue } from "./fields.ts";
import {
  ConnectionError,
  calmDown,
  defaultWindowBytes,
  type ErrorCode,
  errorCodes,
  flowError,
  frameBytesMost,
  frameTypes,
  preface,
  settingIds,
  settingsFrame,
  uint32,
  violation,
} from "./frames.ts";
import type { Header } from "./header.ts";
import { headerBlock } from "./header-block.ts";
import type { Block } from "./header-encoder.ts";
import { IdleWatch } from "./idle-watch.ts";
import { IncomingFrames } from "./incoming-frames.ts";
import { KeepAlive, serverSilence } from "./keep-alive.ts";
import type { HeaderList } from "./known-blocks.ts";
import type { Http2Limits } from "./limits.ts";
import { OutgoingData } from "./outgoing-data.ts";
import { copiedBytesMost, FrameOutput } from "./output.ts";
import type { PeerSettings } from "./peer-settings.ts";
import { type RequestHead, requestHead } from "./request-headers.ts";
import { Http2Stream, type Route, type ServeStream, type StreamOwner, type WholeAnswer } from "./stream.ts";

/** A client that does not read is not read from either, once so much waits for it. */
const unsentBytesMost = 1 << 20;
/** How long a client may take to read the last of its connection, and to close it too. */
const lastWordsMostMs = 5_000;
/** A client that goes on opening streams beyond the limit, so many times the limit in a row, does not mean well. */
const refusedTimesMost = 4;
const headersTooLarge = headerBlock([{ name: ":status", value: "431" }]);
const noTunnels = headerBlock([{ name: ":status", value: "501" }]);

/** What is known of requests with the same headers. Malformed ones are served by nobody. */
type Request =
  | { readonly head: RequestHead; readonly serve: ServeStream }
  | { readonly head: undefined; readonly serve: undefined };

export interface ConnectionParts {
  readonly limits: Http2Limits;
  readonly route: Route;
  /** A header that is different in each request, as a deadline is. It comes with the stream, not among the others. */
  readonly apart?: string | undefined;
  readonly clock: Pick<Clock, "monotonicMs" | "after">;
  readonly log: Log;
  readonly onClosed: () => void;
  /** No answer is being worked on any more. */
  readonly onIdle: () => void;
}

/** The server's end of one HTTP/2 connection (RFC 9113), on bytes. Our settings leave at once; what the client may do before
 *  its first request is answered as at any time.
 *  Invariant: a stream that is refused, or beyond a GOAWAY's last id, was never served; every other one was or may have been. */
export class Http2Connection implements StreamOwner {
  readonly socket: Duplex;
  readonly #parts: ConnectionParts;
  readonly #output: FrameOutput;
  readonly #data: OutgoingData<Http2Stream>;
  readonly #incoming: IncomingFrames<Request>;
  readonly #limits: Http2Limits;
  readonly #keepAlive: KeepAlive;
  readonly #idle: IdleWatch | undefined;
  readonly #streams = new Map<number, Http2Stream>();
  readonly #endedEarly = new EndedEarly();
  #prefaceLeft = preface;
  #stopHeadTimer: () => void = () => undefined;
  #lastStreamId = 0;
  #goneAway = false;
  #slotsHeld = 0;
  #refusedInARow = 0;
  #receiveWindow: number;
  #unannounced = 0;
  #nowMs = 0;
  #over = false;
  #stopTimer: () => void = () => undefined;
  readonly unread = new UnreadAnswers();

  constructor(socket: Duplex, parts: ConnectionParts) {
    this.socket = socket;
    this.#parts = parts;
    this.#limits = parts.limits;
    const { streamsMost, streamWindowBytes, connectionWindowBytes, headerListBytesMost, idleMostMs } =
      parts.limits;
    const { silence = serverSilence } = parts.limits;
    this.#receiveWindow = connectionWindowBytes;
    this.#output = new FrameOutput(socket, () => this.#onRoom());
    this.#incoming = new IncomingFrames(
      this.#output,
      {
        data: (streamId, bytes, start, end, frameBytes, isEnd) =>
          this.#onContent(streamId, bytes, start, end, frameBytes, isEnd),
        blockBegan: () => this.#awaitHead(),
        headers: (streamId, list, isEnd, apart) => this.#onHeaders(streamId, list, isEnd, apart),
        reset: (streamId) => this.#onReset(streamId),
        settings: (settings) => this.#onSettings(settings),
        widened: (streamId, bytes) => this.#onWidened(streamId, bytes),
        // A client that leaves closes its end.
        leaving: () => undefined,
      },
      { listBytesMost: headerListBytesMost, apart: parts.apart },
    );
    this.#data = new OutgoingData(this.#output, {
      ended: (stream) => this.#answered(stream),
      trailers: (stream, block) => this.sendHeaders(stream, block, true),
    });
    this.#keepAlive = new KeepAlive(parts.clock, silence ?? serverSilence, {
      ping: (payload) => this.#output.frame(frameTypes.PING, 0, 0, payload),
      dead: () => socket.destroy(),
    });
    if (silence !== null) this.#keepAlive.start();
    if (idleMostMs !== undefined)
      this.#idle = new IdleWatch(parts.clock, idleMostMs, {
        isBusy: () => this.#isUsed,
        end: () => this.goAway(),
      });
    this.#awaitHead();
    this.#output.raw(
      settingsFrame([
        [settingIds.MAX_CONCURRENT_STREAMS, streamsMost],
        [settingIds.INITIAL_WINDOW_SIZE, streamWindowBytes],
        [settingIds.MAX_HEADER_LIST_SIZE, headerListBytesMost],
      ]),
    );
    this.#output.windowUpdate(0, connectionWindowBytes - defaultWindowBytes);
    socket.on("data", (bytes: Buffer) => this.#onData(bytes));
    socket.on("end", () => socket.end());
    socket.on("error", (error) => parts.log.debug("client connection failed", { error }));
    socket.on("close", () => this.#close());
  }

  /** Answers are being worked on. */
  get isBusy(): boolean {
    return this.#slotsHeld > 0;
  }

  /** Takes no new streams, says up to which it did, and closes once those are over. */
  goAway(): void {
    if (this.#goneAway) return;
    this.#sendGoAway(errorCodes.NO_ERROR, "");
    this.#closeUnused();
  }

  /** Streams are open, or worked on. */
  get #isUsed(): boolean {
    return this.#streams.size > 0 || this.#slotsHeld > 0;
  }

  #closeUnused(): void {
    if (!this.#over && this.#goneAway && !this.#isUsed) this.#end();
  }

  /** The client has little time for what it is to send next. */
  #awaitHead(): void {
    const { headWithinMs } = this.#limits;
    if (headWithinMs === undefined) return;
    this.#stopHeadTimer = this.#parts.clock.after(headWithinMs, () =>
      this.#endWith(errorCodes.ENHANCE_YOUR_CALM, "a head that does not come in time"),
    );
  }

  destroy(): void {
    this.#output.flush();
    this.socket.destroy();
  }

  sendHeaders(stream: Http2Stream, block: Block, isLast: boolean): void {
    this.#output.headers(stream.id, block, isLast);
    if (isLast) this.#answered(stream);
  }

  get heardMs(): number {
    return this.#keepAlive.heardMs;
  }

  get nowMs(): number {
    if (!this.#output.isScheduled) this.#nowMs = this.#parts.clock.monotonicMs();
    return this.#nowMs;
  }

  answer(stream: Http2Stream, answer: WholeAnswer): boolean {
    const bytes = answer.prefix.length + answer.body.length;
    if (bytes > copiedBytesMost || !this.#data.claim(stream, bytes)) return false;
    this.#output.answer(stream.id, answer);
    this.#answered(stream);
    return true;
  }

  writeNow(stream: Http2Stream, prefix: Uint8Array, head: Uint8Array, rest: Uint8Array): boolean {
    const bytes = prefix.length + head.length + rest.length;
    if (bytes > frameBytesMost || !this.#data.claim(stream, bytes)) return false;
    this.#output.data(stream.id, prefix, head, rest);
    return true;
  }

  pump(stream: Http2Stream): void {
    this.#data.pump(stream);
  }

  sendReset(stream: Http2Stream, code: ErrorCode): void {
    if (!stream.remoteEnded) this.#endedEarly.add(stream.id);
    this.#output.reset(stream.id, code);
    this.#forget(stream);
  }

  allowMore(stream: Http2Stream, bytes: number): void {
    stream.unannounced += bytes;
    if (stream.unannounced < this.#limits.streamWindowBytes / 2) return;
    this.#output.windowUpdate(stream.id, stream.unannounced);
    stream.receiveWindow += stream.unannounced;
    stream.unannounced = 0;
  }

  giveUp(): void {
    this.#parts.log.warn("ended the connection of a client that does not read its answers");
    this.#endWith(errorCodes.ENHANCE_YOUR_CALM, "answers are left unread");
  }

  slotTaken(): void {
    this.#slotsHeld += 1;
  }

  slotFreed(): void {
    this.#slotsHeld -= 1;
    if (this.#slotsHeld === 0) this.#parts.onIdle();
    this.#closeUnused();
  }

  #onData(bytes: Buffer): void {
    if (this.#over) return;
    this.#keepAlive.heard();
    this.#nowMs = this.heardMs;
    this.#output.gather();
    try {
      const frames = this.#prefaceLeft.length === 0 ? bytes : this.#takePreface(bytes);
      this.#incoming.push(frames, this.heardMs);
    } catch (error) {
      if (!(error instanceof ConnectionError)) throw error;
      this.#parts.log.debug("client broke the protocol", { error });
      this.#endWith(error.code, error.message);
      return;
    }
    this.#output.flush();
    if (this.#output.underWayBytes > unsentBytesMost) this.socket.pause();
  }

  #takePreface(bytes: Buffer): Buffer {
    const expected = this.#prefaceLeft;
    const here = Math.min(expected.length, bytes.length);
    if (!bytes.subarray(0, here).equals(expected.subarray(0, here))) violation("no HTTP/2 preface");
    this.#prefaceLeft = expected.subarray(here);
    return bytes.subarray(here);
  }

  #onContent(
    streamId: number,
    bytes: Buffer,
    start: number,
    end: number,
    frameBytes: number,
    isEnd: boolean,
  ): void {
    this.#receiveWindow -= frameBytes;
    if (this.#receiveWindow < 0) flowError("more data than the connection's window");
    this.#unannounced += frameBytes;
    if (this.#unannounced >= this.#limits.connectionWindowBytes / 2) {
      this.#output.windowUpdate(0, this.#unannounced);
      this.#receiveWindow += this.#unannounced;
      this.#unannounced = 0;
    }
    const stream = this.#known(streamId, "DATA");
    if (stream === undefined) {
      this.#onLateData(streamId, isEnd);
      return;
    }
    const contentBytes = end - start;
    const wrong = stream.countData(frameBytes, contentBytes, isEnd);
    if (wrong !== undefined) {
      this.#break(stream, wrong);
      return;
    }
    const { events } = stream;
    if (isEnd && !stream.hasContent && events?.whole !== undefined) {
      events.whole(bytes, start, end);
      return;
    }
    stream.hasContent = true;
    if (frameBytes > contentBytes) stream.consumed(frameBytes - contentBytes);
    if (contentBytes > 0) events?.data(bytes.subarray(start, end));
    if (stream.remoteEnded && !stream.over) events?.end();
  }

  #onHeaders(
    streamId: number,
    list: HeaderList<Request> | "tooLarge",
    isEnd: boolean,
    apart: string | undefined,
  ): void {
    this.#stopHeadTimer();
    const isApartFine = apart === undefined || isValue(apart);
    if (streamId % 2 === 0) violation("HEADERS on a stream that is no client's");
    if (streamId <= this.#lastStreamId) {
      const areTrailers = list === "tooLarge" || (isTrailers(list.headers) && isApartFine);
      if (areTrailers || this.#streams.has(streamId)) this.#onTrailers(streamId, areTrailers, isEnd);
      else if (hasPseudo(list.headers)) violation("a request on a stream that was used before");
      return;
    }
    if (this.#goneAway) return; // the client was told that it will not be served
    this.#lastStreamId = streamId;
    const stream = new Http2Stream(streamId, this, {
      send: this.#data.initialWindowBytes,
      receive: this.#limits.streamWindowBytes,
    });
    stream.remoteEnded = isEnd;
    const { streamsMost } = this.#limits;
    if (Math.max(this.#streams.size, this.#slotsHeld) >= streamsMost) {
      this.#refusedInARow += 1;
      if (this.#refusedInARow > refusedTimesMost * streamsMost) calmDown("too many streams beyond the limit");
      stream.reset(errorCodes.REFUSED_STREAM);
      return;
    }
    this.#refusedInARow = 0;
    if (list === "tooLarge") {
      stream.respondOnly(headersTooLarge);
      return;
    }
    list.found ??= this.#requestOf(list.headers);
    const request = list.found;
    stream.bodyBytesLeft = request.head?.bodyBytes;
    if (request.head === undefined || !stream.countBody(0) || !isApartFine) {
      stream.reset(errorCodes.PROTOCOL_ERROR);
      return;
    }
    if (request.head.isConnect) {
      stream.respondOnly(noTunnels);
      return;
    }
    this.#streams.set(streamId, stream);
    const events = request.serve(stream, apart);
    stream.events = events;
    if (isEnd && !stream.over) events.end();
  }

  #requestOf(headers: readonly Header[]): Request {
    const head = requestHead(headers);
    return head === undefined ? { head, serve: undefined } : { head, serve: this.#parts.route(headers) };
  }

  #onTrailers(streamId: number, areValid: boolean, isEnd: boolean): void {
    const stream = this.#streams.get(streamId);
    if (stream === undefined) {
      if (isEnd) this.#endedEarly.delete(streamId);
      return;
    }
    if (stream.remoteEnded) {
      this.#break(stream, errorCodes.STREAM_CLOSED);
      return;
    }
    stream.remoteEnded = isEnd;
    if (isEnd && areValid && stream.countBody(0)) stream.events?.end();
    else this.#break(stream, errorCodes.PROTOCOL_ERROR);
  }

  /** DATA of a stream that is over. Nobody sends it on, but who had ended the stream must be told. */
  #onLateData(streamId: number, isEnd: boolean): void {
    if (streamId > this.#lastStreamId) return; // it was told that it will not be served
    if (!this.#endedEarly.has(streamId)) this.#output.reset(streamId, errorCodes.STREAM_CLOSED);
    else if (isEnd) this.#endedEarly.delete(streamId);
  }

  #onReset(streamId: number): void {
    const stream = this.#known(streamId, "RST_STREAM");
    this.#endedEarly.delete(streamId);
    if (stream === undefined) return;
    this.#forget(stream);
    stream.events?.gone();
  }

  #onSettings({ initialWindows }: PeerSettings): void {
    this.#stopHeadTimer();
    if (initialWindows !== undefined) this.#data.setInitialWindow(initialWindows, this.#streams.values());
  }

  #onWidened(streamId: number, bytes: number): void {
    if (streamId === 0) {
      if (bytes === 0) violation("WINDOW_UPDATE by nothing");
      this.#data.widen(bytes);
      return;
    }
    const stream = this.#known(streamId, "WINDOW_UPDATE");
    if (stream === undefined) return;
    if (bytes === 0) this.#break(stream, errorCodes.PROTOCOL_ERROR);
    else if (!this.#data.widenStream(stream, bytes)) this.#break(stream, errorCodes.FLOW_CONTROL_ERROR);
  }

  /** Undefined for a stream that is over; one that never began is an error. */
  #known(streamId: number, what: string): Http2Stream | undefined {
    if (streamId === 0) violation(`${what} on no stream`);
    const isIdle = streamId % 2 === 0 || (streamId > this.#lastStreamId && !this.#goneAway);
    if (isIdle) violation(`${what} on an idle stream`);
    return this.#streams.get(streamId);
  }

  /** The client broke the rules of one stream. */
  #break(stream: Http2Stream, code: ErrorCode): void {
    this.sendReset(stream, code);
    stream.events?.gone();
  }

  #onRoom(): void {
    if (this.#over) return;
    this.#data.sendBlocked();
    if (this.socket.isPaused() && this.#output.underWayBytes < unsentBytesMost / 2) this.socket.resume();
  }

  #answered(stream: Http2Stream): void {
    // The client need not send the rest of a request that is answered.
    if (!stream.remoteEnded) {
      this.#endedEarly.add(stream.id);
      this.#output.reset(stream.id, errorCodes.NO_ERROR);
    }
    this.#forget(stream);
    stream.events?.sent?.();
  }

  #forget(stream: Http2Stream): void {
    this.#streams.delete(stream.id);
    this.#data.forget(stream);
    stream.ended();
    this.#idle?.used();
    this.#closeUnused();
  }

  #sendGoAway(code: ErrorCode, reason: string): void {
    this.#goneAway = true;
    const payload = Buffer.concat([uint32(this.#lastStreamId), uint32(code), Buffer.from(reason, "latin1")]);
    this.#output.frame(frameTypes.GOAWAY, 0, 0, payload);
  }

  /** What waits for the client is dropped at once: it may never read the GOAWAY. */
  #endWith(code: ErrorCode, reason: string): void {
    if (this.#over) return;
    this.#sendGoAway(code, reason);
    this.#end();
  }

  #end(): void {
    this.#output.flush();
    this.#over = true;
    this.#incoming.stop();
    this.#endStreams();
    this.#stopTimer = this.#parts.clock.after(lastWordsMostMs, () => this.socket.destroy());
    this.socket.end();
    this.socket.resume(); // and dropped: a reset for what is still coming would lose the client what it has yet to read
  }

  #close(): void {
    this.#over = true;
    this.#incoming.stop();
    this.#keepAlive.stop();
    this.#idle?.stop();
    this.#stopHeadTimer();
    this.#stopTimer();
    this.#endStreams();
    this.#parts.onClosed();
  }

  #endStreams(): void {
    const streams = [...this.#streams.values()];
    this.#streams.clear();
    this.#data.clear();
    for (const stream of streams) {
      stream.ended();
      stream.events?.gone();
    }
  }
}
