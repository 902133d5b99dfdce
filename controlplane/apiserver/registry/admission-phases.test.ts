import assert from "node:assert/strict";
import { systemClock } from "../../../base/os/clock.ts";
import { silentLog } from "../../../base/os/log.ts";
import { systemRandom } from "../../../base/os/random.ts";
import { type Attributes, admittedName, inOrder, type Plugin } from "../admission/admission.ts";
import { CacheHub } from "../cache/cache-hub.ts";
import { configMaps } from "../resources/configmaps.ts";
import { leases } from "../resources/leases.ts";
import { createObject } from "./create-object.ts";
import { KindRegistry } from "./kind-registry.ts";
import { LeaseFence } from "./lease-fence.ts";
import { MemoryStorage } from "./memory-storage.ts";
import { withoutQuotas } from "./quota-ledger.ts";
import { type RegistryDeps, serverRequester } from "./registry-deps.ts";
import { removeObject } from "./remove-object.ts";
import { updateObject } from "./update-object.ts";

const once = { dryRun: false, by: serverRequester };

function registry(plugin: Plugin): RegistryDeps {
  const storage = new MemoryStorage(systemClock);
  const hub = new CacheHub({ storage, clock: systemClock, random: systemRandom, log: silentLog });
  return {
    storage,
    hub,
    kinds: new KindRegistry([]),
    clock: systemClock,
    random: systemRandom,
    log: silentLog,
    allocator: { carryOver: () => {}, plan: async () => ({ compare: [], writes: [] }) },
    recordOwn: () => {},
    applyOwn: (current) => current,
    quotas: withoutQuotas,
    fence: new LeaseFence(leases, { storage, hub }),
    facts: { loopbackEndpoints: false },
    admission: inOrder(plugin),
  };
}

const configMap = (metadata: object) => ({
  apiVersion: "v1",
  kind: "ConfigMap",
  metadata: { name: "", namespace: "a", uid: "", resourceVersion: "", creationTimestamp: "", ...metadata },
  data: { n: "0" },
});

describe("the two phases of admission", () => {
  it("let the kind's own rules judge what mutation made, before anybody validates", async () => {
    const seen: string[] = [];
    const deps = registry({
      mutate: async ({ object }) => {
        seen.push("mutate");
        if (object !== undefined) object.metadata.labels = { "-": "no label" };
      },
      validate: async () => void seen.push("validate"),
    });
    const create = createObject(deps, configMaps, configMap({ name: "m" }), once);
    await assert.rejects(create, { reason: "Invalid" });
    assert.deepEqual(seen, ["mutate"]);
  });

  it("come before and after a name is made up, the first once for all names", async () => {
    const names: string[] = [];
    const deps = registry({
      mutate: async (attributes) => void names.push(`mutate ${admittedName(attributes)}`),
      validate: async (attributes) => void names.push(`validate ${admittedName(attributes)}`),
    });
    const { metadata } = await createObject(deps, configMaps, configMap({ generateName: "m-" }), once);
    assert.deepEqual(names, ["mutate ", `validate ${metadata.name}`]);
  });

  it("see each state that an attempt to update goes on from", async () => {
    const seen: unknown[] = [];
    let disturbs = true;
    const deps = registry({
      validate: async ({ operation, old, object }) => {
        if (operation !== "update") return;
        seen.push([old.data, object.data]);
        if (!disturbs) return;
        disturbs = false;
        await updateObject(deps, configMaps, address, async (one) => ({ ...one, data: { n: "1" } }), server);
      },
    });
    const address = { namespace: "a", name: "m" };
    const server = { ...once, via: "server" } as const;
    await createObject(deps, configMaps, configMap({ name: "m" }), once);
    await updateObject(deps, configMaps, address, (one) => ({ ...one, data: { n: "2" } }), server);
    assert.deepEqual(seen, [
      [{ n: "0" }, { n: "2" }],
      [{ n: "0" }, { n: "1" }],
      [{ n: "1" }, { n: "2" }],
    ]);
  });

  it("are both asked of a deletion, and of a dry run, which they are told of", async () => {
    const seen: unknown[] = [];
    const deps = registry({
      mutate: async ({ operation, dryRun }) => void seen.push(["mutate", operation, dryRun]),
      validate: async ({ operation, dryRun }) => void seen.push(["validate", operation, dryRun]),
    });
    await createObject(deps, configMaps, configMap({ name: "m" }), once);
    seen.length = 0;
    await removeObject(deps, configMaps, { namespace: "a", name: "m" }, { ...once, dryRun: true });
    assert.deepEqual(seen, [
      ["mutate", "delete", true],
      ["validate", "delete", true],
    ]);
  });

  const attributes: Attributes = {
    ...{ operation: "create", kind: configMaps, object: configMap({ name: "m" }) },
    ...{ by: serverRequester, dryRun: false },
  };

  it("are over at once where no step waits for anything, second turns included", () => {
    const turns: string[] = [];
    const first: Plugin = {
      mutate: ({ rounds }) => {
        turns.push("first");
        if (rounds !== undefined) rounds.wantsSecond = true;
      },
    };
    const phases = inOrder(first, { mutate: () => void turns.push("second") });
    assert.equal(phases.mutate(attributes), undefined);
    assert.deepEqual(turns, ["first", "second", "first", "second"]);
  });

  it("take no step before those before it are done, nor one after a refusal", async () => {
    const steps: string[] = [];
    const later = (name: string) => async () => {
      await Promise.resolve();
      steps.push(name);
    };
    const refuse = () => {
      throw new Error("refused");
    };
    const phases = inOrder(
      ...[later("a"), () => void steps.push("b"), later("c"), refuse, later("d")].map((validate) => ({
        validate,
      })),
    );
    await assert.rejects(async () => phases.validate(attributes), /refused/);
    assert.deepEqual(steps, ["a", "b", "c"]);
  });
});
