import { BytePieces } from "../byte-pieces.ts";

/** HTTP/2's frames (RFC 9113, sections 4 and 6). */
export const frameTypes = {
  DATA: 0,
  HEADERS: 1,
  PRIORITY: 2,
  RST_STREAM: 3,
  SETTINGS: 4,
  PUSH_PROMISE: 5,
  PING: 6,
  GOAWAY: 7,
  WINDOW_UPDATE: 8,
  CONTINUATION: 9,
} as const;
export const frameFlags = {
  ACK: 0x1,
  END_STREAM: 0x1,
  END_HEADERS: 0x4,
  PADDED: 0x8,
  PRIORITY: 0x20,
} as const;
export const settingIds = {
  HEADER_TABLE_SIZE: 1,
  ENABLE_PUSH: 2,
  MAX_CONCURRENT_STREAMS: 3,
  INITIAL_WINDOW_SIZE: 4,
  MAX_FRAME_SIZE: 5,
  MAX_HEADER_LIST_SIZE: 6,
} as const;
export const errorCodes = {
  NO_ERROR: 0,
  PROTOCOL_ERROR: 1,
  INTERNAL_ERROR: 2,
  FLOW_CONTROL_ERROR: 3,
  STREAM_CLOSED: 5,
  FRAME_SIZE_ERROR: 6,
  REFUSED_STREAM: 7,
  CANCEL: 8,
  COMPRESSION_ERROR: 9,
  ENHANCE_YOUR_CALM: 11,
} as const;
export type ErrorCode = (typeof errorCodes)[keyof typeof errorCodes];

export const frameHeaderBytes = 9;
/** The size that needs no agreement; we never allow more. */
export const frameBytesMost = 16_384;
export const windowMost = 2 ** 31 - 1;
export const defaultWindowBytes = 65_535;
/** What is kept of header fields for each direction, by HPACK, unless SETTINGS say otherwise. */
export const defaultTableBytes = 4096;
export const preface = Buffer.from("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", "latin1");

/** The peer broke the protocol; the whole connection ends with a GOAWAY. */
export class ConnectionError extends Error {
  override readonly name = "ConnectionError";
  readonly code: ErrorCode;

  constructor(code: ErrorCode, message: string) {
    super(message);
    this.code = code;
  }
}

/** The payload is `bytes[start, end)`. */
export type TakeFrame = (
  type: number,
  flags: number,
  streamId: number,
  bytes: Buffer,
  start: number,
  end: number,
) => void;

/** Cuts bytes into frames; what is not whole yet waits, one frame at most. */
export class FrameReader {
  readonly #rest = new BytePieces();

  push(bytes: Buffer, take: TakeFrame): void {
    let at = this.#rest.length === 0 ? 0 : this.#finish(bytes, take);
    while (bytes.length - at >= frameHeaderBytes) {
      const end = at + frameHeaderBytes + payloadLength(bytes, at);
      if (bytes.length < end) break;
      takeFrame(bytes, at, end, take);
      at = end;
    }
    if (at === bytes.length) return;
    this.#rest.add(bytes.subarray(at));
    this.#rest.keep();
  }

  /** Goes on with the frame that waits. Gives how much of the bytes it needed. */
  #finish(bytes: Buffer, take: TakeFrame): number {
    const rest = this.#rest;
    let at = 0;
    const grow = (most: number) => {
      const more = bytes.subarray(at, at + most - rest.length);
      rest.add(more);
      at += more.length;
      return rest.length >= most;
    };
    if (rest.length < frameHeaderBytes && !grow(frameHeaderBytes)) return at;
    const frameBytes = frameHeaderBytes + payloadLength(rest.peek(frameHeaderBytes), 0);
    if (rest.length < frameBytes && !grow(frameBytes)) return at;
    takeFrame(rest.take(frameBytes), 0, frameBytes, take);
    return at;
  }
}

function payloadLength(bytes: Buffer, at: number): number {
  const length = ((bytes[at] as number) << 16) | ((bytes[at + 1] as number) << 8) | (bytes[at + 2] as number);
  if (length > frameBytesMost)
    throw new ConnectionError(errorCodes.FRAME_SIZE_ERROR, `a frame of ${length} bytes`);
  return length;
}

/** The frame is `bytes[at, end)`. */
function takeFrame(bytes: Buffer, at: number, end: number, take: TakeFrame): void {
  const streamId = readUint32(bytes, at + 5) & 0x7fffffff;
  take(bytes[at + 3] as number, bytes[at + 4] as number, streamId, bytes, at + frameHeaderBytes, end);
}

export function writeFrameHead(
  into: Buffer,
  at: number,
  length: number,
  type: number,
  flags: number,
  streamId: number,
): void {
  into[at] = length >>> 16;
  into[at + 1] = length >>> 8;
  into[at + 2] = length;
  into[at + 3] = type;
  into[at + 4] = flags;
  into[at + 5] = streamId >>> 24;
  into[at + 6] = streamId >>> 16;
  into[at + 7] = streamId >>> 8;
  into[at + 8] = streamId;
}

/** A whole small frame. */
export function frame(type: number, flags: number, streamId: number, payload: Uint8Array): Buffer {
  const whole = Buffer.allocUnsafe(frameHeaderBytes + payload.length);
  writeFrameHead(whole, 0, payload.length, type, flags, streamId);
  whole.set(payload, frameHeaderBytes);
  return whole;
}

/** Signed; Buffer's own way is several times slower. */
const readUint32 = (bytes: Buffer, at: number): number =>
  ((bytes[at] as number) << 24) |
  ((bytes[at + 1] as number) << 16) |
  ((bytes[at + 2] as number) << 8) |
  (bytes[at + 3] as number);

export function uint32(value: number): Buffer {
  const bytes = Buffer.alloc(4);
  bytes.writeUInt32BE(value >>> 0);
  return bytes;
}

/** A SETTINGS frame of these values. */
export function settingsFrame(settings: readonly (readonly [id: number, value: number])[]): Buffer {
  const payload = Buffer.alloc(settings.length * 6);
  for (const [at, [id, value]] of settings.entries()) {
    payload.writeUInt16BE(id, at * 6);
    payload.writeUInt32BE(value, at * 6 + 2);
  }
  return frame(frameTypes.SETTINGS, 0, 0, payload);
}

/** The content of a frame that may be padded and, for HEADERS, carry a priority. */
export function unpadded(type: number, flags: number, payload: Buffer): Buffer {
  const isPadded = (flags & frameFlags.PADDED) !== 0;
  const hasPriority = type === frameTypes.HEADERS && (flags & frameFlags.PRIORITY) !== 0;
  if (!isPadded && !hasPriority) return payload;
  const start = (isPadded ? 1 : 0) + (hasPriority ? 5 : 0);
  if (payload.length < start) sizeError("a frame");
  const end = payload.length - (isPadded ? (payload[0] ?? 0) : 0);
  if (end < start) throw new ConnectionError(errorCodes.PROTOCOL_ERROR, "more padding than payload");
  return payload.subarray(start, end);
}

export function violation(what: string): never {
  throw new ConnectionError(errorCodes.PROTOCOL_ERROR, what);
}

export function flowError(what: string): never {
  throw new ConnectionError(errorCodes.FLOW_CONTROL_ERROR, what);
}

/** The peer does what it may, but more of it than anybody needs. */
export function calmDown(why: string): never {
  throw new ConnectionError(errorCodes.ENHANCE_YOUR_CALM, why);
}

export function sizeError(what: string): never {
  throw new ConnectionError(errorCodes.FRAME_SIZE_ERROR, `${what} of a wrong size`);
}
