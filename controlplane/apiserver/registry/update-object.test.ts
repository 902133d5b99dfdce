import assert from "node:assert/strict";
import { systemClock } from "../../../base/os/clock.ts";
import type { KubeObject } from "../../../client/types.ts";
import { ApiError } from "../api-error.ts";
import { configMaps } from "../resources/configmaps.ts";
import { createObject } from "./create-object.ts";
import { MemoryStorage } from "./memory-storage.ts";
import { type RegistryDeps, serverRequester } from "./registry-deps.ts";
import { removeObject } from "./remove-object.ts";
import { type BareRegistry, bareRegistry } from "./testing/bare-registry.ts";
import { updateObject } from "./update-object.ts";

class CountingStorage extends MemoryStorage {
  reads = 0;
  override get(key: string) {
    this.reads++;
    return super.get(key);
  }
}

const address = { namespace: "a", name: "m" };
const options = { dryRun: false, via: "object", by: serverRequester } as const;

describe("updates from the cache's state", () => {
  let storage: CountingStorage;
  let registry: BareRegistry;
  let deps: RegistryDeps;
  beforeEach(async () => {
    storage = new CountingStorage(systemClock);
    registry = bareRegistry(storage);
    deps = registry.deps;
    const metadata = { ...address, uid: "", resourceVersion: "", creationTimestamp: "" };
    await createObject(
      deps,
      configMaps,
      { apiVersion: "v1", kind: "ConfigMap", metadata, data: { n: "0" } },
      { dryRun: false, by: serverRequester },
    );
    await deps.hub.consistent(configMaps);
    storage.reads = 0;
  });
  afterEach(async () => {
    await registry.stop();
    await storage.close();
  });

  const set = (n: string) => (current: KubeObject) => ({ ...current, data: { n } });
  const update = (change: (current: KubeObject) => KubeObject) =>
    updateObject(deps, configMaps, address, change, options);

  it("reads nothing where the cache is up to date", async () => {
    const stored = await update(set("1"));
    assert.equal(storage.reads, 0);
    assert.equal((await storage.revision()).toString(), stored.metadata.resourceVersion);
  });

  it("hands out a copy to be changed, but for the record of who set what, which is the cache's own", async () => {
    const managedFields = [
      { manager: "m", operation: "Update", fieldsType: "FieldsV1", fieldsV1: { "f:data": {} } },
    ];
    const first = await update((current) => ({
      ...current,
      metadata: { ...current.metadata, managedFields },
    }));
    await deps.hub.consistent(configMaps);
    await update((current) => {
      assert.notEqual(current.data, first.data);
      assert.equal(current.metadata.managedFields, first.metadata.managedFields);
      return set("1")(current);
    });
  });

  it("starts again from what stands in the store where the cache is behind", async () => {
    await registry.stop();
    await update(set("1"));
    const seen: unknown[] = [];
    await update((current) => {
      seen.push(current.data);
      return { ...current, data: { ...Object(current.data), more: "x" } };
    });
    assert.deepEqual(seen, [{ n: "0" }, { n: "1" }]);
  });

  it("refuses only what the newest state refuses", async () => {
    await registry.stop();
    const newest = await update(set("1"));
    const named = await update((current) => ({
      ...current,
      metadata: { ...current.metadata, resourceVersion: newest.metadata.resourceVersion },
      data: { n: "2" },
    }));
    assert.deepEqual(named.data, { n: "2" });
    const old = newest.metadata.resourceVersion;
    const change = (current: KubeObject) => ({
      ...current,
      metadata: { ...current.metadata, resourceVersion: old },
    });
    await assert.rejects(update(change), (error) => error instanceof ApiError && error.code === 409);
  });

  it("says that nothing changes only of the newest state", async () => {
    await registry.stop();
    await update(set("1"));
    const back = await update(set("0"));
    assert.deepEqual(back.data, { n: "0" });
    assert.equal((await storage.revision()).toString(), back.metadata.resourceVersion);
  });

  it("never finds what is gone", async () => {
    await registry.stop();
    await removeObject(deps, configMaps, address, { dryRun: false, by: serverRequester });
    await assert.rejects(update(set("1")), (error) => error instanceof ApiError && error.code === 404);
    await assert.rejects(
      removeObject(deps, configMaps, address, { dryRun: false, by: serverRequester }),
      (error) => error instanceof ApiError && error.code === 404,
    );
  });
});
