import assert from "node:assert/strict";
import fc from "fast-check";
import { silentLog } from "../base/os/log.ts";
import { Prng } from "../base/os/random.ts";
import { TaskScope } from "../base/os/task-scope.ts";
import { ConnectionError } from "./api-error.ts";
import { InformerFactory } from "./informer.ts";
import { keyOf } from "./object-cache.ts";
import { resources } from "./resources.ts";
import { FakeApi } from "./testing/fake-api.ts";
import { ManualClock } from "./testing/manual-clock.ts";
import type { ConfigMap } from "./types.ts";

const draft = (name: string, value = "0") => ({ metadata: { name, namespace: "n" }, data: { value } });

describe("client/informer", () => {
  const make = () => {
    const clock = new ManualClock();
    const api = new FakeApi();
    const tasks = new TaskScope(silentLog);
    const factory = new InformerFactory(tasks, { client: api, clock, random: new Prng(7), log: silentLog });
    return { clock, api, tasks, factory };
  };

  const step = fc.oneof(
    {
      weight: 6,
      arbitrary: fc.record({ do: fc.constant("put" as const), name: fc.constantFrom("a", "b", "c") }),
    },
    {
      weight: 3,
      arbitrary: fc.record({ do: fc.constant("delete" as const), name: fc.constantFrom("a", "b", "c") }),
    },
    {
      weight: 2,
      arbitrary: fc.record({ do: fc.constantFrom("cut", "compact", "bookmark", "fail", "wait", "settle") }),
    },
  );

  it("keeps no record of who wrote which field", async () => {
    const { clock, api, tasks, factory } = make();
    const managedFields = [{ manager: "kubectl", operation: "Update" }];
    const withRecord = (name: string) => ({
      ...draft(name),
      metadata: { name, namespace: "n", managedFields },
    });
    await api.create(resources.configmaps, withRecord("listed"));
    const informer = factory.informer(resources.configmaps);
    await informer.synced(tasks.signal);
    await api.create(resources.configmaps, withRecord("watched"));
    await clock.advance(0);
    assert.deepEqual(
      informer.list().map(({ metadata }) => [metadata.name, JSON.stringify(metadata).includes("kubectl")]),
      [
        ["listed", false],
        ["watched", false],
      ],
    );
    await tasks.stop();
  });

  it("ends equal to the source, and its handlers saw a true history, whatever breaks", async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(step, { maxLength: 40 }), fc.boolean(), async (steps, refuse) => {
        const { clock, api, tasks, factory } = make();
        api.refuseInitialEvents = refuse;
        let failing = 0;
        api.intercept = async ({ verb }) => {
          if ((verb === "list" || verb === "watch") && failing > 0) {
            failing--;
            throw new ConnectionError("gone", { neverSent: true });
          }
          return undefined;
        };
        const informer = factory.informer(resources.configmaps);
        const mirror = new Map<string, ConfigMap>();
        informer.subscribe({
          onAdd: (object) => {
            assert.equal(mirror.has(keyOf(object)), false, "added what was there");
            mirror.set(keyOf(object), object);
          },
          onUpdate: (next, previous) => {
            assert.equal(mirror.get(keyOf(next)), previous, "updated from what was not there");
            assert.equal(next.metadata.uid, previous.metadata.uid);
            mirror.set(keyOf(next), next);
          },
          onDelete: (last) => {
            assert.equal(mirror.delete(keyOf(last)), true, "deleted what was not there");
          },
        });
        for (const [count, one] of steps.entries()) {
          if (one.do === "put") await put(api, one.name, String(count));
          else if (one.do === "delete") {
            if (api.all(resources.configmaps).some(({ metadata }) => metadata.name === one.name))
              await api.delete(resources.configmaps, { name: one.name, namespace: "n" });
          } else if (one.do === "cut") api.cutWatches();
          else if (one.do === "compact") api.compact();
          else if (one.do === "bookmark") api.bookmark();
          else if (one.do === "fail") failing = 2;
          else await clock.advance(one.do === "wait" ? 7_000 : 0);
        }
        await clock.advance(60_000);
        const byKey = (a: ConfigMap, b: ConfigMap) => (keyOf(a) < keyOf(b) ? -1 : 1);
        const wanted = api.all(resources.configmaps).sort(byKey);
        assert.equal(informer.hasSynced, true);
        assert.deepEqual([...informer.list()].sort(byKey), wanted);
        assert.deepEqual([...mirror.values()].sort(byKey), wanted);
        assert.deepEqual([...informer.byNamespace("n")].sort(byKey), wanted);
        await tasks.stop();
        assert.equal(clock.pending, 0);
      }),
      { numRuns: 150 },
    );
  });

  it("resumes after a cut without listing anew", async () => {
    const { clock, api, tasks, factory } = make();
    const informer = factory.informer(resources.configmaps);
    await put(api, "a", "1");
    await clock.advance(1);
    api.cutWatches();
    await put(api, "a", "2");
    const verbs: string[] = [];
    api.intercept = async ({ verb }) => {
      verbs.push(verb);
      return undefined;
    };
    await clock.advance(1000);
    assert.equal(informer.get({ name: "a", namespace: "n" })?.data?.value, "2");
    assert.deepEqual(verbs, ["watch"]);
    await tasks.stop();
  });

  it("reports an object made anew under its name as deleted and added", async () => {
    const { clock, api, tasks, factory } = make();
    const informer = factory.informer(resources.configmaps);
    await put(api, "a", "1");
    await clock.advance(1);
    const seen: string[] = [];
    informer.subscribe({
      onAdd: ({ metadata }) => seen.push(`add ${metadata.resourceVersion}`),
      onUpdate: () => seen.push("update"),
      onDelete: ({ metadata }) => seen.push(`delete ${metadata.resourceVersion}`),
    });
    api.cutWatches();
    await api.delete(resources.configmaps, { name: "a", namespace: "n" });
    await put(api, "a", "2");
    api.compact();
    await clock.advance(1000);
    assert.deepEqual(seen, ["add 1", "delete 1", "add 3"]);
    await tasks.stop();
  });

  it("shares one watch between all who ask, finds by owner, and freezes what it hands out", async () => {
    const { clock, api, tasks, factory } = make();
    const informer = factory.informer(resources.configmaps);
    assert.equal(factory.informer(resources.configmaps), informer);
    assert.notEqual(factory.informer(resources.configmaps, { namespace: "other" }), informer);
    const ownerReferences = [{ apiVersion: "v1", kind: "Pod", name: "p", uid: "u1" }];
    await api.create(resources.configmaps, {
      metadata: { ...draft("owned").metadata, ownerReferences },
      data: {},
    });
    await put(api, "free", "1");
    await clock.advance(1);
    await factory.synced(tasks.signal);
    const [owned] = informer.byOwner("u1");
    assert.equal(owned?.metadata.name, "owned");
    assert.throws(() => Object.assign(owned?.metadata ?? {}, { name: "other" }), TypeError);
    await tasks.stop();
  });
});

async function put(api: FakeApi, name: string, value: string): Promise<void> {
  if (api.all(resources.configmaps).some(({ metadata }) => metadata.name === name))
    await api.update(resources.configmaps, draft(name, value));
  else await api.create(resources.configmaps, draft(name, value));
}
