import assert from "node:assert/strict";
import { resources } from "../client/resources.ts";
import { startCluster } from "./start-cluster.ts";

const web = (replicas: number) => ({
  apiVersion: "apps/v1",
  kind: "Deployment",
  metadata: { name: "web" },
  spec: {
    replicas,
    selector: { matchLabels: { app: "web" } },
    template: { metadata: { labels: { app: "web" } }, spec: { containers: [{ name: "c", image: "web" }] } },
  },
});
const manual = { clock: "manual", seed: 1 } as const;

describe("control of a cluster", function () {
  this.timeout(60_000);

  it("has one of several replicas lead, and another take over when it crashes or loses its lease", async () => {
    await using cluster = await startCluster({
      ...manual,
      replicas: { scheduler: 2, "controller-manager": 2 },
    });
    const leader = async () =>
      (await cluster.client.get(resources.leases, { namespace: "kube-system", name: "kube-scheduler" })).spec
        ?.holderIdentity;
    const first = (await leader()) ?? "";
    assert.match(first, /^scheduler-[12]$/);
    await cluster.crash(first);
    await cluster.apply(web(1));
    await cluster.untilReady(web(1)); // after the lease has run out
    const second = (await leader()) ?? "";
    assert.notEqual(second, first);
    await cluster.restart(first);
    assert.equal(await cluster.loseLease("scheduler"), second);
    await cluster.clock.advance("3s");
    await cluster.apply(web(2));
    await cluster.untilReady(web(2), { timeout: "5s" });
    assert.match(await cluster.loseLease("controller-manager"), /^controller-manager-[12]$/);
    await cluster.crash("controller-manager");
    await cluster.restart("controller-manager");
    await cluster.apply(web(3));
    await cluster.untilReady(web(3));
    const asked = cluster.requests.list({ resource: "pods", subresource: "binding" });
    assert.deepEqual([...new Set(asked.map(({ from }) => from))].sort(), ["scheduler-1", "scheduler-2"]);
    const fault = cluster.faults.add({ from: "scheduler", error: "ServiceUnavailable" });
    await cluster.clock.advance("5s");
    assert.ok(fault.struck > 0);
    await assert.rejects(cluster.loseLease("nothing"), { code: 404 });
  });

  it("says that one that is alone holds no lease", async () => {
    await using cluster = await startCluster(manual);
    await assert.rejects(
      cluster.loseLease("scheduler"),
      /^TypeError: scheduler is alone and holds no lease: start the cluster with replicas: \{ "scheduler": 2 \}$/,
    );
  });

  it("applies and waits for what YAML says, and until it is gone", async () => {
    await using cluster = await startCluster(manual);
    const yaml = `
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
metadata: { name: one, finalizers: [example.com/hold] }
---
apiVersion: v1
kind: List
items:
  - { apiVersion: v1, kind: ConfigMap, metadata: { name: settings }, data: { a: b } }
`;
    const [, thing, settings] = await cluster.apply(yaml);
    assert.equal(settings?.metadata.name, "settings");
    assert.equal((await cluster.untilReady(yaml)).length, 3);
    const things = await cluster.client.kindOf({ apiVersion: "example.com/v1", kind: "Thing" });
    await cluster.client.delete(things, { namespace: "default", name: "one" });
    assert.ok(thing);
    await assert.rejects(
      cluster.untilGone(thing, { timeout: "1s" }),
      /^TimeoutError: Thing one is gone: not within 1 s; held by the finalizers example.com\/hold$/,
    );
    await cluster.client.patch(
      things,
      { namespace: "default", name: "one" },
      { metadata: { finalizers: null } },
      {
        type: "merge",
      },
    );
    await cluster.untilGone(thing);
    await cluster.apply({ ...thing, metadata: { name: "one" } });
    await cluster.untilGone(thing); // what is there now is another
    await assert.rejects(
      cluster.apply("kind: Pod"),
      /^TypeError: document 1: apiVersion: nothing must be a text/,
    );
    await assert.rejects(cluster.apply("a: b: c"), /^TypeError: document 1: /);
  });

  it("tells events as they come, and keeps what was sent where it is asked to", async () => {
    const cluster = await startCluster(manual);
    const seen: string[] = [];
    const reading = (async () => {
      for await (const { reason } of cluster.events) seen.push(reason ?? "");
    })();
    cluster.requests.keepsBodies = true;
    const pod = {
      apiVersion: "v1",
      kind: "Pod",
      metadata: { name: "big" },
      spec: { containers: [{ name: "c", image: "big", resources: { requests: { cpu: "100" } } }] },
    };
    await cluster.apply(pod);
    await assert.rejects(
      cluster.untilReady(pod),
      /Pod big is ready: not within 30 s; its status: .*\n {2}Warning FailedScheduling: 0\/1 nodes are available/,
    );
    const [event] = cluster.events.list({
      about: pod,
      reason: "FailedScheduling",
      message: /Insufficient cpu/,
    });
    assert.equal(event?.involvedObject.name, "big");
    assert.equal(cluster.events.list({ about: { kind: "Node" }, reason: "FailedScheduling" }).length, 0);
    const [sent] = cluster.requests.list({ from: "test", verb: "patch", resource: "pods" });
    assert.ok(sent);
    assert.equal((sent.body as typeof pod).spec.containers[0]?.image, "big");
    await cluster.stop();
    await reading;
    assert.ok(seen.includes("FailedScheduling"));
  });
});
