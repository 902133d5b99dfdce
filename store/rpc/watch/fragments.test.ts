import assert from "node:assert/strict";
import { watchResponse } from "../../../proto/etcd.ts";
import { event } from "../../../proto/mvcc.ts";
import { fragments } from "./fragments.ts";

const response = (...lengths: readonly number[]) => ({
  watchId: 1n,
  // A key takes two bytes more in its key-value, and that as many more in its event.
  events: lengths.map((length) => event.encode({ kv: { key: new Uint8Array(length - 4) } })),
});
/** Each piece's bytes, and whether more come. */
const cut = (bytesMax: number, ...lengths: readonly number[]) =>
  fragments(response(...lengths), bytesMax).map(
    (piece) => `${piece.length}${watchResponse.decode(piece).fragment ? " and more" : ""}`,
  );

describe("fragments of a watch's answer", () => {
  it("leave whole what is shorter than a message may be", () => {
    assert.deepEqual(cut(67, 30, 30), ["66"]);
  });

  it("are as long as messages may be, with all that stands around their events", () => {
    assert.deepEqual(cut(66, 30, 30), ["36 and more", "34"]);
    assert.deepEqual(cut(69, 30, 30, 30), ["68 and more", "34"]);
    assert.deepEqual(cut(68, 30, 30, 30), ["36 and more", "36 and more", "34"]);
  });

  it("have one event each at least", () => {
    assert.deepEqual(cut(10, 30, 30), ["36 and more", "34"]);
    assert.deepEqual(cut(10, 30), ["34"]);
  });
});
