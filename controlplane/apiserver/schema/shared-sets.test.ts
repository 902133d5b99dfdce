import assert from "node:assert/strict";
import fc from "fast-check";
import { type Path, setOf, setToTree } from "./field-set.ts";
import { sharedTreeOf } from "./shared-sets.ts";

describe("the trees of sets of fields, shared by those of the same members", () => {
  const element = fc.constantFrom("f:a", "f:b", "f:a 3", "f:3 f:a", 'k:{"name":"web"}', "v:1", ".");
  const sets = fc.array(fc.array(element, { minLength: 1, maxLength: 3 }), { maxLength: 5 }).map(setOf);

  it("are what each set makes alone", () => {
    fc.assert(
      fc.property(sets, (set) => {
        assert.equal(JSON.stringify(sharedTreeOf(set)), JSON.stringify(setToTree(set)));
      }),
    );
  });

  it("are one tree, which nobody can change", () => {
    const paths: Path[] = [["f:status", "f:phase"], ["f:status"]];
    const tree = sharedTreeOf(setOf(paths));
    assert.equal(sharedTreeOf(setOf(paths)), tree);
    assert.ok(Object.isFrozen(tree) && Object.isFrozen(tree["f:status"]));
  });

  it("are made anew where they are very large", () => {
    const large = setOf([[`f:${"x".repeat(20_000)}`]]);
    assert.notEqual(sharedTreeOf(large), sharedTreeOf(large));
    assert.deepEqual(sharedTreeOf(large), setToTree(large));
  });
});
