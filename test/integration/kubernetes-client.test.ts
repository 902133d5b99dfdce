import assert from "node:assert/strict";
import { deferred } from "../../base/deferred.ts";
import { apiVersionOf } from "../../client/resources.ts";
import { startTestApiserver, type TestApiserver } from "../../controlplane/apiserver/testing.ts";
import {
  type ConfigMap,
  connectCluster,
  defineController,
  defineKind,
  Informers,
  isConflict,
  isNotFound,
  type KubeClient,
  kinds,
  type Manifest,
  type ObjectEvent,
  startControllers,
  TimeoutError,
  UnknownKindError,
  watching,
} from "../../lib/client.ts";

interface BackupSpec {
  source: string;
  copies?: number;
}
interface BackupStatus {
  phase?: string;
  copies?: number;
}
const Backup = defineKind<BackupSpec, BackupStatus>({
  group: "example.com",
  version: "v1",
  kind: "Backup",
  plural: "backups",
  namespaced: true,
});

const configMap = (name: string, data: Record<string, string>): Manifest<ConfigMap> => ({
  apiVersion: "v1",
  kind: "ConfigMap",
  metadata: { name },
  data,
});

describe("integration: pintle/client with an API server", function () {
  this.timeout(60_000);
  let server: TestApiserver;
  let api: KubeClient;

  before(async () => {
    server = await startTestApiserver();
    api = connectCluster({ kubeconfig: server.kubeconfig, userAgent: "client-test" });
    await api.create(kinds.CustomResourceDefinition, {
      metadata: { name: "backups.example.com" },
      spec: {
        group: "example.com",
        scope: "Namespaced",
        names: { kind: "Backup", plural: "backups" },
        versions: [
          {
            name: "v1",
            served: true,
            storage: true,
            subresources: { status: {} },
            schema: {
              openAPIV3Schema: {
                type: "object",
                properties: {
                  spec: {
                    type: "object",
                    required: ["source"],
                    properties: { source: { type: "string" }, copies: { type: "integer" } },
                  },
                  status: {
                    type: "object",
                    properties: { phase: { type: "string" }, copies: { type: "integer" } },
                  },
                },
              },
            },
          },
        ],
      },
    });
    await api.until(
      kinds.CustomResourceDefinition,
      { name: "backups.example.com" },
      (found) =>
        found?.status?.conditions?.some(({ type, status }) => type === "Established" && status === "True") ??
        false,
    );
  });

  after(async () => {
    api?.close();
    await server?.stop();
  });

  it("has every built-in kind that the server serves, in its newest stable version, where the server has it", async () => {
    const groups = JSON.parse(await api.rest.raw("GET", "/apis")) as {
      groups: { name: string; preferredVersion: { groupVersion: string } }[];
    };
    const served: string[] = [];
    const paths = groups.groups.map(({ preferredVersion }) => `/apis/${preferredVersion.groupVersion}`);
    for (const path of ["/api/v1", ...paths.filter((path) => !path.includes("example.com"))]) {
      const list = JSON.parse(await api.rest.raw("GET", path)) as {
        groupVersion: string;
        resources: { name: string; kind: string; namespaced: boolean; verbs: string[] }[];
      };
      for (const { name, kind, namespaced } of list.resources)
        if (!name.includes("/")) served.push(`${list.groupVersion} ${kind} ${name} ${namespaced}`);
    }
    const ours = Object.values(kinds).map(
      (kind) => `${apiVersionOf(kind)} ${kind.kind} ${kind.plural} ${kind.namespaced}`,
    );
    // Never stored, not typed by the table, or the same objects under a second name.
    const others = [
      "v1 Binding bindings true",
      "v1 ComponentStatus componentstatuses false",
      "events.k8s.io/v1 Event events true",
    ];
    assert.deepEqual([...ours, ...others].sort(), served.sort());
  });

  it("applies plain manifests, of built-in kinds and of others", async () => {
    const made = await api.apply(configMap("plain", { a: "1", b: "2" }));
    assert.equal(made.metadata.namespace, "default");
    assert.ok(made.metadata.uid);
    const changed = await api.apply(configMap("plain", { a: "3" }));
    assert.deepEqual(changed.data, { a: "3" });
    const backup = await api.apply({
      apiVersion: "example.com/v1",
      kind: "Backup",
      metadata: { name: "nightly" },
      spec: { source: "/data" },
    });
    assert.equal((await api.get(Backup, { name: "nightly" })).spec.source, "/data");
    assert.equal((await api.get(backup)).metadata.uid, backup.metadata.uid);
    await api.delete(backup);
    assert.equal(await api.find(backup), undefined);
  });

  it("says who owns what it may not apply, and takes it over by force", async () => {
    await api.apply(configMap("owned", { a: "1" }), { fieldManager: "first" });
    await assert.rejects(
      api.apply(configMap("owned", { a: "2" }), { fieldManager: "second" }),
      (error: Error) => {
        assert.ok(isConflict(error));
        assert.match(error.message, /first/);
        return true;
      },
    );
    const taken = await api.apply(configMap("owned", { a: "2" }), { fieldManager: "second", force: true });
    assert.deepEqual(taken.data, { a: "2" });
  });

  it("refuses kinds that are not served and objects that name none", async () => {
    const nothing = { apiVersion: "example.com/v1", kind: "Nothing", metadata: { name: "x" } };
    await assert.rejects(api.apply(nothing), UnknownKindError);
    await assert.rejects(api.get({ ...nothing, apiVersion: "nobody.example/v1" }), UnknownKindError);
    await assert.rejects(api.create({ ...nothing, apiVersion: "a/b/c" }), /no apiVersion such as/);
    await assert.rejects(api.get(kinds.Pod, { name: "none" }), isNotFound);
  });

  it("edits over other writers", async () => {
    await api.create(kinds.ConfigMap, { metadata: { name: "edited" }, data: { n: "0" } });
    const edit = () =>
      api.edit(kinds.ConfigMap, { name: "edited" }, (object) => {
        object.data = { n: String(Number(object.data?.n) + 1) };
      });
    await Promise.all([edit(), edit(), edit()]);
    assert.deepEqual((await api.get(kinds.ConfigMap, { name: "edited" })).data, { n: "3" });
  });

  it("lists in pages", async () => {
    const namespace = "paged";
    await api.create(kinds.Namespace, { metadata: { name: namespace } });
    for (let n = 0; n < 7; n++) await api.create(kinds.ConfigMap, { metadata: { name: `c${n}`, namespace } });
    const names: string[] = [];
    for await (const { metadata } of api.each(kinds.ConfigMap, { namespace, limit: 3 }))
      names.push(metadata.name);
    assert.deepEqual(names, ["c0", "c1", "c2", "c3", "c4", "c5", "c6"]);
  });

  it("watches what exists and what changes", async () => {
    const namespace = "watched";
    await api.create(kinds.Namespace, { metadata: { name: namespace } });
    const first = await api.create(kinds.ConfigMap, { metadata: { name: "one", namespace } });
    const events: ObjectEvent<ConfigMap>[] = [];
    let synced = 0;
    const onSynced = () => {
      synced = events.length;
    };
    for await (const event of api.watch(kinds.ConfigMap, { namespace, onSynced })) {
      events.push(event);
      if (events.length === 1)
        await api.edit(kinds.ConfigMap, first.metadata, (one) => {
          one.data = { a: "1" };
        });
      if (events.length === 2) await api.delete(kinds.ConfigMap, first.metadata);
      if (events.length === 3) break;
    }
    assert.deepEqual(
      events.map(({ type, object }) => [type, object.metadata.name, object.data?.a]),
      [
        ["ADDED", "one", undefined],
        ["MODIFIED", "one", "1"],
        ["DELETED", "one", "1"],
      ],
    );
    assert.equal(synced, 1);
  });

  it("waits for a state, and no longer than it should", async () => {
    const at = { name: "awaited", namespace: "default" };
    const waiting = api.until(kinds.ConfigMap, at, (object) => object?.data?.a === "1");
    await api.create(kinds.ConfigMap, { metadata: at });
    await api.patch(kinds.ConfigMap, at, { data: { a: "1" } }, { type: "merge" });
    assert.equal((await waiting)?.data?.a, "1");
    await assert.rejects(
      api.until(kinds.ConfigMap, at, (object) => object === undefined, { timeoutMs: 50 }),
      TimeoutError,
    );
    const nobody = defineKind({
      group: "example.com",
      version: "v1",
      kind: "No",
      plural: "nos",
      namespaced: true,
    });
    await assert.rejects(
      api.until(nobody, at, () => true),
      isNotFound,
    );
    await assert.rejects(async () => {
      for await (const _ of api.watch(nobody)) assert.fail("an event");
    }, isNotFound);
  });

  it("keeps caches that others can wait on", async () => {
    await using informers = new Informers(api);
    const maps = informers.of(kinds.ConfigMap, { namespace: "default" });
    await informers.synced();
    const waiting = maps.until(
      () => maps.get({ name: "cached", namespace: "default" }) !== undefined,
      AbortSignal.timeout(10_000),
    );
    await api.apply(configMap("cached", {}));
    await waiting;
    assert.equal(informers.of(kinds.ConfigMap, { namespace: "default" }), maps);
  });

  it("reads and writes subresources", async () => {
    await api.create(kinds.Deployment, {
      metadata: { name: "web", namespace: "default" },
      spec: {
        replicas: 1,
        selector: { matchLabels: { app: "web" } },
        template: {
          metadata: { labels: { app: "web" } },
          spec: { containers: [{ name: "web", image: "web" }] },
        },
      },
    });
    const scale = api.subresource<{ spec: { replicas: number } }>(kinds.Deployment, { name: "web" }, "scale");
    await scale.patch({ spec: { replicas: 3 } }, { type: "merge" });
    assert.equal((await scale.get()).spec.replicas, 3);
  });

  it("runs controllers: children, status, events, finalizer and the end of an object", async () => {
    const finalized: string[] = [];
    const gone = deferred<string>();
    const controller = defineController({
      kind: Backup,
      owns: [kinds.ConfigMap],
      watches: [
        watching(kinds.Secret, ({ metadata }) => [{ name: metadata.name, namespace: metadata.namespace }]),
      ],
      finalizer: "example.com/files",
      async reconcile(backup, context) {
        const { copies = 1, source } = backup.spec;
        for (let n = 0; n < copies; n++)
          await context.applyOwned(configMap(`${backup.metadata.name}-${n}`, { source }));
        const held = context.cached(kinds.Secret).get(context.ref) !== undefined;
        await context.setStatus({
          phase: held ? "Secret" : "Open",
          copies: context.owned(kinds.ConfigMap).length,
        });
        context.event("Normal", "Copied", `${copies} copies`);
      },
      async finalize(backup) {
        finalized.push(backup.metadata.name);
      },
      async gone({ name }) {
        gone.resolve(name);
      },
    });
    const operator = startControllers(api, [controller], {
      leaderElection: { name: "backups", namespace: "default" },
    });
    try {
      const at = { name: "weekly", namespace: "default" };
      await api.create(Backup, { metadata: at, spec: { source: "/data", copies: 2 } });
      const ready = await api.until(Backup, at, (backup) => backup?.status?.copies === 2);
      assert.deepEqual(ready?.metadata.finalizers, ["example.com/files"]);
      assert.equal(ready?.status?.phase, "Open");
      assert.ok(operator.isLeader);
      const child = await api.get(kinds.ConfigMap, { name: "weekly-0" });
      assert.equal(child.metadata.ownerReferences?.[0]?.uid, ready?.metadata.uid);

      await api.delete(child);
      const anew = await api.until(
        kinds.ConfigMap,
        child.metadata,
        (map) => map !== undefined && map.metadata.uid !== child.metadata.uid,
      );
      assert.equal(anew?.data?.source, "/data");

      await api.create(kinds.Secret, { metadata: at });
      await api.until(Backup, at, (backup) => backup?.status?.phase === "Secret");

      await api.delete(Backup, at);
      await api.until(Backup, at, (backup) => backup === undefined);
      assert.deepEqual(finalized, ["weekly"]);
      assert.equal(await gone.promise, "weekly");
    } finally {
      await operator.stop();
    }
    const lease = await api.get(kinds.Lease, { name: "backups" });
    assert.equal(lease.spec?.holderIdentity ?? "", "");
    const events = await api.list(kinds.Event, {
      namespace: "default",
      fieldSelector: "involvedObject.name=weekly",
    });
    assert.ok(
      events.items.some(({ reason, source }) => reason === "Copied" && source?.component === "backup"),
    );
    await operator.untilStopped();
  });
});
