import assert from "node:assert/strict";
import fc from "fast-check";
import { type FieldSet, minus, type Path, pathKey, setOf, setToTree, treeToSet, union } from "./field-set.ts";
import { hasField, minusTree, plusTree } from "./field-tree.ts";

describe("sets of fields as trees", () => {
  const element = fc.constantFrom("f:a", "f:b", "f:c", 'k:{"name":"a"}', 'k:{"name":"b"}', "v:1");
  const path = fc.array(element, { minLength: 1, maxLength: 4 });
  const sets: fc.Arbitrary<FieldSet> = fc.array(path, { maxLength: 12 }).map(setOf);
  const text = (set: FieldSet) => JSON.stringify(setToTree(set));

  it("are added and subtracted as sets of paths are, and change no operand", () => {
    fc.assert(
      fc.property(sets, sets, (a, b) => {
        const [one, other] = [setToTree(a), setToTree(b)];
        assert.equal(JSON.stringify(plusTree(one, other)), text(union(a, b)));
        assert.equal(JSON.stringify(minusTree(one, other)), text(minus(a, b)));
        assert.deepEqual([text(a), text(b)], [JSON.stringify(one), JSON.stringify(other)]);
      }),
      { numRuns: 2000 },
    );
  });

  it("stay the same tree where nothing changes", () => {
    fc.assert(
      fc.property(sets, sets, (a, b) => {
        fc.pre(minus(a, b).size > 0);
        const part = setToTree(b);
        const [whole, rest] = [setToTree(union(a, b)), setToTree(minus(a, b))];
        assert.equal(plusTree(whole, part), whole);
        assert.equal(minusTree(rest, part), rest);
      }),
    );
  });

  it("have the members that the set has", () => {
    fc.assert(
      fc.property(sets, path, (set, asked: Path) => {
        assert.equal(hasField(setToTree(set), asked), set.has(pathKey(asked)));
        assert.equal(treeToSet(setToTree(set)).size, set.size);
      }),
    );
  });
});
