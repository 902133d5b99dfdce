import assert from "node:assert/strict";
import fc from "fast-check";
import { firstFieldOf } from "./json-bytes.ts";

describe("the first field's bytes", () => {
  it("are the JSON of its value, whatever texts say and whatever comes after", () => {
    const texts = fc.oneof(fc.string({ unit: "binary" }), fc.constantFrom('"}', "{\\", '\\"{', "}"));
    const values = fc.dictionary(texts, fc.oneof(texts, fc.jsonValue()));
    fc.assert(
      fc.property(values, fc.dictionary(texts, fc.jsonValue()), (metadata, rest) => {
        const json = JSON.stringify({ metadata, rest });
        assert.equal(firstFieldOf(Buffer.from(json), "metadata")?.toString(), JSON.stringify(metadata));
      }),
    );
  });

  it("are none where another field comes first, or its value is no object", () => {
    for (const value of [{ spec: {}, metadata: {} }, { metadata: null }, { metadata: "{}" }, {}])
      assert.equal(firstFieldOf(Buffer.from(JSON.stringify(value)), "metadata"), undefined);
  });
});
