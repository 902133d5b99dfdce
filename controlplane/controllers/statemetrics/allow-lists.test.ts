import assert from "node:assert/strict";
import { allowedLabels, allowedNames, prometheusLabels, readAllowList } from "./allow-lists.ts";

const kinds = new Set(["pods", "nodes"]);

describe("controllers/statemetrics/allow-lists", () => {
  it("reads kube-state-metrics' flags", () => {
    const list = readAllowList("pods=[app, team-*],nodes=[*]", kinds);
    assert.deepEqual(
      [...list],
      [
        ["pods", ["app", "team-*"]],
        ["nodes", ["*"]],
      ],
    );
    assert.deepEqual(allowedNames(list, "services"), []);
    assert.deepEqual(allowedNames(readAllowList("*=[a],pods=[b]", kinds), "nodes"), ["a"]);
    assert.equal(readAllowList("", kinds).size, 0);
  });

  it("refuses by name what it cannot read", () => {
    for (const [text, why] of [
      ["pods", /not KIND=/],
      ["pods=[a],,", /not KIND=/],
      ["things=[a]", /no series of "things"/],
      ["pods=[a],pods=[b]", /twice/],
      ["pods=[a*b*]", /more than one \*/],
      [`pods=[${"a,".repeat(65)}]`, /more than 64/],
    ] as const)
      assert.throws(() => readAllowList(text, kinds), why);
  });

  it("allows by name, by pattern, and all", () => {
    const values = { app: "a", "team-x": "x", "team-": "y", __proto__x: "p" };
    assert.deepEqual(allowedLabels("label", values, ["app", "absent", "constructor"]), { label_app: "a" });
    assert.deepEqual(allowedLabels("label", values, ["team-*"]), { label_team_: "y", label_team_x: "x" });
    assert.deepEqual(allowedLabels("annotation", { "a/B": "1" }, ["*"]), { annotation_a_b: "1" });
    assert.deepEqual(allowedLabels("label", values, ["te*m-x*"]), {});
  });

  it("tells names apart that come out the same", () => {
    assert.deepEqual(prometheusLabels("label", { "an-app": "1", an_app: "2", "an.app": "3", other: "4" }), {
      label_an_app_conflict1: "1",
      label_an_app_conflict2: "3",
      label_an_app_conflict3: "2",
      label_other: "4",
    });
    assert.deepEqual(prometheusLabels("label", { fooBar: "1" }), { label_foo_bar: "1" });
  });
});
