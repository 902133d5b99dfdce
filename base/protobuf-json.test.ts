import assert from "node:assert/strict";
import fc from "fast-check";
import { parseJsonTexts } from "./json-text.ts";
import {
  bool,
  bytes,
  clampedInt64,
  id64,
  int64,
  type Message,
  message,
  named,
  nested,
  oneOf,
  openEnumeration,
  repeated,
  signedId,
  string,
  uint32,
} from "./protobuf.ts";
import { fromJson, JsonFormError, toJson } from "./protobuf-json.ts";

const inner = message({ id: named("ID", signedId(1)) });
const table = message({
  raftTerm: int64(1),
  memberId: named("memberID", id64(2)),
  lease: signedId(3),
  limit: clampedInt64(4),
  hash: uint32(5),
  isOn: bool(7),
  name: string(8),
  key: bytes(9),
  order: openEnumeration(10, { NONE: 0, ASCEND: 1 }),
  urls: named("peerURLs", repeated(string(11))),
  inner: nested(12, inner),
  ...oneOf("target", { version: clampedInt64(14), value: bytes(15) }),
});

function read(json: string): Record<string, unknown> {
  const [value] = parseJsonTexts(json, { depthMax: 100 });
  return fromJson(table as Message<object>, value ?? null) as Record<string, unknown>;
}
const refusal = (json: string): string => {
  try {
    read(json);
  } catch (error) {
    assert.ok(error instanceof JsonFormError, String(error));
    return error.message;
  }
  return "";
};

describe("messages as JSON", () => {
  it("keep every 64-bit number, as a number or as text, in and out", () => {
    const any = fc.bigInt({ min: -(2n ** 63n), max: 2n ** 63n - 1n });
    fc.assert(
      fc.property(any, fc.boolean(), (value, quoted) => {
        const text = quoted ? `"${value}"` : String(value);
        assert.equal(read(`{"lease":${text}}`).lease, value);
        assert.equal(toJson(table, { lease: value }).lease, value === 0n ? undefined : String(value));
      }),
    );
    fc.assert(
      fc.property(fc.bigInt({ min: 0n, max: 2n ** 64n - 1n }), (value) => {
        assert.equal(read(`{"memberID":${value}}`).memberId, value);
      }),
    );
    assert.equal(read('{"lease":7587870354237889035}').lease, 7587870354237889035n);
    assert.equal(read('{"limit":9223372036854775807}').limit, Number.MAX_SAFE_INTEGER);
  });

  it("refuse numbers outside their field's range, and those that are not whole", () => {
    assert.match(refusal('{"lease":9223372036854775808}'), /^lease: .* does not fit int64/);
    assert.match(refusal('{"lease":"-9223372036854775809"}'), /^lease: .* does not fit int64/);
    assert.match(refusal('{"memberID":-1}'), /^memberID: .* does not fit uint64/);
    assert.match(refusal('{"memberID":18446744073709551616}'), /^memberID: .* does not fit uint64/);
    assert.match(refusal('{"hash":4294967296}'), /^hash: .* does not fit uint32/);
    assert.match(refusal('{"raft_term":9007199254740993}'), /^raft_term: .* beyond 2\^53/);
    for (const text of ["1.5", '"0x10"', '" 1"', '""', "1e-1", "1e999", "true", "[]", `"${"1".repeat(999)}"`])
      assert.match(refusal(`{"lease":${text}}`), /^lease: .*whole number/, text);
    for (const [text, value] of [
      ["1.0", 1n],
      ["5e3", 5000n],
      ["-0", 0n],
      ["0.0e99999", 0n],
      ["120e-1", 12n],
    ] as const)
      assert.equal(read(`{"lease":${text}}`).lease, value, text);
  });

  it("use the definition's names, and take lower camel case, too", () => {
    const value = { raftTerm: 1, memberId: 2n, urls: ["u"], inner: { id: 3n } };
    assert.deepEqual(toJson(table, value), {
      raft_term: "1",
      memberID: "2",
      peerURLs: ["u"],
      inner: { ID: "3" },
    });
    assert.deepEqual(read('{"raftTerm":1}'), { raftTerm: 1 });
    assert.deepEqual(
      read('{"memberId":1,"id":2,"member_id":3}'),
      {},
      "names that are not the field's are unknown",
    );
    assert.match(refusal('{"raftTerm":1,"raft_term":1}'), /raft_term is given twice/);
    assert.deepEqual(read('{"nobody":{"knows":[1.5]},"raft_term":null}'), {});
  });

  it("take no other type for a field's own", () => {
    for (const [field, others] of Object.entries({
      isOn: ['"false"', "0", "[]"],
      name: ["1", "true", "{}"],
      key: ["1", "{}"],
      peerURLs: ['"u"', "[5]", "[null]", "{}"],
      inner: ["[]", '"x"', "1"],
      order: ["true", '"UP"', "1.5", "[]"],
    }))
      for (const other of others) {
        const name = field === "isOn" ? "is_on" : field;
        assert.match(
          refusal(`{"${name}":${other}}`),
          new RegExp(`^${name}: .* expected|^${name}: .* whole`),
          other,
        );
      }
    assert.match(refusal("[]"), /an object is expected/);
  });

  it("keep enum numbers that have no name", () => {
    assert.equal(read('{"order":"ASCEND"}').order, "ASCEND");
    assert.equal(read('{"order":1}').order, "ASCEND");
    assert.equal(read('{"order":7}').order, 7);
    assert.deepEqual(toJson(table, { order: 7 }), { order: 7 });
    assert.equal(table.decode(table.encode({ order: 7 })).order, 7);
    assert.equal(table.decode(table.encode({ order: -1 })).order, -1);
  });

  it("refuse two fields that exclude each other, in JSON; on the wire the last one counts", () => {
    assert.match(refusal('{"version":1,"value":"YQ=="}'), /version and value exclude each other/);
    const version = message({ version: clampedInt64(14) }).encode({ version: 5 });
    const value = message({ value: bytes(15) }).encode({ value: Buffer.from("a") });
    const last = table.decode(Buffer.concat([value, version]));
    assert.deepEqual([last.version, last.value.length], [5, 0]);
  });

  it("read base64 of both alphabets, padded or not, and refuse what is cut short", () => {
    fc.assert(
      fc.property(fc.uint8Array(), (value) => {
        const standard = Buffer.from(value).toString("base64");
        const safe = Buffer.from(value).toString("base64url");
        for (const text of [standard, safe, standard.replaceAll("=", "")])
          assert.deepEqual(
            Buffer.from(read(`{"key":"${text}"}`).key as Uint8Array),
            Buffer.from(value),
            text,
          );
      }),
    );
    for (const bad of ["YQ=", "Y", "YWE", "YQ===", "=", "YQ==YQ==", "a*==", "-+==", "é==="]) {
      const isFine = bad === "YWE";
      assert.equal(refusal(`{"key":"${bad}"}`), isFine ? "" : "key: base64 is expected", bad);
    }
  });
});
