import assert from "node:assert/strict";
import { checkNesting } from "../nesting.ts";
import { duplicatesInJson, duplicatesInYaml, mayHaveDuplicates } from "./duplicate-fields.ts";

describe("apiserver/schema/duplicate-fields", () => {
  const cases: readonly [name: string, text: string, expected: readonly string[]][] = [
    ["none", '{"a":1,"b":{"a":1}}', []],
    ["JSON, deep", '{"spec":{"c":[{"x":1},{"n":"\\"","n":2}]}}', ['duplicate field "spec.c[1].n"']],
    ["JSON, three times is told once", '{"a":1,"a":2,"a":3}', ['duplicate field "a"']],
    ["JSON with quotes in names", '{"k:{\\"uid\\":\\"1\\"}":{},"\\\\":1,"a\\\\":"\\":"}', []],
    ["JSON, a name that ends in a backslash", '{"\\\\":1,"\\\\":2}', ['duplicate field "\\\\"']],
    ["YAML without", "a: 1\nb:\n  a: 1\n", []],
    [
      "YAML by line",
      "spec:\n  replicas: 1\n  c:\n  - k: a\n    k: b\n  replicas: 2\n",
      ['line 6: key "replicas" already set in map', 'line 5: key "k" already set in map'],
    ],
    ["YAML in flow style", "---\n{a: 1, a: 2}\n", ['line 2: key "a" already set in map']],
  ];
  for (const [name, text, expected] of cases)
    it(name, () => {
      const isJson = text.startsWith("{");
      const found = isJson ? duplicatesInJson(text) : duplicatesInYaml(text);
      assert.deepEqual([...found].sort(), [...expected].sort());
      if (!isJson) return;
      const names = checkNesting(JSON.parse(text));
      for (const json of [text, text.replaceAll(":", " \n\t\r:")])
        assert.equal(mayHaveDuplicates(json, names), expected.length > 0);
    });
});
