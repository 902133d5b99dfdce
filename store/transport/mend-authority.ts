import type { Socket } from "node:net";
import { Duplex } from "node:stream";
import {
  type Frame,
  FrameCutter,
  frameFlags,
  frameTypes,
  HeaderReader,
  headerBlock,
  headersFrame,
  prefaceBytes,
} from "./http2-frames.ts";

/** etcd's client 3.4 sends its endpoint as it was written, `http://host:port`, for :authority in calls that name an endpoint
 *  (endpoint status, hashkv, defrag). That is no authority (RFC 9113, section 8.3.1), and Node's HTTP/2 resets such requests
 *  before anybody sees them; Go's does not. So a connection is looked into until its first request: a sound one is handed over
 *  as it is and costs nothing more; one that is not gets its headers mended on the way. */
const emptySettings = Buffer.from([0, 0, 0, frameTypes.SETTINGS, 0, 0, 0, 0, 0]);
/** More than a first flight ever holds before a request. */
const heldBytesMost = 64 * 1024;

export function acceptMended(socket: Socket, accept: (connection: Duplex) => void): void {
  const cutter = new FrameCutter();
  let preface: Buffer = Buffer.alloc(0);
  let held: Buffer[] = [];
  let heldBytes = 0;
  let settings: "unsent" | "unanswered" | "answered" = "unsent";
  let verdict: "sound" | "bad" | undefined;

  const onReadable = () => {
    for (let chunk: Buffer | null = socket.read(); chunk !== null; chunk = socket.read()) take(chunk);
    // A client that waits for our settings before it asks anything gets some; the real ones follow.
    if (verdict === undefined && settings === "unsent" && preface.length === prefaceBytes) {
      settings = "unanswered";
      socket.write(emptySettings);
    }
    if (heldBytes > heldBytesMost) verdict ??= "sound";
    if (verdict !== undefined && settings !== "unanswered") handOver();
  };
  const take = (chunk: Buffer) => {
    let bytes = chunk;
    if (preface.length < prefaceBytes) {
      const missing = prefaceBytes - preface.length;
      preface = Buffer.concat([preface, bytes.subarray(0, missing)]);
      bytes = bytes.subarray(missing);
    }
    for (const frame of cutter.push(bytes)) {
      const isAnswer = frame.type === frameTypes.SETTINGS && (frame.flags & frameFlags.ACK) !== 0;
      if (isAnswer && settings === "unanswered") {
        settings = "answered"; // to ours, of which the real server knows nothing
        continue;
      }
      held.push(frame.raw);
      heldBytes += frame.raw.length;
      if (frame.type === frameTypes.HEADERS) verdict ??= judge(frame);
      if (frame.type === frameTypes.PING) verdict ??= "sound"; // it wants an answer now
    }
  };
  const handOver = () => {
    socket.removeListener("readable", onReadable);
    const bytes = Buffer.concat([preface, ...held, cutter.rest]);
    held = [];
    if (verdict === "bad") accept(new MendedConnection(socket, bytes));
    else {
      socket.unshift(bytes);
      accept(socket);
    }
  };
  socket.on("readable", onReadable);
  onReadable();
}

function judge(frame: Frame): "sound" | "bad" {
  // A block that goes on in further frames is larger than any client's of etcd.
  if ((frame.flags & frameFlags.END_HEADERS) === 0) return "sound";
  try {
    const headers = new HeaderReader().read(headerBlock(frame));
    return headers.some(({ name, value }) => name === ":authority" && value.includes("/")) ? "bad" : "sound";
  } catch (error) {
    if (error instanceof Error) return "sound"; // malformed otherwise: the real server has the words for it
    throw error;
  }
}

/** A connection whose requests are given a proper :authority on the way in. */
class MendedConnection extends Duplex {
  readonly #socket: Socket;
  readonly #cutter = new FrameCutter();
  readonly #reader = new HeaderReader();

  constructor(socket: Socket, first: Buffer) {
    super({ allowHalfOpen: true });
    this.#socket = socket;
    this.push(first.subarray(0, prefaceBytes));
    this.#mend(first.subarray(prefaceBytes));
    socket.on("data", (chunk: Buffer) => this.#mend(chunk));
    socket.on("end", () => this.push(null));
    socket.on("error", (error) => this.destroy(error));
    socket.on("close", () => this.destroy());
  }

  #mend(bytes: Buffer): void {
    try {
      for (const frame of this.#cutter.push(bytes)) {
        const whole = frame.type === frameTypes.HEADERS && (frame.flags & frameFlags.END_HEADERS) !== 0;
        this.push(whole ? this.#mended(frame) : frame.raw);
      }
    } catch (error) {
      this.destroy(error instanceof Error ? error : new Error(String(error)));
    }
  }

  #mended(frame: Frame): Buffer {
    const headers = this.#reader
      .read(headerBlock(frame))
      .map(({ name, value }) =>
        name === ":authority"
          ? { name, value: value.replace(/^[a-z+]*:\/\//i, "").replace(/\/.*$/, "") }
          : { name, value },
      );
    return headersFrame(frame.streamId, frame.flags, headers);
  }

  override _read(): void {
    this.#socket.resume();
  }

  override _write(chunk: Buffer, _encoding: BufferEncoding, done: (error?: Error | null) => void): void {
    this.#socket.write(chunk, done);
  }

  override _final(done: (error?: Error | null) => void): void {
    this.#socket.end(done);
  }

  override _destroy(error: Error | null, done: (error?: Error | null) => void): void {
    this.#socket.destroy();
    done(error);
  }
}
