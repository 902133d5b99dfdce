import assert from "node:assert/strict";
import type { InformerFactory } from "../../client/informer.ts";
import { ObjectCache, type Stored } from "../../client/object-cache.ts";
import type { Resource } from "../../client/types.ts";
import { ClaimWitness } from "../claim-witness.ts";
import { CronWitness } from "../cron-witness.ts";

/** Caches in place of informers, to put objects into. */
class Caches {
  readonly #byPlural = new Map<string, ObjectCache<Stored>>();
  #revision = 0;

  of(plural: string): ObjectCache<Stored> {
    const cache = this.#byPlural.get(plural) ?? new ObjectCache<Stored>();
    this.#byPlural.set(plural, cache);
    return cache;
  }

  put(plural: string, name: string, object: object, metadata: object = {}): void {
    const resourceVersion = String(++this.#revision);
    this.of(plural).put({
      ...object,
      metadata: { name, namespace: "default", uid: `uid-${name}`, resourceVersion, ...metadata },
    } as never);
  }

  readonly factory = {
    informer: ({ plural }: Resource<Stored>) => {
      const cache = this.of(plural);
      return { subscribe: cache.subscribe.bind(cache), list: () => [...cache.values()] };
    },
  } as unknown as InformerFactory;
}

describe("chaos: what witnesses notice", () => {
  it("a volume of two claims", () => {
    const caches = new Caches();
    const { problems } = new ClaimWitness(caches.factory);
    caches.put("persistentvolumeclaims", "a", { spec: { volumeName: "v" } });
    assert.deepEqual(problems, []);
    caches.put("persistentvolumeclaims", "b", { spec: { volumeName: "v" } });
    assert.deepEqual(problems, ["volume v is that of default/b and of default/a"]);
  });

  it("a volume that goes from claim to claim, and a claim that goes from volume to volume", () => {
    const caches = new Caches();
    const { problems } = new ClaimWitness(caches.factory);
    for (const uid of ["x", "y"]) caches.put("persistentvolumes", "v", { spec: { claimRef: { uid } } });
    for (const volumeName of ["v", "w"]) caches.put("persistentvolumeclaims", "a", { spec: { volumeName } });
    assert.deepEqual(problems, [
      "volume v was the claim's x, now y",
      "claim default/a had the volume v, now w",
    ]);
  });

  const run = (uid: string, time: string) => ({
    uid,
    ownerReferences: [{ kind: "CronJob", uid: "tick" }],
    annotations: { "batch.kubernetes.io/cronjob-scheduled-timestamp": time },
  });
  const ended = { status: { conditions: [{ type: "Complete", status: "True" }] } };
  const ofJob = { ownerReferences: [{ uid: "one", controller: true }] };

  it("a time of a cron job that runs twice, or by two pods", () => {
    const caches = new Caches();
    const { problems } = new CronWitness(caches.factory);
    caches.put("jobs", "tick-1", ended, run("one", "noon"));
    for (const pod of ["p", "q"]) caches.put("pods", pod, {}, ofJob);
    caches.put("jobs", "tick-1", ended, run("two", "noon"));
    assert.deepEqual(problems, ["q is a second pod of its job", "tick-1 was made twice for tick noon"]);
  });

  it("two times of a cron job at once", () => {
    const caches = new Caches();
    const { problems } = new CronWitness(caches.factory);
    caches.put("jobs", "tick-1", {}, run("one", "noon"));
    caches.put("jobs", "tick-2", {}, run("two", "later"));
    assert.deepEqual(problems, ["at once: tick-1 tick-2"]);
  });
});
