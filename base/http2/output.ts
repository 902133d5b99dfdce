import { Socket } from "node:net";
import type { Duplex } from "node:stream";
import {
  type ErrorCode,
  frameBytesMost,
  frameFlags,
  frameHeaderBytes,
  frameTypes,
  uint32,
  writeFrameHead,
} from "./frames.ts";
import { type Block, HeaderEncoder } from "./header-encoder.ts";
import type { WholeAnswer } from "./stream.ts";
import { giveArena, takeArena } from "./write-arenas.ts";

/** Payloads up to this size are copied beside their frame's head; larger ones are written as they are. */
export const copiedBytesMost = 4096;
/** To copy so few bytes costs less than to ask for it. */
const shortBytesMost = 12;
const lastHeaders = frameFlags.END_HEADERS | frameFlags.END_STREAM;
const noArena = Buffer.alloc(0);
/** Bytes under way to the socket beyond which data waits in its stream. */
const underWayBytesMost = 256 * 1024;

/** The way out of a connection: frames that are written together leave in one write. */
export class FrameOutput {
  readonly #socket: Duplex;
  readonly #onRoom: () => void;
  readonly #later: (flush: () => void) => void;
  /** What the socket is done with has left this process, or was copied; at the other end of a pair in memory it lives on. */
  readonly #isLeaving: boolean;
  #arena: Buffer = noArena;
  #arenaAt = 0;
  #arenaStart = 0;
  #pieces: Uint8Array[] = [];
  #piecesBytes = 0;
  #scheduled = false;
  readonly #flushLater = () => this.flush();
  readonly #encoder = new HeaderEncoder();

  /** `onRoom` is called after something was written; look at `hasRoom` then. `later` says when what was written leaves: after
   *  the callback that wrote it, if it is not given. */
  constructor(
    socket: Duplex,
    onRoom: () => void,
    later: (flush: () => void) => void = (flush) => process.nextTick(flush),
  ) {
    this.#socket = socket;
    this.#onRoom = onRoom;
    this.#later = later;
    this.#isLeaving = socket instanceof Socket;
  }

  /** Something was written that has yet to leave. */
  get isScheduled(): boolean {
    return this.#scheduled;
  }

  get hasRoom(): boolean {
    return this.underWayBytes < underWayBytesMost;
  }

  get underWayBytes(): number {
    return this.#piecesBytes + this.#socket.writableLength;
  }

  /** A header block, data in two parts, and a last header block, in one go. All together is small enough to be copied. */
  answer(streamId: number, { begin: head, prefix, body, end: tail }: WholeAnswer): void {
    const begin = this.#encoder.bytes(head);
    const end = this.#encoder.bytes(tail);
    const dataBytes = prefix.length + body.length;
    const needed = 3 * frameHeaderBytes + begin.length + dataBytes + end.length;
    this.#makeRoom(needed);
    const arena = this.#arena;
    let at = this.#arenaAt;
    writeFrameHead(arena, at, begin.length, frameTypes.HEADERS, frameFlags.END_HEADERS, streamId);
    at = copy(begin, arena, at + frameHeaderBytes);
    writeFrameHead(arena, at, dataBytes, frameTypes.DATA, 0, streamId);
    at = copy(prefix, arena, at + frameHeaderBytes);
    at = copy(body, arena, at);
    writeFrameHead(arena, at, end.length, frameTypes.HEADERS, lastHeaders, streamId);
    this.#arenaAt = copy(end, arena, at + frameHeaderBytes);
    this.#piecesBytes += needed;
    this.#schedule();
  }

  /** A DATA frame of three parts, which all together fit one. */
  data(streamId: number, prefix: Uint8Array, head: Uint8Array, rest: Uint8Array): void {
    const dataBytes = prefix.length + head.length + rest.length;
    const needed = frameHeaderBytes + dataBytes;
    this.#makeRoom(needed);
    const arena = this.#arena;
    let at = this.#arenaAt;
    writeFrameHead(arena, at, dataBytes, frameTypes.DATA, 0, streamId);
    at = copy(prefix, arena, at + frameHeaderBytes);
    at = copy(head, arena, at);
    this.#arenaAt = copy(rest, arena, at);
    this.#piecesBytes += needed;
    this.#schedule();
  }

  frame(type: number, flags: number, streamId: number, payload: Uint8Array): void {
    const isCopied = payload.length <= copiedBytesMost;
    const needed = frameHeaderBytes + (isCopied ? payload.length : 0);
    this.#makeRoom(needed);
    writeFrameHead(this.#arena, this.#arenaAt, payload.length, type, flags, streamId);
    if (isCopied) this.#arena.set(payload, this.#arenaAt + frameHeaderBytes);
    this.#arenaAt += needed;
    this.#piecesBytes += frameHeaderBytes + payload.length;
    if (!isCopied) {
      this.#cut();
      this.#pieces.push(payload);
    }
    this.#schedule();
  }

  /** A header block, in as many frames as it needs. */
  headers(streamId: number, headers: Block, isEnd: boolean): void {
    const block = this.#encoder.bytes(headers);
    const end = isEnd ? frameFlags.END_STREAM : 0;
    for (let at = 0; at === 0 || at < block.length; at += frameBytesMost) {
      const isWhole = at + frameBytesMost >= block.length;
      const flags = (at === 0 ? end : 0) | (isWhole ? frameFlags.END_HEADERS : 0);
      const type = at === 0 ? frameTypes.HEADERS : frameTypes.CONTINUATION;
      this.frame(type, flags, streamId, block.subarray(at, at + frameBytesMost));
    }
  }

  /** The peer keeps a table of so many bytes for our header blocks. */
  keepsTable(bytes: number): void {
    this.#encoder.resize(bytes);
  }

  /** The peer may send so much more; of all streams together for stream 0. */
  windowUpdate(streamId: number, bytes: number): void {
    this.frame(frameTypes.WINDOW_UPDATE, 0, streamId, uint32(bytes));
  }

  reset(streamId: number, code: ErrorCode): void {
    this.frame(frameTypes.RST_STREAM, 0, streamId, uint32(code));
  }

  raw(bytes: Buffer): void {
    this.#cut();
    this.#pieces.push(bytes);
    this.#piecesBytes += bytes.length;
    this.#schedule();
  }

  /** What is written from now on leaves when `flush` is called, which the caller does. */
  gather(): void {
    this.#scheduled = true;
  }

  /** Writes what waits, at once. */
  flush(): void {
    this.#scheduled = false;
    this.#cut();
    const pieces = this.#pieces;
    if (pieces.length === 0 || this.#socket.destroyed || this.#socket.writableEnded) return;
    this.#pieces = [];
    this.#piecesBytes = 0;
    const last = pieces.pop() as Uint8Array;
    if (pieces.length > 0) this.#socket.cork();
    for (const piece of pieces) this.#socket.write(piece);
    this.#socket.write(last, this.#onWritten);
    if (pieces.length > 0) this.#socket.uncork();
    this.#leaveArena();
  }

  readonly #onWritten = (): void => {
    this.#leaveArena();
    this.#onRoom();
  };

  /** Where the socket has nothing left of what it was given, as a rule at once, the arena serves whoever writes next: a new one
   *  each few writes would have the collector run for the sake of their memory alone. */
  #leaveArena(): void {
    if (this.#arena === noArena || this.#arenaAt > this.#arenaStart || this.#pieces.length > 0) return;
    if (!this.#isLeaving || this.#socket.writableLength > 0) return;
    giveArena(this.#arena);
    this.#arena = noArena;
    this.#arenaAt = 0;
    this.#arenaStart = 0;
  }

  #makeRoom(bytes: number): void {
    if (this.#arenaAt + bytes <= this.#arena.length) return;
    this.#cut();
    this.#arena = takeArena(); // the one before is freed when it was sent
    this.#arenaAt = 0;
    this.#arenaStart = 0;
  }

  #cut(): void {
    if (this.#arenaAt > this.#arenaStart)
      this.#pieces.push(this.#arena.subarray(this.#arenaStart, this.#arenaAt));
    this.#arenaStart = this.#arenaAt;
  }

  #schedule(): void {
    if (this.#scheduled) return;
    this.#scheduled = true;
    this.#later(this.#flushLater);
  }
}

/** Gives the place behind. */
function copy(from: Uint8Array, into: Buffer, at: number): number {
  if (from.length > shortBytesMost) into.set(from, at);
  else for (let next = 0; next < from.length; next++) into[at + next] = from[next] as number;
  return at + from.length;
}
