import assert from "node:assert/strict";
import fc from "fast-check";
import { podEntry } from "../cache/testing/pod-entry.ts";
import { jsonText } from "../json.ts";
import { StoredObject } from "../registry/stored-object.ts";
import { pods } from "../resources/pods.ts";
import { type IncludeObject, type TableOptions, table } from "./shapes.ts";
import { tableParts } from "./table-parts.ts";

describe("a table in parts", () => {
  const items = (count: number) =>
    Array.from({ length: count }, (_, n) => {
      return new StoredObject(pods, podEntry({ name: `p${n}`, namespace: "a", app: `"}{ <${n}>` }, n + 2));
    });
  const optionsOf = (include: IncludeObject, without: boolean): TableOptions => ({
    view: {
      columns: [],
      cells: ({ metadata }, nowMs) => [metadata.name, nowMs],
      whole: (object) => ({ ...object }),
      kind: { ...(without && { bareMetadata: ({ name }) => ({ name }) as never, noRowsAreNull: true }) },
    },
    version: "v1",
    include,
    nowMs: 7,
  });

  it("is the table in one, also of objects that are shown already, or left as bytes", () => {
    const includes = fc.constantFrom<IncludeObject>("None", "Metadata", "Object");
    fc.assert(
      fc.property(
        includes,
        fc.boolean(),
        fc.array(fc.nat(2), { maxLength: 4 }),
        (include, without, states) => {
          const options = optionsOf(include, without);
          const objects = items(states.length);
          const whole = table(
            options,
            objects.map(({ object }) => object),
            { resourceVersion: "9" },
          );
          for (const [at, state] of states.entries()) {
            if (state > 0) objects[at]?.bareJson();
            if (state > 1) objects[at]?.leaveAsBytes();
          }
          const text = Buffer.concat([...tableParts(options, objects, { resourceVersion: "9" })]).toString();
          assert.equal(text, `${jsonText(whole)}\n`);
        },
      ),
    );
  });

  it("leaves as bytes what is left so", () => {
    const [left = assert.fail()] = items(1);
    let asked = 0;
    left.keepBy({ add: () => asked++, forget: () => undefined } as never);
    left.leaveAsBytes();
    asked = 0;
    assert.notEqual(Buffer.concat([...tableParts(optionsOf("Metadata", false), [left], {})]).length, 0);
    assert.equal(asked, 0);
    assert.equal(left.object.metadata.name, "p0");
    assert.equal(asked, 1);
  });
});
