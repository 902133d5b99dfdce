import assert from "node:assert/strict";
import { writtenBytes } from "./wire.ts";

const text = (bytes: Uint8Array) => Buffer.from(bytes).toString("latin1");

describe("bytes that are written", () => {
  it("are nobody else's: neither of what is written next, nor of what is written meanwhile", () => {
    const first = writtenBytes((writer) => writer.raw(Buffer.from("first")));
    let within: Uint8Array | undefined;
    const second = writtenBytes((writer) => {
      writer.raw(Buffer.from("sec"));
      within = writtenBytes((inner) => inner.raw(Buffer.from("within")));
      writer.raw(Buffer.from("ond"));
    });
    assert.deepEqual([first, second, within ?? first].map(text), ["first", "second", "within"]);
  });

  it("may be many, and come after some that could not be written", () => {
    const large = Buffer.alloc(300_000, "a");
    assert.throws(() =>
      writtenBytes((writer) => {
        writer.raw(large);
        throw new Error("no");
      }),
    );
    const bytes = writtenBytes((writer) => writer.raw(Buffer.from("b")).raw(large));
    assert.equal(text(bytes), `b${"a".repeat(300_000)}`);
    assert.equal(text(writtenBytes((writer) => writer.raw(Buffer.from("c")))), "c");
  });
});
