import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { resourceMetricsKinds } from "../resources/resource-metrics.ts";
import { kinds } from "../resources/table.ts";
import { findTypeName, schema, typeOf } from "./load.ts";
import { encodeMessage } from "./protobuf-encode.ts";

interface Encoding {
  readonly kind: string;
  readonly json: Record<string, unknown>;
  readonly protobuf: string;
}

/** Objects with their JSON and their protobuf as Kubernetes' Go types of 1.36 write them: of every kind the empty one, and
 *  one with some of everything set. */
const encodings = readFileSync(join(import.meta.dirname, "testdata/go-encodings.jsonl"), "utf8")
  .trimEnd()
  .split("\n")
  .map((line): Encoding => JSON.parse(line));

describe("protobuf encoder", () => {
  it("writes every kind byte for byte as Kubernetes does, empty and full", () => {
    for (const { kind, json, protobuf } of encodings) {
      const type = typeOf(findTypeName(...split(kind)) ?? "");
      assert.ok(type, kind);
      assert.equal(Buffer.from(encodeMessage(type, json)).toString("base64"), protobuf, kind);
    }
  });

  it("is checked with every kind that is served", () => {
    const checked = new Set(encodings.map(({ kind }) => kind));
    const unchecked = [...kinds, ...resourceMetricsKinds]
      .map(({ group, version, kind }) => `${group === "" ? "" : `${group}/`}${version}/${kind}`)
      .filter((kind) => !checked.has(kind));
    assert.deepEqual(unchecked, []);
  });

  it("finds metadata and items of every list under the same numbers", () => {
    for (const [name, message] of Object.entries(schema().kinds)) {
      const { items, metadata } = typeOf(message)?.fields ?? {};
      if (items === undefined) continue;
      assert.deepEqual([metadata?.n, metadata?.t, items.n, items.c], ["1", "V1ListMeta", "2", "list"], name);
    }
  });

  it("puts a map's keys in the order of their bytes", () => {
    const type = typeOf(findTypeName("v1", "ConfigMap") ?? "");
    assert.ok(type);
    const bytes = Buffer.from(encodeMessage(type, { data: { "\u{1f600}": "", "\uff5e": "", b: "", a: "" } }));
    const at = ["a", "b", "\uff5e", "\u{1f600}"].map((key) => bytes.indexOf(`\x0a${lengthByte(key)}${key}`));
    assert.ok(at.every((one) => one > 0));
    assert.deepEqual(
      at,
      [...at].sort((a, b) => a - b),
    );
  });
});

const lengthByte = (text: string) => String.fromCharCode(Buffer.byteLength(text));

function split(kind: string): [apiVersion: string, kind: string] {
  const slash = kind.lastIndexOf("/");
  return [kind.slice(0, slash), kind.slice(slash + 1)];
}
