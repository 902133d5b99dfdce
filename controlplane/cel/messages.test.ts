import assert from "node:assert/strict";
import { rewriteMessages } from "./messages.ts";

const known = (name: string) => name === "JSONPatch" || /^Object(\.|$)/.test(name);

describe("messages in expressions", () => {
  it("become maps at an index, the names of their fields texts", () => {
    const rewritten = (text: string) => rewriteMessages(text, known).text;
    assert.equal(
      rewritten('Object{spec: Object.spec{replicas: object.spec.replicas + 1, a: {"k": 1}}}'),
      'Object[{"spec": Object.spec[{"replicas": object.spec.replicas + 1, "a": {"k": 1}}]}]',
    );
    assert.equal(
      rewritten('[JSONPatch { op: "add", path: f(x, {"y": z}), value: [1, 2] }]'),
      '[JSONPatch [{ "op": "add", "path": f(x, {"y": z}), "value": [1, 2] }]]',
    );
    assert.equal(rewritten("Object{}"), "Object[{}]");
  });

  it("are left alone in texts, in comments, and under names that cannot be made", () => {
    for (const text of [
      "'Object{a: 1}' + r'\\' + \"Object{\"",
      "Other{a: 1}",
      'x ? {"a": 1} : {}',
      "1 // Object{a: 1}\n",
      "x.Object{a: 1}",
    ])
      assert.equal(rewriteMessages(text, known).text, text);
  });

  it("keep their places", () => {
    const text = "Object{spec: foo}";
    const { text: changed, origin } = rewriteMessages(text, known);
    assert.equal(origin(changed.indexOf("foo")), text.indexOf("foo"));
    assert.equal(origin(changed.length), text.length);
  });
});
