import { deepStrictEqual } from "node:assert/strict";
import { readFileSync } from "node:fs";
import type { FieldError } from "../registry/kind.ts";
import { selectorProblems } from "./device-selectors.ts";

/** What a kube-apiserver said of device classes with one selector each. */
const recorded = JSON.parse(
  readFileSync(new URL("testdata/device-selector-costs.json", import.meta.url), "utf8"),
) as readonly { readonly expression: string; readonly causes: readonly FieldError[] }[];

describe("selectors of devices that could cost too much are refused as a kube-apiserver refuses them", () => {
  for (const { expression, causes } of recorded)
    it(expression.slice(0, 200), () => {
      const found = selectorProblems([{ cel: { expression } }], "spec.selectors");
      const shown = ({ reason, field, message }: FieldError) => `${reason} ${field}: ${message}`;
      deepStrictEqual(found.map(shown), causes.map(shown));
    });
});
