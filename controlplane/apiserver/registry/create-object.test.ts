import { strictEqual } from "node:assert/strict";
import { systemClock } from "../../../base/os/clock.ts";
import { systemRandom } from "../../../base/os/random.ts";
import type { KubeObject } from "../../../client/types.ts";
import { toKubeObject } from "../json.ts";
import { configMaps } from "../resources/configmaps.ts";
import { createObject } from "./create-object.ts";
import { MemoryStorage } from "./memory-storage.ts";
import { type RegistryDeps, serverRequester } from "./registry-deps.ts";
import type { Transaction } from "./storage.ts";

describe("an object that nothing is handed out to", () => {
  it("is the same from its reading to its storing: nobody copies it", async () => {
    const storage = new MemoryStorage(systemClock);
    const seen: (KubeObject | undefined)[] = [];
    const note = async ({ object }: { readonly object?: KubeObject }) => {
      seen.push(object);
    };
    const deps = {
      storage,
      clock: systemClock,
      random: systemRandom,
      allocator: { plan: async () => ({ compare: [], writes: [] }) },
      quotas: { commit: (_: unknown, transaction: Transaction) => storage.commit(transaction) },
      admission: { mutate: note, validate: note },
    } as unknown as RegistryDeps;
    const given = toKubeObject({
      apiVersion: "v1",
      kind: "ConfigMap",
      metadata: { name: "a", namespace: "default" },
      data: { a: "b" },
    });
    const made = await createObject(deps, configMaps, given, { dryRun: false, by: serverRequester });
    for (const one of [...seen, made]) strictEqual(one, given);
    strictEqual(seen.length, 2);
    await storage.close();
  });
});
