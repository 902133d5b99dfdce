import assert from "node:assert/strict";
import fc from "fast-check";
import { propertyMs, runs } from "../../../test/fuzz/runs.ts";
import { ConnectionError, errorCodes } from "../frames.ts";
import { headerBlock } from "../header-block.ts";
import { HeaderDecoder } from "../header-decoder.ts";
import { huffmanCodes } from "./huffman-codes.ts";

const hex = (text: string) => Buffer.from(text.replaceAll(" ", ""), "hex");
const decoder = () => new HeaderDecoder({ listBytesMost: 1 << 20 });
const lines = (decoded: ReturnType<HeaderDecoder["decode"]>) =>
  decoded === "tooLarge" ? decoded : decoded.map(({ name, value }) => `${name}: ${value}`);
const isCompressionError = (error: unknown) =>
  error instanceof ConnectionError && error.code === errorCodes.COMPRESSION_ERROR;
const refused = (one: HeaderDecoder, block: string | Buffer) =>
  assert.throws(() => one.decode(typeof block === "string" ? hex(block) : block), isCompressionError);

/** A literal that is not indexed, named `a`, with this value in Huffman's code as it is given. */
const withHuffman = (code: Uint8Array) => Buffer.concat([hex("000161"), integer(code.length, 7, 0x80), code]);
/** A literal that is added to the table. */
const indexed = (name: string, value: string) =>
  Buffer.concat([
    hex("40"),
    integer(name.length, 7, 0),
    Buffer.from(name),
    integer(value.length, 7, 0),
    Buffer.from(value),
  ]);

function integer(value: number, prefixBits: number, flags: number): Buffer {
  const most = 2 ** prefixBits - 1;
  if (value < most) return Buffer.from([flags | value]);
  const bytes = [flags | most];
  let rest = value - most;
  for (; rest >= 128; rest = Math.floor(rest / 128)) bytes.push((rest % 128) | 128);
  return Buffer.from([...bytes, rest]);
}

/** The code of octets or, for 256, the end of the string, padded with ones or with the bits that are given. */
function huffman(symbols: readonly number[], padding?: string): Buffer {
  let bits = symbols
    .map((at) => (huffmanCodes[at]?.code ?? 0n).toString(2).padStart(huffmanCodes[at]?.bits ?? 0, "0"))
    .join("");
  bits += padding ?? "1".repeat((8 - (bits.length % 8)) % 8);
  assert.equal(bits.length % 8, 0);
  return Buffer.from(bits.match(/.{8}/g)?.map((octet) => Number.parseInt(octet, 2)) ?? []);
}

describe("RFC 7541: HPACK", () => {
  describe("appendix C", () => {
    const request = [":method: GET", ":scheme: http", ":path: /", ":authority: www.example.com"];
    const request3 = [":method: GET", ":scheme: https", ":path: /index.html", ":authority: www.example.com"];
    const first = [
      "cache-control: private",
      "date: Mon, 21 Oct 2013 20:13:21 GMT",
      "location: https://www.example.com",
    ];
    const answers = [
      [":status: 302", ...first],
      [":status: 307", ...first],
      [
        ":status: 200",
        "cache-control: private",
        "date: Mon, 21 Oct 2013 20:13:22 GMT",
        "location: https://www.example.com",
        "content-encoding: gzip",
        "set-cookie: foo=ASDJKHQKBZXOQWEOPIUAXQWEOIU; max-age=3600; version=1",
      ],
    ];
    const requests = [
      request,
      [...request, "cache-control: no-cache"],
      [...request3, "custom-key: custom-value"],
    ];

    for (const [title, tableBytes, blocks, expected] of [
      [
        "§C.2.1: a literal that is indexed",
        4096,
        ["400a637573746f6d2d6b65790d637573746f6d2d686561646572"],
        [["custom-key: custom-header"]],
      ],
      [
        "§C.2.2: a literal that is not indexed",
        4096,
        ["040c2f73616d706c652f70617468"],
        [[":path: /sample/path"]],
      ],
      [
        "§C.2.3: a literal that is never indexed",
        4096,
        ["100870617373776f726406736563726574"],
        [["password: secret"]],
      ],
      ["§C.2.4: an indexed field", 4096, ["82"], [[":method: GET"]]],
      [
        "§C.3: requests without Huffman's code",
        4096,
        [
          "828684410f7777772e6578616d706c652e636f6d",
          "828684be58086e6f2d6361636865",
          "828785bf400a637573746f6d2d6b65790c637573746f6d2d76616c7565",
        ],
        requests,
      ],
      [
        "§C.4: requests in Huffman's code",
        4096,
        [
          "828684418cf1e3c2e5f23a6ba0ab90f4ff",
          "828684be5886a8eb10649cbf",
          "828785bf408825a849e95ba97d7f8925a849e95bb8e8b4bf",
        ],
        requests,
      ],
      [
        "§C.5: answers without Huffman's code, with eviction",
        256,
        [
          "4803333032580770726976617465611d4d6f6e2c203231204f637420323031332032303a31333a323120474d546e1768747470733a2f2f7777772e6578616d706c652e636f6d",
          "4803333037c1c0bf",
          "88c1611d4d6f6e2c203231204f637420323031332032303a31333a323220474d54c05a04677a69707738666f6f3d4153444a4b48514b425a584f5157454f50495541585157454f49553b206d61782d6167653d333630303b2076657273696f6e3d31",
        ],
        answers,
      ],
      [
        "§C.6: answers in Huffman's code, with eviction",
        256,
        [
          "488264025885aec3771a4b6196d07abe941054d444a8200595040b8166e082a62d1bff6e919d29ad171863c78f0b97c8e9ae82ae43d3",
          "4883640effc1c0bf",
          "88c16196d07abe941054d444a8200595040b8166e084a62d1bffc05a839bd9ab77ad94e7821dd7f2e6c7b335dfdfcd5b3960d5af27087f3672c1ab270fb5291f9587316065c003ed4ee5b1063d5007",
        ],
        answers,
      ],
    ] as const)
      it(title, () => {
        const one = decoder();
        if (tableBytes !== 4096) one.decode(integer(tableBytes, 5, 0x20));
        assert.deepEqual(
          blocks.map((block) => lines(one.decode(hex(block)))),
          expected,
        );
      });
  });

  describe("tables", () => {
    it("§2.3.1: each index of the static table is the field of appendix A", () => {
      const all = lines(decoder().decode(Buffer.from(Array.from({ length: 61 }, (_, at) => 0x81 + at))));
      assert.ok(Array.isArray(all));
      assert.deepEqual(
        [all.length, all[0], all[1], all[7], all[13], all[15], all[60]],
        [
          61,
          ":authority: ",
          ":method: GET",
          ":status: 200",
          ":status: 500",
          "accept-encoding: gzip, deflate",
          "www-authenticate: ",
        ],
      );
    });

    it("§2.3.2: entries that are in the table already are no error, and take their room again", () => {
      const one = decoder();
      one.decode(Buffer.concat([indexed("a", "b"), indexed("a", "b"), indexed("c", "d")]));
      assert.deepEqual(lines(one.decode(hex("bebfc0"))), ["c: d", "a: b", "a: b"]);
    });

    it("§2.3.3: an index beyond both tables is a decoding error", () => {
      refused(decoder(), "be");
      const one = decoder();
      one.decode(indexed("a", "b"));
      refused(one, "bf");
      refused(decoder(), "7e0162"); // a name's index
    });

    it("§4.1: an entry takes its octets and 32 more", () => {
      const one = decoder();
      one.decode(integer(2 * (32 + 2), 5, 0x20));
      one.decode(Buffer.concat([indexed("a", "1"), indexed("b", "2")]));
      assert.deepEqual(lines(one.decode(hex("bebf"))), ["b: 2", "a: 1"]);
      one.decode(indexed("c", "3"));
      assert.deepEqual(lines(one.decode(hex("bebf"))), ["c: 3", "b: 2"]);
      refused(one, "c0");
    });

    it("§4.3, §6.3: a table that is made smaller loses its oldest entries, one of no size all", () => {
      const one = decoder();
      one.decode(Buffer.concat([indexed("a", "1"), indexed("b", "2"), indexed("c", "3")]));
      one.decode(integer(68, 5, 0x20));
      assert.deepEqual(lines(one.decode(hex("bebf"))), ["c: 3", "b: 2"]);
      refused(one, "c0");
      one.decode(hex("20"));
      refused(one, "be");
      assert.deepEqual(
        lines(one.decode(Buffer.concat([integer(4096, 5, 0x20), indexed("d", "4"), hex("be")]))),
        ["d: 4", "d: 4"],
      );
    });

    it("§4.4: an entry larger than the table empties it, is not kept, and is no error", () => {
      const one = decoder();
      one.decode(integer(100, 5, 0x20));
      one.decode(indexed("a", "1"));
      assert.deepEqual(lines(one.decode(indexed("b", "v".repeat(68)))), [`b: ${"v".repeat(68)}`]);
      refused(one, "be");
      one.decode(indexed("c", "v".repeat(67))); // fits to the last octet
      assert.deepEqual(lines(one.decode(hex("be"))), [`c: ${"v".repeat(67)}`]);
    });

    it("§4.4: a new entry may take its name from one that it evicts", () => {
      const one = decoder();
      one.decode(integer(70, 5, 0x20));
      one.decode(indexed("name", "1"));
      one.decode(Buffer.concat([hex("7e"), integer(20, 7, 0), Buffer.alloc(20, "v")])); // index 62's name
      assert.deepEqual(lines(one.decode(hex("be"))), [`name: ${"v".repeat(20)}`]);
    });

    it("§6.2: literals that are not indexed, or never, leave the table as it is", () => {
      const one = decoder();
      one.decode(indexed("a", "1"));
      one.decode(hex("0001620132 1001630133"));
      assert.deepEqual(lines(one.decode(hex("be"))), ["a: 1"]);
      assert.deepEqual(lines(one.decode(hex("0f2f0132 1f2f0133"))), ["a: 2", "a: 3"]);
    });
  });

  describe("table size updates", () => {
    it("§4.2, §6.3: one or two at the beginning of a block are taken, the last holds", () => {
      const one = decoder();
      one.decode(indexed("a", "1"));
      assert.deepEqual(lines(one.decode(Buffer.concat([hex("20"), integer(4096, 5, 0x20), hex("82")]))), [
        ":method: GET",
      ]);
      refused(one, "be");
      one.decode(indexed("b", "2"));
      assert.deepEqual(lines(one.decode(hex("be"))), ["b: 2"]);
    });

    it("§4.2: one behind a field is a decoding error", () => {
      refused(decoder(), "8220");
      refused(decoder(), Buffer.concat([indexed("a", "b"), hex("20")]));
      refused(decoder(), Buffer.concat([hex("20 82"), integer(4096, 5, 0x20)]));
    });

    it("§6.3: one above the limit is a decoding error, one at it is not", () => {
      decoder().decode(integer(4096, 5, 0x20));
      refused(decoder(), integer(4097, 5, 0x20));
      refused(decoder(), integer(2 ** 31, 5, 0x20));
    });
  });

  describe("integers and strings", () => {
    it("§5.1: integers are read with every length of prefix, at its edge too", () => {
      for (const length of [0, 1, 126, 127, 128, 254, 255, 256, 1337, 16_384, 70_000]) {
        const value = "v".repeat(length);
        const block = Buffer.concat([hex("000161"), integer(length, 7, 0), Buffer.from(value)]);
        assert.deepEqual(decoder().decode(block), [{ name: "a", value }]);
      }
      assert.deepEqual(lines(decoder().decode(hex("3f9a0a 82"))), [":method: GET"]); // C.1.2: 1337, with five bits
      const padded = Buffer.concat([hex("000161 7f8000"), Buffer.alloc(127, "v")]); // octets that add nothing
      assert.equal(lines(decoder().decode(padded))[0], `a: ${"v".repeat(127)}`);
    });

    it("§5.1: an integer of too many octets, or too large, is a decoding error", () => {
      refused(decoder(), "ff8080808080808000");
      refused(decoder(), "ffffffffff0f");
      refused(decoder(), "ffffffffffffffffffff7f");
      refused(decoder(), "0001617fffffffff7f");
      refused(decoder(), "000161ffffffffff7f");
      refused(decoder(), "3fffffffffff0f");
    });

    it("§5.1: an integer that the block cuts off is a decoding error", () => {
      for (const block of ["ff", "ffff", "7f", "0f", "1fff", "3f", "3f80", "00017f"])
        refused(decoder(), block);
    });

    it("§5.2: a string beyond the end of its block is a decoding error", () => {
      for (const block of [
        "00",
        "0001",
        "0002 61",
        "000161",
        "000161 05 6162",
        "000161 85 ff",
        "40",
        "4001 61",
      ])
        refused(decoder(), block);
    });

    it("§5.2: each octet is read in Huffman's code, with all paddings of up to seven ones", () => {
      for (let octet = 0; octet < 256; octet++) {
        for (const before of [[], [0x61], [0x20, 0x61]]) {
          const symbols = [...before, octet];
          const value = Buffer.from(symbols).toString("latin1");
          assert.deepEqual(
            decoder().decode(withHuffman(huffman(symbols))),
            [{ name: "a", value }],
            `octet ${octet}`,
          );
        }
      }
      assert.deepEqual(decoder().decode(withHuffman(Buffer.alloc(0))), [{ name: "a", value: "" }]);
    });

    it("§5.2: any string is read in Huffman's code", () => {
      fc.assert(
        fc.property(fc.uint8Array({ maxLength: 300 }), (bytes) => {
          const value = Buffer.from(bytes).toString("latin1");
          assert.deepEqual(decoder().decode(withHuffman(huffman([...bytes]))), [{ name: "a", value }]);
        }),
        runs(200),
      );
    }).timeout(propertyMs);

    it("§5.2: padding longer than seven bits is a decoding error", () => {
      for (const symbols of [[], [0x61], [0x21, 0x61], [0x58]]) {
        const code = huffman(symbols);
        for (const more of [1, 2, 3])
          refused(decoder(), withHuffman(Buffer.concat([code, Buffer.alloc(more, 0xff)])));
      }
    });

    it("§5.2: padding other than the first bits of the end of the string is a decoding error", () => {
      for (const padding of ["000", "011", "101", "110"])
        refused(decoder(), withHuffman(huffman([0x61], padding)));
      refused(decoder(), withHuffman(hex("00"))); // "0" and three zeros
      refused(decoder(), withHuffman(huffman([0x58], "00000000")));
    });

    it("§5.2: the end of the string within it is a decoding error", () => {
      refused(decoder(), withHuffman(huffman([256])));
      refused(decoder(), withHuffman(huffman([0x61, 256])));
      refused(decoder(), withHuffman(huffman([256, 0x61, 0x61])));
    });

    it("§5.2: what holds of values in Huffman's code holds of names", () => {
      const named = (code: Buffer) =>
        Buffer.concat([hex("00"), integer(code.length, 7, 0x80), code, hex("0162")]);
      assert.deepEqual(lines(decoder().decode(named(huffman([...Buffer.from("name")])))), ["name: b"]);
      refused(decoder(), named(huffman([0x61], "000")));
      refused(decoder(), named(huffman([256])));
    });
  });

  it("§6.1: index 0 is a decoding error", () => refused(decoder(), "80"));

  it("§6.2: a literal without a name, or without a value, is one all the same", () => {
    assert.deepEqual(
      decoder().decode(hex("000000 400000 100000")),
      Array.from({ length: 3 }, () => ({ name: "", value: "" })),
    );
  });

  it("§2.2, §3.1: what is sent builds on no table: any decoder reads it, in any order", () => {
    const header = fc.record(
      { name: fc.stringMatching(/^[a-z-]{1,20}$/), value: fc.stringMatching(/^[ -~]{0,200}$/) },
      { noNullPrototype: true },
    );
    fc.assert(
      fc.property(fc.array(fc.array(header, { maxLength: 10 }), { maxLength: 4 }), (lists) => {
        const one = new HeaderDecoder({ listBytesMost: 1 << 20 });
        one.decode(hex("20"));
        const blocks = lists.map((list) => headerBlock([{ name: ":status", value: "200" }, ...list]));
        for (const [at, block] of [...blocks.entries()].reverse())
          assert.deepEqual(one.decode(block), [{ name: ":status", value: "200" }, ...(lists[at] ?? [])]);
      }),
      runs(50),
    );
  }).timeout(propertyMs);
});
