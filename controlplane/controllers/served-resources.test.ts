import assert from "node:assert/strict";
import { silentLog } from "../../base/os/log.ts";
import { systemRandom } from "../../base/os/random.ts";
import { TaskScope } from "../../base/os/task-scope.ts";
import { ConnectionError } from "../../client/api-error.ts";
import { InformerFactory } from "../../client/informer.ts";
import { FakeApi } from "../../client/testing/fake-api.ts";
import { ManualClock, settle } from "../../client/testing/manual-clock.ts";
import type { KubeObject, Resource } from "../../client/types.ts";
import { ServedResources, servedLimits } from "./served-resources.ts";

const definitions: Resource<KubeObject> = {
  group: "apiextensions.k8s.io",
  version: "v1",
  kind: "CustomResourceDefinition",
  plural: "customresourcedefinitions",
  namespaced: false,
};
const apiServices: Resource<KubeObject> = {
  group: "apiregistration.k8s.io",
  version: "v1",
  kind: "APIService",
  plural: "apiservices",
  namespaced: false,
};

describe("controlplane/controllers/served-resources", () => {
  let api: FakeApi;
  let tasks: TaskScope;
  let clock: ManualClock;
  /** Plurals that discovery shows. */
  let shown: string[];
  /** How often discovery was asked. */
  let asked: number;
  let isAway: boolean;
  let served: ServedResources;
  beforeEach(() => {
    api = new FakeApi();
    clock = new ManualClock();
    tasks = new TaskScope(silentLog);
    shown = ["pods"];
    asked = 0;
    isAway = false;
    const raw = async (_: string, path: string) => {
      if (path === "/apis") asked++;
      if (isAway) throw new ConnectionError("away", { neverSent: true });
      const resources = shown.map((name) => ({ name, kind: name, namespaced: true, verbs: ["list"] }));
      return JSON.stringify(path === "/apis" ? { groups: [] } : { resources });
    };
    const parts = { clock, log: silentLog, tasks };
    const metadataInformers = new InformerFactory(tasks, { ...parts, client: api, random: systemRandom });
    served = new ServedResources({ ...parts, client: { raw }, metadataInformers });
  });
  afterEach(() => tasks.stop());

  const plurals = async () => (await served.current(tasks.signal)).map(({ plural }) => plural);
  /** Whatever needs no time happens. */
  const idle = async () => {
    for (let n = 0; n < 20; n++) await settle();
  };
  const untilQuiet = async () => {
    for (const pauseMs of servedLimits.settlingMs) await clock.advance(pauseMs);
    await idle();
  };

  it("asks nothing before somebody wants to know", async () => {
    served.onChange(() => undefined);
    await clock.advance(servedLimits.fallbackMs);
    assert.equal(asked, 0);
    assert.deepEqual(await plurals(), ["pods"]);
  });

  for (const kind of [definitions, apiServices]) {
    it(`asks at once when a ${kind.kind} comes, changes or goes, without time passing`, async () => {
      await plurals();
      await untilQuiet();
      let changes = 0;
      served.onChange(() => changes++);
      const name = "things.example.com";
      for (const [write, next] of [
        [() => api.create(kind, { metadata: { name } }), ["pods", "things"]],
        [
          () => api.patch(kind, { name }, { metadata: { labels: { a: "b" } } }, { type: "merge" }),
          ["pods", "others"],
        ],
        [() => api.delete(kind, { name }), ["pods"]],
      ] as const) {
        shown = [...next];
        await write();
        await idle();
        assert.deepEqual(await plurals(), next);
      }
      assert.equal(changes, 3);
    });
  }

  it("asks again soon after a change, since the server that answers may be a moment behind", async () => {
    await plurals();
    await untilQuiet();
    await api.create(definitions, { metadata: { name: "things.example.com" } });
    await idle();
    shown = ["pods", "things"];
    await clock.advance(servedLimits.settlingMs[0]);
    await idle();
    assert.deepEqual(await plurals(), ["pods", "things"]);
  });

  it("asks now and then without any event, and soon again where the server does not answer", async () => {
    await plurals();
    await untilQuiet();
    shown = ["nodes"];
    await clock.advance(servedLimits.fallbackMs);
    await idle();
    assert.deepEqual(await plurals(), ["nodes"]);
    isAway = true;
    await clock.advance(servedLimits.fallbackMs);
    isAway = false;
    shown = ["pods"];
    await clock.advance(servedLimits.retryMs);
    await idle();
    assert.deepEqual(await plurals(), ["pods"]);
  });

  it("tells who follows what is served, and each change of it", async () => {
    const told: string[] = [];
    tasks.run("follower", async (signal) => {
      for await (const found of served.follow(signal)) told.push(found.map(({ plural }) => plural).join());
    });
    await idle();
    await untilQuiet();
    assert.deepEqual(told, ["pods"]);
    shown = ["nodes"];
    await api.create(apiServices, { metadata: { name: "v1.example.com" } });
    await idle();
    assert.deepEqual(told, ["pods", "nodes"]);
  });
});
