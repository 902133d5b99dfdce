import { strictEqual } from "node:assert/strict";
import { systemClock } from "../../../base/os/clock.ts";
import type { KubeObject } from "../../../client/types.ts";
import { toKubeObject } from "../json.ts";
import { configMaps } from "../resources/configmaps.ts";
import { createObject } from "./create-object.ts";
import { MemoryStorage } from "./memory-storage.ts";
import { serverRequester } from "./registry-deps.ts";
import { bareRegistry } from "./testing/bare-registry.ts";

describe("an object that nothing is handed out to", () => {
  it("is the same from its reading to its storing: nobody copies it", async () => {
    const storage = new MemoryStorage(systemClock);
    const seen: (KubeObject | undefined)[] = [];
    const note = async ({ object }: { readonly object?: KubeObject | undefined }) => {
      seen.push(object);
    };
    const registry = bareRegistry(storage);
    const deps = {
      ...registry.deps,
      admission: { ...registry.deps.admission, mutate: note, validate: note },
    };
    const given = toKubeObject({
      apiVersion: "v1",
      kind: "ConfigMap",
      metadata: { name: "a", namespace: "default" },
      data: { a: "b" },
    });
    const made = await createObject(deps, configMaps, given, { dryRun: false, by: serverRequester });
    for (const one of seen) strictEqual(one, given);
    strictEqual(seen.length, 2);
    strictEqual(made.data, given.data);
    await registry.stop();
    await storage.close();
  });
});
