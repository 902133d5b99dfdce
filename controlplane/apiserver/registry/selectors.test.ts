import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { matchesFields, matchesLabels, parseFieldSelector, parseLabelSelector } from "./selectors.ts";

describe("label selectors", () => {
  const cases: [selector: string, labels: Record<string, string>, matches: boolean][] = [
    ["", {}, true],
    ["a=b", { a: "b" }, true],
    ["a==b", { a: "c" }, false],
    ["a!=b", {}, true],
    ["a!=b", { a: "b" }, false],
    ["a", { a: "" }, true],
    ["!a", { a: "" }, false],
    ["!a", {}, true],
    ["app in (web, other),tier notin (db)", { app: "web" }, true],
    ["app in (web,other),tier notin (db)", { app: "web", tier: "db" }, false],
    ["a in ()", { a: "" }, true],
    ["n>3", { n: "4" }, true],
    ["n<3", { n: "4" }, false],
    ["n>3", { n: "x" }, false],
    ["n>9007199254740992", { n: "9007199254740993" }, true],
    ["n<9007199254740993", { n: "9007199254740992" }, true],
    ["n>3", { n: "9223372036854775807" }, true],
    ["n>3", { n: "9223372036854775808" }, false],
    ["example.com/role=x,b=", { "example.com/role": "x", b: "" }, true],
  ];
  for (const [selector, labels, matches] of cases)
    it(`${selector || "nothing"} ${matches ? "matches" : "does not match"} ${JSON.stringify(labels)}`, () => {
      assert.equal(matchesLabels(parseLabelSelector(selector), labels), matches);
    });
  for (const bad of [
    "a in b",
    "a=b,",
    "=b",
    "a b",
    "a in (b",
    "a=b c",
    "n>x",
    "n>9223372036854775808",
    "-a=b",
  ])
    it(`refuses ${bad}`, () => {
      assert.throws(() => parseLabelSelector(bad), { reason: "BadRequest" });
    });
});

describe("field selectors", () => {
  const fields = { "metadata.name": "a,b", "status.phase": "Running" };
  it("compares with =, == and !=", () => {
    const matches = (text: string) => matchesFields(parseFieldSelector(text), fields);
    assert.ok(matches("status.phase=Running"));
    assert.ok(matches("status.phase==Running,metadata.name!=x"));
    assert.ok(!matches("status.phase!=Running"));
    assert.ok(matches(""));
  });
  it("unescapes commas", () => {
    assert.ok(matchesFields(parseFieldSelector("metadata.name=a\\,b"), fields));
  });
  it("refuses a term without an operator", () => {
    assert.throws(() => parseFieldSelector("status.phase"), { reason: "BadRequest" });
  });
});

describe("label selectors, as kube-apiserver reads them", () => {
  const file = new URL("testdata/label-selector-answers.json", import.meta.url);
  const answers: Readonly<Record<string, string | null>> = JSON.parse(readFileSync(file, "utf8"));
  for (const [selector, message] of Object.entries(answers))
    it(`${JSON.stringify(selector)} ${message === null ? "is one" : "is refused in its words"}`, () => {
      if (message === null) parseLabelSelector(selector);
      else assert.throws(() => parseLabelSelector(selector), { reason: "BadRequest", message });
    });
});
