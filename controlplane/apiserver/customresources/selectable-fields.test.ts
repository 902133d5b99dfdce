import assert from "node:assert/strict";
import { storedTexts, versionLabels } from "./selectable-fields.ts";

const schema = {
  type: "object",
  properties: {
    spec: {
      type: "object",
      default: { mood: "quiet" },
      properties: {
        mood: { type: "string", default: "calm" },
        count: { type: "integer" },
        on: { type: "boolean", default: false },
        none: { type: "string", nullable: true, default: "some" },
      },
    },
  },
};
const version = {
  name: "v2",
  selectableFields: ["mood", "count", "on", "none"].map((name) => ({ jsonPath: `.spec.${name}` })),
};

describe("selectable fields of a custom resource's version", () => {
  for (const [object, texts] of [
    [{ spec: { mood: "glad", count: 3, on: true, none: "x" } }, ["glad", "3", "true", "x"]],
    [{ spec: {} }, ["calm", "", "false", "some"]],
    [{}, ["quiet", "", "false", "some"]],
    // A null is as good as nothing, where none may be.
    [{ spec: null }, ["quiet", "", "false", "some"]],
    [{ spec: { mood: null, count: null, on: null, none: null } }, ["calm", "", "false", ""]],
    [{ spec: { count: 9223372036854775807n } }, ["calm", "9223372036854775807", "false", "some"]],
  ] as const)
    it(`of ${JSON.stringify(object, (_, one) => (typeof one === "bigint" ? String(one) : one))} are ${texts.join(", ")}`, () =>
      assert.deepEqual(
        storedTexts(object, version, schema),
        Object.values(versionLabels(version)).map((name, at) => [name, texts[at]]),
      ));

  it("are found without a look at the rest of the object", () => {
    const spec = {
      mood: "glad",
      get other(): never {
        throw new Error("nobody asked for this");
      },
    };
    assert.equal(storedTexts({ spec }, version, schema)[0]?.[1], "glad");
  });
});
