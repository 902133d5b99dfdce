import { deepStrictEqual } from "node:assert/strict";
import { nextKey, prefixEnd, toTheEnd } from "./keys.ts";

describe("keys", () => {
  it("end after all that begin with a prefix, and leave the prefix as it is", () => {
    const prefix = Buffer.from("a/");
    deepStrictEqual(prefixEnd(prefix), new Uint8Array(Buffer.from("a0")));
    deepStrictEqual(prefix, Buffer.from("a/"));
    deepStrictEqual(prefixEnd(Uint8Array.of(1, 0xff)), Uint8Array.of(2));
    deepStrictEqual(prefixEnd(Uint8Array.of(0xff)), toTheEnd);
    deepStrictEqual(prefixEnd(""), toTheEnd);
  });

  it("follow one another at once", () => {
    deepStrictEqual(nextKey("a"), Uint8Array.of(0x61, 0));
  });
});
