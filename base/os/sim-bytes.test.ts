import assert from "node:assert/strict";
import { SimBytes } from "./sim-bytes.ts";

describe("base/os: bytes of a simulated file", () => {
  it("are zeros wherever nothing was written since they were cut off", () => {
    const bytes = new SimBytes();
    bytes.write(2, Uint8Array.of(7, 8, 9));
    assert.deepEqual([...bytes.view], [0, 0, 7, 8, 9]);
    bytes.resize(3);
    bytes.write(5, Uint8Array.of(1));
    assert.deepEqual([...bytes.view], [0, 0, 7, 0, 0, 1]);
    bytes.set(Uint8Array.of(5));
    bytes.resize(4);
    assert.deepEqual([...bytes.view], [5, 0, 0, 0]);
  });

  it("are a copy of what they are made of", () => {
    const given = Uint8Array.of(1, 2);
    const bytes = new SimBytes(given);
    bytes.write(0, Uint8Array.of(3));
    assert.deepEqual([...given, ...bytes.view], [1, 2, 3, 2]);
  });
});
