import assert from "node:assert/strict";
import fc from "fast-check";
import { cloneJson } from "../../../base/clone-json.ts";
import { exactJsonText } from "../../../base/exact-json.ts";
import { systemClock } from "../../../base/os/clock.ts";
import type { KubeObject } from "../../../client/types.ts";
import { toKubeObject } from "../json.ts";
import { createObject } from "../registry/create-object.ts";
import type { Kind } from "../registry/kind.ts";
import { isStored } from "../registry/kind-table.ts";
import { MemoryStorage } from "../registry/memory-storage.ts";
import { objectText } from "../registry/object-text.ts";
import { serverRequester } from "../registry/registry-deps.ts";
import { removeObject } from "../registry/remove-object.ts";
import { type ChangeBatch, StorageError, type Transaction } from "../registry/storage.ts";
import {
  decodeStored,
  encodeStored,
  encodeText,
  objectKey,
  StoredObject,
} from "../registry/stored-object.ts";
import { type BareRegistry, bareRegistry } from "../registry/testing/bare-registry.ts";
import { updateObject } from "../registry/update-object.ts";
import { configMaps } from "../resources/configmaps.ts";
import { kinds } from "../resources/table.ts";
import { good } from "../resources/testing/good-objects.ts";
import { findTypeName } from "../schema/load.ts";
import { message } from "../schema/testing/arbitrary-message.ts";
import { OwnWrites } from "./own-writes.ts";

const stored = kinds.filter((kind) => isStored(kind) && kind.hidesOwnForm !== true);
const apiVersionOf = ({ group, version }: Kind) => (group === "" ? version : `${group}/${version}`);
const by = serverRequester;

/** What a write hands to the cache, beside what the cache would read of the store's bytes. */
function same(handed: KubeObject | undefined, kind: Kind, value: Uint8Array, revision: number): void {
  const read = decodeStored(kind, value, revision);
  assert.deepEqual(handed, read);
  // The order of fields as well, which is that of the JSON that clients get.
  assert.equal(exactJsonText(handed), exactJsonText(read));
}

function writeOf(kind: Kind, object: KubeObject, own = new OwnWrites()) {
  const value = encodeStored(object);
  const key = objectKey(kind, "a", "x");
  own.begin({ kind, key, value, object });
  return { own, value, event: { key, value, modRevision: 7 } };
}

const map = (data: unknown) =>
  toKubeObject({ apiVersion: "v1", kind: "ConfigMap", metadata: { name: "x" }, data });

describe("what this server has written itself", () => {
  it("is shown in the same bytes as what was read, and keeps them, where its text is at hand", () => {
    for (const kind of stored) {
      const apiVersion = apiVersionOf(kind);
      const model = findTypeName(apiVersion, kind.kind) ?? assert.fail(kind.kind);
      const part = fc.oneof(message(model, 2), fc.constant({ ...good[kind.kind] }));
      fc.assert(
        fc.property(part, (given) => {
          const metadata = { ...Object(given.metadata), name: "x", uid: "u", annotations: { a: "<&>" } };
          const object = toKubeObject(cloneJson({ ...given, apiVersion, kind: kind.kind, metadata }));
          try {
            kind.applyDefaults(object);
          } catch {
            return; // generated values that no client could bring
          }
          const text = objectText(object);
          const value = encodeText(text);
          const key = objectKey(kind, "a", "x");
          const own = new OwnWrites();
          own.begin({ kind, key, value, object, text });
          const handed = own.take(kind, { key, value, modRevision: 7 });
          same(handed?.object, kind, value, 7);
          const read = new StoredObject(kind, { key, value, modRevision: 7 });
          assert.equal(handed?.json().toString(), read.json().toString());
          assert.equal(handed?.bareJson().toString(), read.bareJson().toString());
        }),
        { numRuns: 8 },
      );
    }
  });

  it("is held as a reading of the stored bytes would give it, for objects of every kind", () => {
    for (const kind of stored) {
      const apiVersion = apiVersionOf(kind);
      const model = findTypeName(apiVersion, kind.kind) ?? assert.fail(kind.kind);
      const part = fc.oneof(message(model, 2), fc.constant({ ...good[kind.kind] }));
      fc.assert(
        fc.property(part, part, (one, other) => {
          const metadata = { ...Object(one.metadata), ...Object(other.metadata), name: "x", uid: "u" };
          const mixed = cloneJson({ ...one, ...other, apiVersion, kind: kind.kind, metadata });
          const object = toKubeObject(mixed);
          const { own, value, event } = writeOf(kind, object);
          let handed: KubeObject | undefined;
          try {
            handed = own.take(kind, event)?.object;
          } catch (error) {
            // Generated values that no client could bring: defaults of none, whoever reads them.
            assert.throws(() => decodeStored(kind, value, 7), { message: (error as Error).message });
            return;
          }
          same(handed, kind, value, 7);
        }),
        { numRuns: 8 },
      );
    }
  });

  it("is read where the object is not what its bytes say", () => {
    const odd: readonly unknown[] = [
      { a: undefined },
      { a: [undefined] },
      { a: -0 },
      { a: Number.NaN },
      { a: 1e16 },
      { a: -(2 ** 60) },
      { a: new Date(0) },
      { a: Object.assign(Object.create(null), { b: "c" }) },
      { a: Object.create({ inherited: "b" }) },
    ];
    for (const data of odd) {
      const { own, value, event } = writeOf(configMaps, { ...map({}), data });
      same(own.take(configMaps, event)?.object, configMaps, value, 7);
    }
  });

  it("is what an event brings under its own key, with its own bytes, and once", () => {
    const { own, value, event } = writeOf(configMaps, map({ a: "b" }));
    const other = encodeStored(map({ a: "c" }));
    assert.equal(own.take(configMaps, { ...event, value: other }), undefined);
    assert.equal(own.take(configMaps, { ...event, key: `${event.key}x` }), undefined);
    assert.equal(own.take({ ...configMaps }, event), undefined);
    same(own.take(configMaps, { ...event, modRevision: 9 })?.object, configMaps, value, 9);
    assert.equal(own.take(configMaps, event), undefined);
    assert.equal(own.count, 0);
  });

  it("is waited for within bounds, of number and of bytes", () => {
    const value = new Uint8Array(10);
    const begin = (own: OwnWrites, key: string) =>
      own.begin({ kind: configMaps, key, value, object: map({}) });
    const few = new OwnWrites({ writesMax: 2, bytesMax: 1000 });
    for (const key of ["a", "b", "b", "c"]) begin(few, key);
    assert.equal(few.count, 2);
    assert.equal(few.take(configMaps, { key: "a", value, modRevision: 1 }), undefined);
    const short = new OwnWrites({ writesMax: 100, bytesMax: 25 });
    for (const key of ["a", "b", "c", "d"]) begin(short, key);
    assert.equal(short.count, 2);
    for (const key of ["c", "d"]) short.passed({ key, value });
    assert.equal(short.count, 0);
    // What went is not counted any more.
    for (const key of ["e", "f"]) begin(short, key);
    assert.equal(short.count, 2);
  });
});

class FailingStorage extends MemoryStorage {
  outcome: "as it is" | "unknown" | "unavailable" = "as it is";
  override async commit(transaction: Transaction) {
    if (this.outcome === "unavailable") throw new StorageError("unavailable", "nobody there");
    const result = await super.commit(transaction);
    if (this.outcome === "unknown") throw new StorageError("unknown", "nobody knows");
    return result;
  }
}

/** The bytes come back otherwise: as when another layer changed them on their way. */
class OtherBytes extends MemoryStorage {
  override async *watch(...parameters: Parameters<MemoryStorage["watch"]>): AsyncGenerator<ChangeBatch> {
    for await (const { revision, changes } of super.watch(...parameters))
      yield {
        revision,
        changes: changes.map((change) =>
          change.type === "put" ? { ...change, value: Buffer.from(` ${Buffer.from(change.value)}`) } : change,
        ),
      };
  }
}

describe("the cache beside the server's own writes", () => {
  const running: BareRegistry[] = [];
  const storages: MemoryStorage[] = [];
  const start = (storage: MemoryStorage) => {
    const registry = bareRegistry(storage);
    running.push(registry);
    storages.push(storage);
    return registry;
  };
  afterEach(async () => {
    await Promise.all(running.splice(0).map((one) => one.stop()));
    await Promise.all(storages.splice(0).map((one) => one.close()));
  });

  it("holds what a reading of the store gives after creations, updates and deletions of every kind", async () => {
    const storage = new MemoryStorage(systemClock);
    const { deps } = start(storage);
    for (const kind of stored) {
      const namespace = kind.namespaced ? "default" : "";
      // Some are named by what they are.
      const { name = "x", ...own } = Object(good[kind.kind]?.metadata);
      const address = { namespace, name };
      const key = objectKey(kind, namespace, name);
      const cache = await deps.hub.cache(kind);
      const check = async (returned: KubeObject, step: string) => {
        await deps.hub.consistent(kind);
        const { entry } = await storage.get(key);
        if (entry === undefined) return assert.equal(cache.get(key), undefined);
        const held = cache.get(key)?.object;
        same(held, kind, entry.value, entry.modRevision);
        assert.equal(held, returned, `${kind.kind}: ${step}: what was written was read again`);
        assert.equal(deps.hub.own.storedAs(returned), cache.get(key));
      };
      const metadata = { ...own, ...address, finalizers: ["example.com/wait"] };
      const given = { apiVersion: apiVersionOf(kind), kind: kind.kind, ...good[kind.kind], metadata };
      const object = toKubeObject(cloneJson(given));
      await check(await createObject(deps, kind, object, { dryRun: false, by }), "create");
      const label = (current: KubeObject) => {
        current.metadata.labels = { changed: "yes" };
        return current;
      };
      const how = { dryRun: false, via: "server", by } as const;
      await check(await updateObject(deps, kind, address, label, how), "update");
      const removed = await removeObject(deps, kind, address, { dryRun: false, by });
      await check(removed.object, "delete");
    }
    assert.equal(deps.hub.own.count, 0);
  });

  it("takes nothing from a write that failed, that nobody knows of, or that was only tried", async () => {
    const storage = new FailingStorage(systemClock);
    const { deps } = start(storage);
    const cache = await deps.hub.cache(configMaps);
    const make = (name: string, dryRun = false) => {
      const metadata = { name, namespace: "a" };
      const object = toKubeObject({ apiVersion: "v1", kind: "ConfigMap", metadata, data: { a: "b" } });
      return createObject(deps, configMaps, object, { dryRun, by });
    };
    storage.outcome = "unavailable";
    await assert.rejects(make("failed"), /nobody there/);
    assert.equal(deps.hub.own.count, 0);
    storage.outcome = "unknown";
    await assert.rejects(make("unknown"), /nobody knows/);
    assert.equal(deps.hub.own.count, 0);
    storage.outcome = "as it is";
    await make("tried", true);
    assert.equal(deps.hub.own.count, 0);
    await make("made");
    await assert.rejects(make("made"), /already exists/);
    await deps.hub.consistent(configMaps);
    assert.equal(deps.hub.own.count, 0);
    const found = cache.list("/registry/configmaps/").map(({ object }) => object.metadata.name);
    assert.deepEqual(found, ["made", "unknown"]);
    for (const { key, object, revision } of cache.list("/registry/configmaps/")) {
      const { entry } = await storage.get(key);
      same(object, configMaps, entry?.value ?? assert.fail(), revision);
    }
  });

  it("reads what came back with other bytes, and what another server wrote", async () => {
    const storage = new OtherBytes(systemClock);
    const one = start(storage);
    const other = start(storage);
    const caches = await Promise.all([one, other].map(({ deps }) => deps.hub.cache(configMaps)));
    const metadata = { name: "x", namespace: "a" };
    const object = toKubeObject({ apiVersion: "v1", kind: "ConfigMap", metadata, data: { a: "b" } });
    const made = await createObject(one.deps, configMaps, object, { dryRun: false, by });
    await Promise.all([one, other].map(({ deps }) => deps.hub.consistent(configMaps)));
    for (const cache of caches) {
      const held = cache.get(objectKey(configMaps, "a", "x"))?.object;
      assert.deepEqual(held, made);
      assert.notEqual(held, made);
    }
  });

  it("waits for no event of a kind that nobody has asked for", async () => {
    const storage = new MemoryStorage(systemClock);
    const { deps } = start(storage);
    await deps.hub.untilStarted();
    const object = toKubeObject({
      apiVersion: "v1",
      kind: "ConfigMap",
      metadata: { name: "x", namespace: "a" },
    });
    const { metadata } = await createObject(deps, configMaps, object, { dryRun: false, by });
    await deps.hub.notOlderThan(kinds[0] ?? assert.fail(), BigInt(metadata.resourceVersion));
    assert.equal(deps.hub.own.count, 0);
  });
});
