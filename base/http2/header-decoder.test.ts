import assert from "node:assert/strict";
import fc from "fast-check";
import { ConnectionError } from "./frames.ts";
import { headerBlock } from "./header-block.ts";
import { HeaderDecoder } from "./header-decoder.ts";

const hex = (text: string) => Buffer.from(text.replaceAll(" ", ""), "hex");
const decoder = () => new HeaderDecoder({ listBytesMost: 10_000 });
const pairs = (decoded: ReturnType<HeaderDecoder["decode"]>) =>
  decoded === "tooLarge" ? decoded : decoded.map(({ name, value }) => `${name}: ${value}`);

describe("header blocks", () => {
  it("are read as in RFC 7541, appendix C.4: requests with Huffman coding", () => {
    const one = decoder();
    const common = [":method: GET", ":scheme: http", ":path: /", ":authority: www.example.com"];
    assert.deepEqual(pairs(one.decode(hex("828684418cf1e3c2e5f23a6ba0ab90f4ff"))), common);
    assert.deepEqual(pairs(one.decode(hex("828684be5886a8eb10649cbf"))), [
      ...common,
      "cache-control: no-cache",
    ]);
    assert.deepEqual(pairs(one.decode(hex("828785bf408825a849e95ba97d7f8925a849e95bb8e8b4bf"))), [
      ":method: GET",
      ":scheme: https",
      ":path: /index.html",
      ":authority: www.example.com",
      "custom-key: custom-value",
    ]);
  });

  it("drop the oldest entries of a table that is made smaller (appendix C.6)", () => {
    const one = decoder();
    one.decode(hex("3fe101")); // 256 bytes
    const first =
      "488264025885aec3771a4b6196d07abe941054d444a8200595040b8166e082a62d1bff6e919d29ad171863c78f0b97c8e9ae82ae43d3";
    assert.deepEqual(pairs(one.decode(hex(first))), [
      ":status: 302",
      "cache-control: private",
      "date: Mon, 21 Oct 2013 20:13:21 GMT",
      "location: https://www.example.com",
    ]);
    assert.deepEqual(pairs(one.decode(hex("4883640effc1c0bf")))[0], ":status: 307"); // drops ":status: 302"
    assert.deepEqual(pairs(one.decode(hex("be"))), [":status: 307"]);
    assert.throws(() => one.decode(hex("c2")), ConnectionError); // would be ":status: 302"
  });

  it("are read as they were written, whatever the headers", () => {
    const text = fc.string({
      unit: fc.integer({ min: 0, max: 255 }).map((code) => String.fromCharCode(code)),
    });
    const header = fc.record({ name: text, value: text }, { noNullPrototype: true });
    fc.assert(
      fc.property(fc.array(header, { maxLength: 20 }), (headers) => {
        assert.deepEqual(decoder().decode(headerBlock(headers)), headers);
      }),
    );
  });

  it("never do worse than be refused, whatever the bytes", () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 200 }), (bytes) => {
        try {
          decoder().decode(Buffer.from(bytes));
        } catch (error) {
          assert.ok(error instanceof ConnectionError, String(error));
        }
      }),
    );
  });

  const wrong = {
    "padding longer than seven bits": "0001 61 83 1cffff",
    "padding that is not ones": "0001 61 81 18",
    "the end of the string within it": "0001 61 84 ffffffff",
    "an endless integer": "7fffffffffffffffff",
    "a table that is too large": "3fffff3f",
    "a table size behind a header": "82 20",
    "index 0": "80",
    "a string beyond the end": "0005 61",
  };
  for (const [what, bytes] of Object.entries(wrong))
    it(`are refused with ${what}`, () => {
      assert.throws(() => decoder().decode(hex(bytes)), ConnectionError);
    });
});
