import { once } from "node:events";
import { connect as connectTcp, type Socket } from "node:net";
import { connect as connectTls } from "node:tls";
import {
  defaultWindowBytes,
  frame,
  frameBytesMost,
  frameFlags,
  frameHeaderBytes,
  frameTypes,
  preface,
  settingIds,
  settingsFrame,
  uint32,
  writeFrameHead,
} from "../../base/http2/frames.ts";
import { type AnswerSink, Answers, answerWindowBytes, connectionGrantBytes } from "./answers.ts";
import { type RequestBlocks, requestBlocks } from "./request-headers.ts";
import type { Template } from "./request-template.ts";
import { TurnBuffer } from "./turn-buffer.ts";

const readBytes = 1 << 18;
const nothing = Buffer.alloc(0);

/** Who is told of the answers on a connection. Calls of its methods may send the next requests. */
export interface Caller {
  /** @param failure Undefined where gRPC's status is OK. */
  answered(slot: number, failure: string | undefined): void;
  /** A piece of an answer's gRPC messages, valid until the method returns. */
  received(slot: number, bytes: Buffer, start: number, end: number): void;
  /** The connection is gone, and with it everything that it had under way. */
  lost(reason: string): void;
  /** Before what a chunk of bytes brings is told. */
  turned(): void;
}

export interface ConnectionOptions {
  readonly path: string;
  /** The most requests at once. */
  readonly slots: number;
  /** Who signed the certificates of servers at https URLs. */
  readonly authorityPem?: string;
}

/** One HTTP/2 connection that asks one gRPC method. A slot is one client: it has one request at a time. */
export class Connection implements AnswerSink {
  readonly #socket: Socket;
  readonly #caller: Caller;
  readonly #answers = new Answers(this);
  readonly #turn: TurnBuffer;
  readonly #blocks: RequestBlocks;
  #isFirst = true;
  #nextStream = 1;
  #hasSettings: (() => void) | undefined;
  /** The stream of each slot; 0 where it has none. */
  readonly #streams: Int32Array;
  /** The one that was answered last. */
  #heardSlot = -1;
  /** What each slot has still to send, as its stream's window was too small. */
  readonly #unsent: Buffer[];
  readonly #isLast: boolean[];
  readonly #windows: Float64Array;
  #unsentSlots = 0;
  #window = defaultWindowBytes;
  #streamWindow = defaultWindowBytes;
  #frameBytes = frameBytesMost;

  private constructor(
    socket: Socket,
    options: ConnectionOptions & { readonly authority: string; readonly isSecure: boolean },
    caller: Caller,
  ) {
    this.#socket = socket;
    this.#caller = caller;
    this.#turn = new TurnBuffer(socket);
    this.#blocks = requestBlocks(options);
    this.#streams = new Int32Array(options.slots);
    this.#unsent = Array.from({ length: options.slots }, () => nothing);
    this.#isLast = Array.from({ length: options.slots }, () => true);
    this.#windows = new Float64Array(options.slots);
  }

  /** Connects, and waits until the server said what it allows. */
  static async open(url: string, options: ConnectionOptions, caller: Caller): Promise<Connection> {
    const { hostname, port, host, protocol } = new URL(url);
    const isSecure = protocol === "https:";
    const read = (bytes: Buffer, length: number) => connection.#read(bytes, length);
    const to = { host: hostname, port: Number(port) };
    const socket = isSecure ? secureSocket(to, options.authorityPem, read) : plainSocket(to, read);
    const connection = new Connection(socket, { ...options, authority: host, isSecure }, caller);
    await once(socket, isSecure ? "secureConnect" : "connect");
    await connection.#greet();
    return connection;
  }

  #greet(): Promise<void> {
    return new Promise((resolve, reject) => {
      let isOpen = false;
      this.#hasSettings = () => {
        isOpen = true;
        resolve();
      };
      const lost = (reason: string) => {
        if (isOpen) this.#caller.lost(reason);
        else reject(new Error(`the server did not greet: ${reason}`));
      };
      let failure = "the connection was closed";
      this.#socket.on("error", (error) => {
        failure = error.message;
      });
      this.#socket.on("close", () => lost(failure));
      this.#turn.add(preface);
      this.#turn.add(
        settingsFrame([
          [settingIds.ENABLE_PUSH, 0],
          [settingIds.INITIAL_WINDOW_SIZE, answerWindowBytes],
        ]),
      );
      this.takeUsed(connectionGrantBytes);
      this.#turn.flush();
    });
  }

  #read(bytes: Buffer, length: number): void {
    this.#caller.turned();
    try {
      this.#answers.push(bytes, length);
    } catch (error) {
      this.#socket.destroy(error instanceof Error ? error : new Error(String(error)));
      return;
    }
    this.#turn.flush();
  }

  /** Begins a slot's request, which leaves with `flush` or when what is being read is dealt with.
   *  @param n Which key it is about.
   *  @param last False where more messages follow on the same stream with `sendMore`. */
  send(slot: number, template: Template, n: number, last = true): void {
    const streamId = this.#nextStream;
    this.#nextStream += 2;
    this.#streams[slot] = streamId;
    this.#windows[slot] = this.#streamWindow;
    this.#isLast[slot] = last;
    const block = this.#isFirst ? this.#blocks.first : this.#blocks.later;
    this.#isFirst = false;
    const at = this.#turn.take(frameHeaderBytes + block.length);
    const { bytes } = this.#turn;
    writeFrameHead(bytes, at, block.length, frameTypes.HEADERS, frameFlags.END_HEADERS, streamId);
    bytes.set(block, at + frameHeaderBytes);
    this.sendMore(slot, template, n);
  }

  /** Whether a slot's stream is there to send more on. */
  isOpen(slot: number): boolean {
    return this.#streams[slot] !== 0;
  }

  /** Sends a further message on the stream of a slot. */
  sendMore(slot: number, template: Template, n: number): void {
    const size = template.bytes.length;
    const window = this.#windows[slot] as number;
    if (size > this.#window || size > window || size > this.#frameBytes || this.#unsentSlots > 0)
      this.#sendInPieces(slot, template, n);
    else this.#sendWhole(slot, template, n);
  }

  #sendWhole(slot: number, template: Template, n: number): void {
    const size = template.bytes.length;
    this.#window -= size;
    this.#windows[slot] = (this.#windows[slot] as number) - size;
    const at = this.#turn.take(frameHeaderBytes + size);
    const { bytes } = this.#turn;
    const flags = this.#isLast[slot] === true ? frameFlags.END_STREAM : 0;
    writeFrameHead(bytes, at, size, frameTypes.DATA, flags, this.#streams[slot] as number);
    bytes.set(template.bytes, at + frameHeaderBytes);
    template.patch(bytes, at + frameHeaderBytes, n);
  }

  #sendInPieces(slot: number, template: Template, n: number): void {
    const whole = Buffer.from(template.bytes);
    template.patch(whole, 0, n);
    this.#unsent[slot] = whole;
    this.#unsentSlots += 1;
    this.#sendUnsent(slot);
  }

  #sendUnsent(slot: number): void {
    let rest = this.#unsent[slot] as Buffer;
    while (rest.length > 0) {
      const window = this.#windows[slot] as number;
      const size = Math.min(rest.length, this.#window, window, this.#frameBytes);
      if (size <= 0) break;
      this.#window -= size;
      this.#windows[slot] = window - size;
      const flags = size === rest.length && this.#isLast[slot] === true ? frameFlags.END_STREAM : 0;
      this.#turn.add(frame(frameTypes.DATA, flags, this.#streams[slot] as number, rest.subarray(0, size)));
      rest = rest.subarray(size);
    }
    this.#unsent[slot] = rest;
    if (rest.length === 0) this.#unsentSlots -= 1;
  }

  flush(): void {
    this.#turn.flush();
  }

  destroy(): void {
    this.#socket.destroy();
  }

  takeData(streamId: number, bytes: Buffer, start: number, end: number): void {
    const slot = this.#slotOf(streamId);
    if (slot !== -1) this.#caller.received(slot, bytes, start, end);
  }

  /** -1 where no slot has the stream. Answers come in the order of slots as a rule. */
  #slotOf(streamId: number): number {
    const next = this.#heardSlot + 1;
    this.#heardSlot = this.#streams[next] === streamId ? next : this.#streams.indexOf(streamId);
    return this.#heardSlot;
  }

  takeEnd(streamId: number, failure: string | undefined): void {
    const slot = this.#slotOf(streamId);
    if (slot === -1) return;
    this.#streams[slot] = 0;
    if ((this.#unsent[slot] as Buffer).length > 0) {
      this.#unsent[slot] = nothing;
      this.#unsentSlots -= 1;
    }
    this.#caller.answered(slot, failure);
  }

  takeWindow(streamId: number, bytes: number): void {
    if (streamId === 0) this.#window += bytes;
    else {
      const slot = this.#streams.indexOf(streamId);
      if (slot !== -1) this.#windows[slot] = (this.#windows[slot] as number) + bytes;
    }
    this.#sendAllUnsent();
  }

  #sendAllUnsent(): void {
    for (let slot = 0; this.#unsentSlots > 0 && slot < this.#unsent.length; slot++)
      if ((this.#unsent[slot] as Buffer).length > 0) this.#sendUnsent(slot);
  }

  takeSetting(id: number, value: number): void {
    if (id === settingIds.MAX_FRAME_SIZE) this.#frameBytes = value;
    if (id === settingIds.MAX_CONCURRENT_STREAMS && value < this.#streams.length)
      throw new Error(
        `the server allows ${value} streams on a connection, the load has ${this.#streams.length}`,
      );
    if (id !== settingIds.INITIAL_WINDOW_SIZE) return;
    for (let slot = 0; slot < this.#windows.length; slot++)
      this.#windows[slot] = (this.#windows[slot] as number) + value - this.#streamWindow;
    this.#streamWindow = value;
  }

  takeSettingsEnd(): void {
    this.#turn.add(frame(frameTypes.SETTINGS, frameFlags.ACK, 0, nothing));
    this.#sendAllUnsent();
    this.#hasSettings?.();
    this.#hasSettings = undefined;
  }

  takePing(payload: Buffer): void {
    this.#turn.add(frame(frameTypes.PING, frameFlags.ACK, 0, payload));
  }

  takeGoAway(reason: string): void {
    this.#socket.destroy(new Error(reason));
  }

  takeUsed(bytes: number): void {
    this.#turn.add(frame(frameTypes.WINDOW_UPDATE, 0, 0, uint32(bytes)));
  }
}

type Address = { readonly host: string; readonly port: number };
type Read = (bytes: Buffer, length: number) => void;

/** What comes lies in one buffer, which the next read writes over. */
function plainSocket(to: Address, read: Read): Socket {
  const buffer = Buffer.allocUnsafe(readBytes);
  const callback = (length: number) => {
    read(buffer, length);
    return true;
  };
  return connectTcp({ ...to, noDelay: true, onread: { buffer, callback } });
}

/** TLS reads into no buffer of ours. */
function secureSocket(to: Address, authorityPem: string | undefined, read: Read): Socket {
  const socket = connectTls({ ...to, ca: authorityPem, ALPNProtocols: ["h2"] });
  socket.setNoDelay(true);
  socket.on("data", (bytes: Buffer) => read(bytes, bytes.length));
  return socket;
}
