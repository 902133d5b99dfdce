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
