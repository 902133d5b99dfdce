import { strictEqual } from "node:assert/strict";
import { readFileSync } from "node:fs";
import type { FieldError } from "../registry/kind.ts";
import type { Definition } from "./definition.ts";
import { validateDefinition } from "./definition-validation.ts";
import type { JsonSchema } from "./json-schema.ts";

/** What a kube-apiserver said of definitions with costly rules. `rules`: each on `item`, in a list of so many items that its
 *  cost is above what is allowed, and so told to six digits. */
interface Recorded {
  readonly item: JsonSchema;
  readonly rules: readonly {
    readonly rules: readonly { readonly rule: string; readonly maxItems: number }[];
    readonly causes: readonly FieldError[];
  }[];
  readonly schemas: readonly {
    readonly name: string;
    readonly schemas: readonly JsonSchema[];
    /** In an update. */
    readonly stored?: readonly JsonSchema[];
    readonly causes?: readonly FieldError[];
  }[];
}

const recorded = JSON.parse(
  readFileSync(new URL("testdata/definition-costs.json", import.meta.url), "utf8"),
) as Recorded;

describe("rules of definitions cost what Kubernetes estimates, and are refused above its limits", () => {
  for (const { rules, causes } of recorded.rules)
    it(rules.map(({ rule }) => rule).join("; "), () => {
      const lists = rules.map(({ rule, maxItems }, index): [string, JsonSchema] => {
        const items = { ...recorded.item, "x-kubernetes-validations": [{ rule }] };
        return [`p${index}`, { type: "array", maxItems, items }];
      });
      const schema = { type: "object", properties: Object.fromEntries(lists) };
      strictEqual(shown(validateDefinition(definition([schema]))), shown(causes));
    });

  for (const { name, schemas, stored, causes = [] } of recorded.schemas)
    it(name, () => {
      const old = stored === undefined ? undefined : definition(stored);
      strictEqual(shown(validateDefinition(definition(schemas), old)), shown(causes));
    });
});

const shown = (problems: readonly FieldError[]) =>
  problems
    .map(({ reason, field, message }) => `${reason} ${field}: ${message}`)
    .sort()
    .join("\n");

function definition(schemas: readonly JsonSchema[]): Definition {
  const versions = schemas.map((openAPIV3Schema, index) => ({
    name: `v${index + 1}`,
    served: true,
    storage: index === 0,
    schema: { openAPIV3Schema },
  }));
  return {
    apiVersion: "apiextensions.k8s.io/v1",
    kind: "CustomResourceDefinition",
    metadata: { name: "costs.costs.example.com" },
    spec: {
      group: "costs.example.com",
      scope: "Namespaced",
      names: { plural: "costs", kind: "Cost", singular: "cost", listKind: "CostList" },
      conversion: { strategy: "None" },
      versions,
    },
    status: { storedVersions: ["v1"] },
  } as unknown as Definition;
}
