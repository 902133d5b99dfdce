import assert from "node:assert/strict";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { resources } from "../client/resources.ts";
import type { KubeObject } from "../client/types.ts";
import { startCluster } from "./start-cluster.ts";

const web = (name: string, replicas: number) => ({
  apiVersion: "apps/v1",
  kind: "Deployment",
  metadata: { name },
  spec: {
    replicas,
    selector: { matchLabels: { app: name } },
    template: { metadata: { labels: { app: name } }, spec: { containers: [{ name: "c", image: "web" }] } },
  },
});
const manual = { clock: "manual", seed: 1 } as const;
const fixtures = `
apiVersion: apiextensions.k8s.io/v1
kind: CustomResourceDefinition
metadata: { name: things.example.com }
spec:
  group: example.com
  scope: Namespaced
  names: { kind: Thing, plural: things }
  versions:
    - name: v1
      served: true
      storage: true
      schema: { openAPIV3Schema: { type: object, x-kubernetes-preserve-unknown-fields: true } }
---
apiVersion: example.com/v1
kind: Thing
metadata: { name: one }
size: 3
---
apiVersion: v1
kind: PersistentVolumeClaim
metadata: { name: data }
spec: { accessModes: [ReadWriteOnce], resources: { requests: { storage: 1Gi } }, storageClassName: manual }
---
apiVersion: v1
kind: PersistentVolume
metadata: { name: disk }
spec:
  accessModes: [ReadWriteOnce]
  capacity: { storage: 1Gi }
  storageClassName: manual
  hostPath: { path: /disk }
---
apiVersion: rbac.authorization.k8s.io/v1
kind: Role
metadata: { name: reader }
rules: [{ apiGroups: [""], resources: [configmaps], verbs: [list] }]
---
apiVersion: rbac.authorization.k8s.io/v1
kind: RoleBinding
metadata: { name: reader }
roleRef: { apiGroup: rbac.authorization.k8s.io, kind: Role, name: reader }
subjects: [{ apiGroup: rbac.authorization.k8s.io, kind: User, name: jane }]
`;

describe("what a cluster keeps", function () {
  this.timeout(60_000);

  it("goes back to a snapshot as it runs: pods, volumes, rights, kinds of one's own, webhooks, nodes", async () => {
    await using cluster = await startCluster({ ...manual, nodes: 2 });
    const { client } = cluster;
    await cluster.apply(fixtures);
    await cluster.apply(web("web", 3));
    const rules = [{ resources: ["configmaps"] }];
    const hook = await cluster.webhook({
      rules,
      validate: ({ object }) => object?.metadata.name !== "never",
    });
    await cluster.untilReady([web("web", 3)]);
    await cluster.untilReady(fixtures);
    await cluster.clock.advance("5s");
    const things = await client.kindOf({ apiVersion: "example.com/v1", kind: "Thing" });
    const uids = async () => {
      const all: readonly (readonly KubeObject[])[] = await Promise.all(
        (
          [
            resources.pods,
            resources.nodes,
            resources.deployments,
            resources.persistentvolumeclaims,
            things,
          ] as const
        ).map(async (resource) => (await client.list(resource as typeof things)).items),
      );
      return all
        .flat()
        .map(({ kind, metadata }) => `${kind} ${metadata.name} ${metadata.uid}`)
        .sort();
    };
    const before = await uids();
    const snapshot = await cluster.snapshot();
    for (let round = 0; round < 2; round++) {
      await client.delete(resources.deployments, { namespace: "default", name: "web" });
      await client.delete(things, { namespace: "default", name: "one" });
      await client.delete(resources.persistentvolumeclaims, { namespace: "default", name: "data" });
      await cluster.apply(web("other", 4));
      await cluster.untilReady(web("other", 4));
      await hook.remove();
      await client.delete(
        await client.kindOf({ apiVersion: "rbac.authorization.k8s.io/v1", kind: "RoleBinding" }),
        {
          namespace: "default",
          name: "reader",
        },
      );
      await client.delete(
        await client.kindOf({ apiVersion: "apiextensions.k8s.io/v1", kind: "CustomResourceDefinition" }),
        { name: "things.example.com" },
      );
      await cluster.removeNode("node-1");
      await cluster.addNode({ name: "node-3" });
      const startMs = performance.now();
      await cluster.restore(snapshot);
      if (round === 1) assert.ok(performance.now() - startMs < 3_000); // some 20 ms where nothing else runs
      await cluster.clock.advance("1m");
      assert.deepEqual(await uids(), before);
      assert.deepEqual(cluster.nodes, ["node-1", "node-2"]);
      await cluster.untilReady(web("web", 3));
      await cluster.untilReady(fixtures);
      const jane = cluster.clientFor("jane");
      await jane.list(resources.configmaps, { namespace: "default" });
      await assert.rejects(jane.list(resources.secrets, { namespace: "default" }), { code: 403 });
      const never = { apiVersion: "v1", kind: "ConfigMap", metadata: { name: "never" } };
      await assert.rejects(cluster.apply(never), /denied the request/);
      assert.equal((await client.get(things, { namespace: "default", name: "one" })).size, 3);
      // What is made from now on has no trouble with what was.
      await cluster.apply(web("later", 2));
      await cluster.untilReady(web("later", 2));
      await client.delete(resources.deployments, { namespace: "default", name: "later" });
      await cluster.untilGone(web("later", 2));
      await cluster.restore(snapshot);
    }
    await assert.rejects(cluster.restore({ size: 0 }), /^TypeError: snapshot: is none that a cluster made/);
  });

  it("is there again when the store comes back that crashed", async () => {
    await using cluster = await startCluster(manual);
    await cluster.apply(web("web", 1));
    await cluster.untilReady(web("web", 1));
    await cluster.crash("store");
    const refused = assert.rejects(cluster.apply(web("web", 2)));
    await cluster.clock.advance("1m");
    await refused;
    await cluster.restart("store");
    await cluster.clock.advance("1m");
    await cluster.apply(web("web", 2));
    await cluster.untilReady(web("web", 2), { timeout: "2m" });
  });

  it("is in no folder that is of no use, which then is held by nobody", async () => {
    const folder = await mkdtemp(join(tmpdir(), "pintle-cluster-test-"));
    try {
      for (const wrong of ["{", "{}", "null", JSON.stringify({ authority: {} })]) {
        await writeFile(join(folder, "credentials.json"), wrong);
        const refused = startCluster({ folder, nodes: 0 });
        await assert.rejects(
          refused,
          /^Error: folder: ".*" cannot hold .*credentials.json holds no credentials/,
        );
      }
      const file = join(folder, "credentials.json", "below");
      await assert.rejects(startCluster({ folder: file, nodes: 0 }), /^Error: folder: ".*below" cannot hold/);
      await assert.rejects(startCluster({ folder: "/proc/none/here", nodes: 0 }), /^Error: folder: "\/proc/);
      await rm(join(folder, "credentials.json"));
      const both = await Promise.allSettled([
        startCluster({ folder, nodes: 0 }),
        startCluster({ folder, nodes: 0 }),
      ]);
      assert.deepEqual(both.map(({ status }) => status).sort(), ["fulfilled", "rejected"]);
      for (const one of both) if (one.status === "fulfilled") await one.value.stop();
      await using _again = await startCluster({ folder, nodes: 0 });
    } finally {
      await rm(folder, { recursive: true, force: true });
    }
  });

  it("outlives it in a folder", async () => {
    const folder = await mkdtemp(join(tmpdir(), "pintle-cluster-test-"));
    try {
      let uid: string | undefined;
      {
        await using cluster = await startCluster({ folder });
        const [made] = await cluster.apply(web("web", 2));
        uid = made?.metadata.uid;
        await cluster.untilReady(web("web", 2));
        await cluster.crash("store");
        await cluster.restart("store");
        await cluster.untilReady(web("web", 2));
      }
      await using cluster = await startCluster({ folder, clock: "manual" });
      const ready = await cluster.untilReady(web("web", 2));
      assert.equal(ready.metadata.uid, uid);
      await cluster.apply(web("web", 3));
      await cluster.untilReady(web("web", 3), { timeout: "2m" });
      await assert.rejects(startCluster({ folder }), /in use/);
    } finally {
      await rm(folder, { recursive: true, force: true });
    }
  });
});
