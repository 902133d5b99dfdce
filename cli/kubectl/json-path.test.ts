import assert from "node:assert/strict";
import { jsonPath } from "./json-path.ts";

const value = {
  kind: "List",
  items: [
    { metadata: { name: "a", labels: { "x.y/z": "1" } }, status: { ip: "1.1.1.1", n: 1 } },
    { metadata: { name: "b" }, status: { ip: "2.2.2.2", n: 2, ready: true } },
  ],
};

const cases: readonly (readonly [string, string])[] = [
  ["{.kind}", "List"],
  ["kind is {.kind}!", "kind is List!"],
  ["{.items[*].metadata.name}", "a b"],
  ["{.items[0].status.n}", "1"],
  ["{.items[-1].metadata.name}", "b"],
  ["{.items[1].status}", '{"ip":"2.2.2.2","n":2,"ready":true}'],
  ["{.items[0].metadata.labels.x\\.y/z}", "1"],
  ["{.items[0].metadata.labels['x.y/z']}", "1"],
  ['{.items[?(@.metadata.name=="b")].status.ip}', "2.2.2.2"],
  ["{.items[?(@.status.ready!=true)].metadata.name}", "a"],
  ['{range .items[*]}{.metadata.name}{"\\t"}{.status.ip}{"\\n"}{end}', "a\t1.1.1.1\nb\t2.2.2.2\n"],
  ["{$.kind}", "List"],
  ["{.missing.deep}", ""],
  ["{.items[9].x}", ""],
];

describe("cli/kubectl/json-path", () => {
  for (const [template, wanted] of cases) it(template, () => assert.equal(jsonPath(template, value), wanted));

  it("refuses what it cannot read", () => {
    for (const template of ["{.a", "{range .items[*]}x", "{.a[}", "x{end}"])
      assert.throws(() => jsonPath(template, value), /jsonpath/, template);
  });
});
