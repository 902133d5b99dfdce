import { deepStrictEqual, strictEqual } from "node:assert/strict";
import { readFileSync } from "node:fs";
import { cloneJson } from "../../../base/clone-json.ts";
import type { JsonObject } from "../json.ts";
import type { FieldError } from "../registry/kind.ts";
import { applySchemaDefaults, dropNulls } from "./defaults.ts";
import type { JsonSchema } from "./json-schema.ts";
import { objectProblems } from "./object-problems.ts";
import { prune } from "./prune.ts";

interface Answer {
  readonly schema: string;
  readonly name?: string;
  readonly object: JsonObject;
  readonly code: number;
  readonly causes?: readonly FieldError[];
  readonly stored?: JsonObject;
}

const { schemas, creates, updates } = JSON.parse(
  readFileSync(new URL("testdata/object-answers.json", import.meta.url), "utf8"),
) as {
  readonly schemas: Readonly<Record<string, JsonSchema>>;
  readonly creates: readonly Answer[];
  readonly updates: readonly (Answer & { readonly old: JsonObject })[];
};

describe("custom objects are pruned, defaulted and judged as by a kube-apiserver", () => {
  for (const { schema, name = "x", object, causes = [], stored } of creates)
    it(`${schema}: ${JSON.stringify({ ...(name !== "x" && { name }), ...object })}`, () => {
      const { problems, kept } = judged(object, schemas[schema], { name });
      strictEqual(shown(problems), shown(causes));
      if (stored !== undefined) deepStrictEqual(kept, stored);
    });
});

describe("what was wrong with a custom object before may stay in an update, as a kube-apiserver lets it", () => {
  for (const { schema, old, object, causes = [], stored } of updates)
    it(`${schema}: ${JSON.stringify(old)} to ${JSON.stringify(object)}`, () => {
      const { problems, kept } = judged(object, schemas[schema], { name: "x" }, old);
      strictEqual(shown(problems), shown(causes));
      if (stored !== undefined) deepStrictEqual(kept, stored);
    });
});

it("defaults of a custom object's fields are its own, whatever the fields are named", () => {
  const schema: JsonSchema = JSON.parse(
    '{"properties":{"__proto__":{"default":{},"properties":{"zz":{"default":1}}},"constructor":{"default":{}}}}',
  );
  const { kept } = judged({}, schema, { name: "x" });
  deepStrictEqual(Object.getPrototypeOf(kept), Object.prototype);
  strictEqual(JSON.stringify(kept), '{"__proto__":{"zz":1},"constructor":{}}');
});

const head = { apiVersion: "cel.example.com/v1", kind: "Thing" };

function judged(
  object: JsonObject,
  schema: JsonSchema = {},
  metadata: { readonly name: string },
  old?: JsonObject,
): { readonly problems: readonly FieldError[]; readonly kept: JsonObject } {
  const next = prepared({ ...head, metadata, ...object }, schema);
  const before = old === undefined ? undefined : prepared({ ...head, metadata, ...old }, schema);
  const problems = objectProblems(next, schema, before);
  const { apiVersion: _, kind: __, metadata: ___, ...kept } = next;
  return { problems, kept };
}

function prepared(sent: JsonObject, schema: JsonSchema): JsonObject {
  const object = cloneJson(sent) as JsonObject;
  dropNulls(object, schema);
  prune(object, schema);
  applySchemaDefaults(object, schema);
  return object;
}

const shown = (problems: readonly FieldError[]) =>
  problems
    .map(({ reason, field, message }) => `${reason} ${field}: ${message}`)
    .sort()
    .join("\n");
