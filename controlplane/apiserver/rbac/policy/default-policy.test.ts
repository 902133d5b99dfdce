import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { defaultBindings, defaultRoles } from "./default-policy.ts";

interface Recorded {
  readonly metadata: { readonly name: string; readonly namespace?: string };
}

/** What kube-apiserver 1.36.3 with its own defaults had after its start. */
const file = new URL("../testdata/default-policy.json", import.meta.url);
const recorded: Readonly<Record<string, readonly Recorded[]>> = JSON.parse(readFileSync(file, "utf8"));

describe("default roles and bindings", () => {
  for (const [plural, objects] of Object.entries(recorded))
    it(`${plural}: those of Kubernetes 1.36, rule for rule`, () => {
      const ours = [...defaultRoles(), ...defaultBindings()]
        .filter(({ kind = "" }) => `${kind.toLowerCase()}s` === plural)
        .map(({ apiVersion: _, kind: __, ...rest }) => rest);
      assert.deepEqual(byPlace(ours), byPlace(objects));
    });
});

function byPlace<T extends { readonly metadata: { name?: string; namespace?: string } }>(
  objects: readonly T[],
): Readonly<Record<string, T>> {
  return Object.fromEntries(
    objects.map((one) => [`${one.metadata.namespace ?? ""}/${one.metadata.name}`, one]),
  );
}
