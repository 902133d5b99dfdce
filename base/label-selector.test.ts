import assert from "node:assert/strict";
import fc from "fast-check";
import {
  matchesLabels,
  parseSelector,
  SelectorError,
  selectorFromLabelSelector,
  selectorText,
} from "./label-selector.ts";

describe("label selector", () => {
  const labels = { app: "web", tier: "front", n: "5", empty: "" };
  const matching = [
    "",
    "app=web",
    "app==web",
    "app!=db",
    "missing!=x",
    "app in (web,db)",
    "app in (web, db), tier=front",
    "tier notin (db)",
    "missing notin (db)",
    "app",
    "!missing",
    "n>4",
    "n<6",
    "empty=",
    " app = web , tier ",
  ];
  const other = [
    "app=db",
    "app!=web",
    "app in (db)",
    "tier notin (front)",
    "!app",
    "missing",
    "n>5",
    "app>1",
    "app=",
  ];
  for (const text of matching) {
    it(`${JSON.stringify(text)} matches`, () => assert.ok(matchesLabels(parseSelector(text), labels)));
  }
  for (const text of other) {
    it(`${JSON.stringify(text)} does not match`, () =>
      assert.ok(!matchesLabels(parseSelector(text), labels)));
  }
  for (const text of [",", "a,", "=b", "a in b", "a in (b", "a b", "!", "a>b", "(a)", "a=b=c"]) {
    it(`${JSON.stringify(text)} is refused`, () => assert.throws(() => parseSelector(text), SelectorError));
  }

  it("tells a missing LabelSelector from an empty one", () => {
    assert.ok(!matchesLabels(selectorFromLabelSelector(undefined), labels));
    assert.ok(matchesLabels(selectorFromLabelSelector({}), undefined));
  });

  it("does not take inherited properties for labels", () => {
    assert.ok(!matchesLabels(parseSelector("constructor"), {}));
  });

  it("reads manifests' selectors and writes them in key order", () => {
    const selector = selectorFromLabelSelector({
      matchLabels: { b: "2" },
      matchExpressions: [
        { key: "a", operator: "In", values: ["y", "x"] },
        { key: "c", operator: "DoesNotExist" },
      ],
    });
    assert.equal(selectorText(selector), "a in (x,y),b=2,!c");
  });

  it("knows no operator by a name that objects inherit", () => {
    const matchExpressions = [{ key: "a", operator: "constructor" }];
    assert.throws(() => selectorFromLabelSelector({ matchExpressions }), SelectorError);
  });

  it("text and selector are each other's inverse", () => {
    const name = fc.stringMatching(/^[a-z][a-z0-9]{0,6}$/);
    const requirement = fc.oneof(
      fc.record({
        key: name,
        operator: fc.constantFrom("=" as const, "!=" as const),
        values: fc.tuple(name),
      }),
      fc.record({
        key: name,
        operator: fc.constantFrom("exists" as const, "!" as const),
        values: fc.constant([]),
      }),
      fc.record({
        key: name,
        operator: fc.constantFrom("in" as const, "notin" as const),
        values: fc.uniqueArray(name, { minLength: 1, maxLength: 3 }),
      }),
    );
    fc.assert(
      fc.property(fc.array(requirement), (requirements) => {
        const text = selectorText(requirements);
        assert.equal(selectorText(parseSelector(text)), text);
      }),
    );
  });
});
