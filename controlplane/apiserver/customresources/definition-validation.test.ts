import { strictEqual } from "node:assert/strict";
import { readFileSync } from "node:fs";
import type { FieldError } from "../registry/kind.ts";
import { validateMeta } from "../resources/meta.ts";
import type { Definition } from "./definition.ts";
import { definitionName, validateDefinition } from "./definition-validation.ts";

interface Recorded {
  readonly name: string;
  readonly definition: Definition;
  readonly old?: Definition;
  readonly code: number;
  readonly causes?: readonly FieldError[];
}

const recorded = JSON.parse(
  readFileSync(new URL("testdata/definition-problems.json", import.meta.url), "utf8"),
) as readonly Recorded[];

describe("definitions of custom resources are refused as a kube-apiserver refuses them", () => {
  for (const { name, definition, old, causes = [] } of recorded)
    it(name.slice(0, 300), () => {
      const before = old === undefined ? undefined : asStored(old);
      const meta = {
        namespaced: false,
        nameRule: old === undefined ? definitionName(asStored(definition)) : () => [],
      };
      const found = [
        ...validateMeta(definition.metadata, meta),
        ...validateDefinition(asStored(definition, before), before),
      ];
      strictEqual(shown(found), shown(causes));
    });
});

const shown = (problems: readonly FieldError[]) =>
  problems
    .map(({ reason, field, message }) => `${reason} ${field}: ${message}`)
    .sort()
    .join("\n");

/** As the kind fills it in before it is checked. */
function asStored(sent: Definition, old?: Definition): Definition {
  const { spec } = sent;
  const { names } = spec;
  const storage = spec.versions.filter((version) => version.storage).slice(0, 1);
  const before = old?.status?.storedVersions ?? [];
  const stored = [...new Set([...before, ...storage.map(({ name }) => name)])];
  return {
    ...sent,
    spec: {
      ...spec,
      names: {
        ...names,
        singular: names.singular || names.kind.toLowerCase(),
        listKind: names.listKind || (names.kind === "" ? "" : `${names.kind}List`),
      },
      conversion: spec.conversion ?? { strategy: "None" },
    },
    status: { ...(old ?? sent).status, storedVersions: stored },
  };
}
