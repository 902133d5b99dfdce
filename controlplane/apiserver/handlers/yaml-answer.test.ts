import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { yamlAnswer } from "./yaml-answer.ts";

/** What a kube-apiserver 1.36 answered to the same request, as JSON and as lines of YAML. */
type Recorded = Readonly<Record<string, { readonly body: unknown; readonly yaml: readonly string[] }>>;

const recorded: Recorded = JSON.parse(
  readFileSync(new URL("../testdata/yaml-answers.json", import.meta.url), "utf8"),
);

describe("answers as YAML", () => {
  for (const [name, { body, yaml }] of Object.entries(recorded))
    it(`are byte for byte those of Kubernetes: ${name}`, () => {
      assert.deepEqual(yamlAnswer(body).split("\n"), yaml);
    });

  it("have whole numbers of 64 bits in full", () => {
    assert.equal(yamlAnswer({ a: 9223372036854775807n, b: 1e21 }), "a: 9223372036854775807\nb: 1e+21\n");
  });

  it("keep control characters", () => {
    assert.equal(yamlAnswer({ a: "\u0085b\u007f" }), 'a: "\\Nb\\x7F"\n');
  });
});
