import assert from "node:assert/strict";
import { readYaml } from "./read-yaml.ts";

/** Texts that are no YAML, and what kube-apiserver 1.36.3 says of them. */
const said: readonly (readonly [text: string, complaint: string])[] = [
  ["a: [", "line 1: did not find expected node content"],
  ["a: {", "line 1: did not find expected node content"],
  ["a: {b: c", "line 1: did not find expected ',' or '}'"],
  ["{a: b", "line 1: did not find expected ',' or '}'"],
  ["[a", "line 1: did not find expected ',' or ']'"],
  ["a: {b: [c}", "did not find expected ',' or ']'"],
  ["a: [b: c}", "did not find expected ',' or ']'"],
  ["a: [1 2\n b: c]", "line 1: did not find expected ',' or ']'"],
  ['a: "x', "found unexpected end of stream"],
  ["a: 'x", "found unexpected end of stream"],
  ["a: b: c", "mapping values are not allowed in this context"],
  ["a: b\n c: d", "line 2: mapping values are not allowed in this context"],
  ["a:\n- b\n c: d", "line 3: mapping values are not allowed in this context"],
  ["key\nother: b", "line 2: mapping values are not allowed in this context"],
  ["a: : b", "mapping values are not allowed in this context"],
  ["- a\nb: c", "line 1: did not find expected '-' indicator"],
  ["- - a\n - b", "line 1: did not find expected '-' indicator"],
  ["a: b\n- c", "line 1: did not find expected key"],
  ["a: |\n  b\n c", "line 2: did not find expected key"],
  ["a:\n  b: c\n d: e", "line 2: did not find expected key"],
  ["a:\n  - b\n - c", "line 2: did not find expected key"],
  ["x: |\n\n   a\n  b", "line 3: did not find expected key"],
  ['a: "b" c', "did not find expected key"],
  ["a: [b] c", "did not find expected key"],
  ["a: &a &b c", "did not find expected key"],
  ["a: !!x !!y c", "did not find expected key"],
  ["a: &", "did not find expected alphabetic or numeric character"],
  ["a: *", "did not find expected alphabetic or numeric character"],
  ["a: !<", "did not find expected tag URI"],
  ["a: @x", "found character that cannot start any token"],
  ["a: `x", "found character that cannot start any token"],
  ["a: %x", "found character that cannot start any token"],
  ["\ta: b", "found character that cannot start any token"],
  ["a: |x\n b", "did not find expected comment or line break"],
  ['a: "\\q"', "found unknown escape character"],
  ['a: "\\xZZ"', "did not find expected hexdecimal number"],
  ["a: ]", "did not find expected node content"],
  ["a: }", "did not find expected node content"],
  ["]", "did not find expected node content"],
  ["a: -\n-b", "block sequence entries are not allowed in this context"],
  ["a: - b", "block sequence entries are not allowed in this context"],
  ["a: ? b", "mapping keys are not allowed in this context"],
  ["a: b\n\tc: d", "line 2: found a tab character that violates indentation"],
];

describe("a text that is no YAML is refused in the words of Kubernetes' library", () => {
  for (const [text, complaint] of said)
    it(JSON.stringify(text), () => {
      assert.throws(
        () => readYaml(text),
        (error: Error) => {
          assert.equal(error.message, `yaml: ${complaint}`);
          return true;
        },
      );
    });
});
