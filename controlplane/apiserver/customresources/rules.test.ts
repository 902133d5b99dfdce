import { deepStrictEqual, ok, strictEqual } from "node:assert/strict";
import { readFileSync } from "node:fs";
import type { JsonSchema } from "./json-schema.ts";
import { rulesOf, validateRules } from "./rules.ts";

interface Answers {
  readonly properties: Readonly<Record<string, JsonSchema>>;
  readonly object: Readonly<Record<string, unknown>>;
  readonly expressions: readonly {
    readonly rule: string;
    /** Why it is not compiled. */
    readonly problem?: string;
    /** Holds, or the refusal. */
    readonly answer?: true | string;
  }[];
}

const { properties, object, expressions } = JSON.parse(
  readFileSync(new URL("testdata/rule-answers.json", import.meta.url), "utf8"),
) as Answers;

const ruled = (rule: string, more: object = {}): JsonSchema => ({
  type: "object",
  properties,
  "x-kubernetes-validations": [{ rule, ...more }],
});

describe("rules of custom resources are compiled and answered as by a kube-apiserver", () => {
  for (const { rule, problem, answer } of expressions)
    it(rule, () => {
      const schema = ruled(rule, { message: "RULE" });
      const [compiled] = rulesOf(schema, false);
      const fault =
        compiled !== undefined && "problem" in compiled.program ? compiled.program.problem : undefined;
      strictEqual(fault?.replaceAll(/object\d+/g, "object"), problem);
      if (problem !== undefined) return;
      const [found] = validateRules(schema, object, undefined, { path: "spec", isRoot: false });
      strictEqual(found === undefined ? true : found.message, answer);
    });
});

describe("rules of custom resources end when they cost too much", () => {
  const long = Array.from({ length: 400 }, (_, index) => `item-${index}`);
  const schema: JsonSchema = {
    type: "object",
    properties: { l: { type: "array", items: { type: "string" } } },
    "x-kubernetes-validations": [
      { rule: "self.l.all(a, self.l.all(b, self.l.all(c, self.l.all(d, a + b + c + d != ''))))" },
      { rule: "false" },
    ],
  };
  it("and no rule after it is run", () => {
    const found = validateRules(schema, { l: long });
    strictEqual(found.length, 1);
    ok(found[0]?.message.includes("operation cancelled: actual cost limit exceeded"));
  });
  it("all rules of an object together", () => {
    const each: JsonSchema = {
      type: "object",
      properties: {
        l: {
          type: "array",
          items: {
            type: "string",
            "x-kubernetes-validations": [{ rule: "lists.range(100000).all(x, x >= 0)" }],
          },
        },
      },
    };
    const found = validateRules(each, { l: long });
    deepStrictEqual(
      found.map(({ message }) => message),
      [
        'Invalid value: "string": validation failed due to running out of cost budget, no further validation rules will be run',
      ],
    );
  });
});
