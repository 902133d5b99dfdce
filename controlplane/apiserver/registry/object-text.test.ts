import assert from "node:assert/strict";
import fc from "fast-check";
import type { KubeObject } from "../../../client/types.ts";
import { shareTree } from "../schema/shared-trees.ts";
import { objectText } from "./object-text.ts";

describe("the text of an object", () => {
  const objects = fc.record({
    before: fc.dictionary(fc.string(), fc.jsonValue(), { maxKeys: 3 }),
    after: fc.dictionary(fc.string(), fc.jsonValue(), { maxKeys: 3 }),
    meta: fc.dictionary(fc.string(), fc.jsonValue(), { maxKeys: 4 }),
    isShared: fc.boolean(),
    hasMore: fc.boolean(),
  });

  it("is what JSON says of it: as it is stored, and as a list shows it at its revision", () => {
    fc.assert(
      fc.property(objects, ({ before, after, meta, isShared, hasMore }) => {
        const tree = { "f:spec": { "f:a": {} } };
        const entry = { manager: "me", fieldsV1: isShared ? shareTree(tree) : tree, subresource: "status" };
        const managedFields = [entry, ...(hasMore ? [{ manager: "x", odd: undefined, big: 2n ** 60n }] : [])];
        const metadata = { ...meta, resourceVersion: "7", managedFields };
        const whole = { apiVersion: "v1", ...before, kind: "A", metadata, gone: undefined, ...after };
        const object = whole as unknown as KubeObject;
        const plain = (value: unknown) =>
          JSON.stringify(value, (_, one) => (typeof one === "bigint" ? Number(one) : one)).replaceAll(
            String(Number(2n ** 60n)),
            String(2n ** 60n),
          );
        const { resourceVersion: _, ...rest } = (
          object as unknown as { metadata: object & { resourceVersion: string } }
        ).metadata;
        const text = objectText(object);
        assert.equal(text.stored, plain({ ...object, metadata: rest }));
        const shown = {
          ...object,
          kind: undefined,
          apiVersion: undefined,
          metadata: { ...rest, resourceVersion: "9" },
        };
        assert.equal(text.shown(9), plain(shown));
        const otherwise = { ...after, metadata: { a: 1, resourceVersion: "9" }, added: [] };
        assert.equal(text.shown(9, otherwise), plain({ ...shown, ...otherwise }));
      }),
    );
  });

  it("has a revision, and nothing else where metadata says nothing", () => {
    const text = objectText({ metadata: {}, kind: "A" } as unknown as KubeObject);
    assert.equal(text.stored, '{"metadata":{},"kind":"A"}');
    assert.equal(text.shown(3), '{"metadata":{"resourceVersion":"3"}}');
  });
});
