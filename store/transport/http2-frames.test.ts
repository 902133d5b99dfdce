import assert from "node:assert/strict";
import fc from "fast-check";
import {
  FrameCutter,
  frameFlags,
  frameTypes,
  HeaderReader,
  headerBlock,
  headersFrame,
} from "./http2-frames.ts";

describe("HTTP/2 frames", () => {
  const headers = [
    { name: ":authority", value: "127.0.0.1:2379" },
    { name: "x-long", value: "y".repeat(300) },
  ];

  it("reads what it writes", () => {
    const [frame] = new FrameCutter().push(headersFrame(7, frameFlags.END_HEADERS | 1, headers));
    assert.ok(frame);
    assert.deepEqual(
      [frame.type, frame.streamId, frame.flags],
      [frameTypes.HEADERS, 7, frameFlags.END_HEADERS | 1],
    );
    assert.deepEqual(new HeaderReader().read(headerBlock(frame)), headers);
  });

  it("cuts the same frames however the bytes arrive", () => {
    const bytes = Buffer.concat([headersFrame(1, 4, headers), headersFrame(3, 4, headers.slice(0, 1))]);
    fc.assert(
      fc.property(fc.array(fc.integer({ min: 1, max: bytes.length }), { maxLength: 8 }), (cuts) => {
        const cutter = new FrameCutter();
        const at = [0, ...cuts.sort((a, b) => a - b), bytes.length];
        const frames = at.slice(1).flatMap((end, i) => cutter.push(bytes.subarray(at[i], end)));
        assert.deepEqual(
          frames.map((frame) => frame.streamId),
          [1, 3],
        );
        assert.equal(cutter.rest.length, 0);
      }),
    );
  });

  it("reads Huffman-coded and indexed headers (RFC 7541, appendix C.4.1)", () => {
    const block = Buffer.from("828684418cf1e3c2e5f23a6ba0ab90f4ff", "hex");
    assert.deepEqual(new HeaderReader().read(block).at(-1), { name: ":authority", value: "www.example.com" });
  });
});
