/** How a frame stands among the bytes of an answer. */
export interface Framing {
  /** The same for the same framing. */
  readonly name: string;
  wrap(frame: Buffer): Buffer;
  /** How long the frame is in what `wrap` made of it. */
  frameBytes(wrapped: Buffer): number;
}

/** Whoever writes the answer sees to it. */
export const unframed: Framing = {
  name: "",
  wrap: (frame) => frame,
  frameBytes: (wrapped) => wrapped.length,
};

const lineEnd = "\r\n";

/** A chunk of HTTP/1.1 of its own: its length, a line's end, the frame, another line's end. */
export const chunked: Framing = {
  name: "chunk",
  wrap: (frame) => {
    const head = `${frame.length.toString(16)}${lineEnd}`;
    // A slice of a shared buffer would keep all of that.
    const wrapped = Buffer.allocUnsafeSlow(head.length + frame.length + lineEnd.length);
    wrapped.write(head, 0, "latin1");
    wrapped.set(frame, head.length);
    wrapped.write(lineEnd, head.length + frame.length, "latin1");
    return wrapped;
  },
  frameBytes: (wrapped) => wrapped.length - wrapped.indexOf(lineEnd) - 2 * lineEnd.length,
};

/** Of a WebSocket's frames (RFC 6455, 5.2): the last of its message, of text or of bytes. */
const finalText = 0x81;
const finalBytes = 0x82;
/** The second byte of a frame's head says how long it is, or in how many bytes that stands. */
const in16Bits = 126;
const in64Bits = 127;

/** A message of text for each frame. */
export const socketText: Framing = {
  name: "text message",
  wrap: (frame) => message(finalText, frame),
  frameBytes: payloadBytes,
};

/** A message of bytes for each frame: it says how long it is, and so the length before a protobuf goes. */
export const socketBytes: Framing = {
  name: "binary message",
  wrap: (frame) => message(finalBytes, frame.subarray(4)),
  frameBytes: (wrapped) => payloadBytes(wrapped) + 4,
};

function message(opcode: number, payload: Buffer): Buffer {
  const { length } = payload;
  const lengthBytes = length < in16Bits ? 0 : length < 2 ** 16 ? 2 : 8;
  const wrapped = Buffer.allocUnsafeSlow(2 + lengthBytes + length);
  wrapped[0] = opcode;
  wrapped[1] = lengthBytes === 0 ? length : lengthBytes === 2 ? in16Bits : in64Bits;
  if (lengthBytes === 2) wrapped.writeUInt16BE(length, 2);
  else if (lengthBytes === 8) wrapped.writeBigUInt64BE(BigInt(length), 2);
  wrapped.set(payload, 2 + lengthBytes);
  return wrapped;
}

function payloadBytes(wrapped: Buffer): number {
  const said = wrapped[1];
  return wrapped.length - (said === in16Bits ? 4 : said === in64Bits ? 10 : 2);
}
