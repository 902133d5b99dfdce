import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { kinds } from "pintle/client";
import { PreviewEnvironment } from "../src/preview.ts";
import { preview, startOperator, startWorld, untilGone, untilReady } from "./world.ts";

describe("a preview", () => {
  it("is a namespace with a quota, a policy, and its users' rights", async () => {
    await using cluster = await startWorld();
    await using _operator = startOperator(cluster);
    await cluster.client.apply(preview("pr-1", { ttl: "2h", users: ["alice"] }));
    const { status } = await untilReady(cluster, "pr-1");
    const namespace = status?.namespace;
    const quota = await cluster.client.get(kinds.ResourceQuota, { name: "preview", namespace });
    assert.equal(quota.spec?.hard?.pods, "20");
    await cluster.client.get(kinds.NetworkPolicy, { name: "preview", namespace });
    const beside = await cluster.client.get(kinds.ConfigMap, { name: "pr-1-preview", namespace: "default" });
    assert.equal(beside.data?.NAMESPACE, namespace);
    const bobs = cluster.clientFor("bob");
    const alices = cluster.clientFor("alice");
    await assert.rejects(bobs.list(kinds.Pod, { namespace }), { code: 403 });
    const web = deployment("web", namespace);
    await alices.apply(web);
    await cluster.untilReady(web);
  });

  it("is put right again", async () => {
    await using cluster = await startWorld();
    await using _operator = startOperator(cluster);
    await cluster.client.apply(preview("pr-1"));
    const { status } = await untilReady(cluster, "pr-1");
    await cluster.clock.advance("5s"); // what its own status set off is done
    const policy = { name: "preview", namespace: status?.namespace };
    await cluster.client.delete(kinds.NetworkPolicy, policy);
    await cluster.until(kinds.NetworkPolicy, (all) => all.length === 1);
  });

  it("has copies of secrets, once they are there", async () => {
    await using cluster = await startWorld();
    await using _operator = startOperator(cluster);
    await cluster.client.apply(preview("pr-1", { secrets: ["registry"] }));
    const before = await untilReady(cluster, "pr-1", "False");
    assert.equal(before.status?.conditions?.[0]?.message, "no secret registry to copy");
    const data = { token: Buffer.from("s3cret").toString("base64") };
    await cluster.client.create(kinds.Secret, { metadata: { name: "registry", namespace: "default" }, data });
    const { status } = await untilReady(cluster, "pr-1");
    const copy = await cluster.client.get(kinds.Secret, { name: "registry", namespace: status?.namespace });
    assert.deepEqual(copy.data, data);
    const reasons = await cluster.until(kinds.Event, (all) => {
      const about = all.filter(({ involvedObject }) => involvedObject.uid === before.metadata.uid);
      return about.length === 2 && about.map(({ reason }) => reason);
    });
    assert.deepEqual(reasons.sort(), ["Made", "SecretMissing"]);
  });

  it("goes when its time is over, with all that is in it", async () => {
    await using cluster = await startWorld();
    await using _operator = startOperator(cluster);
    await cluster.client.apply(preview("pr-1", { ttl: "10m" }));
    const made = await untilReady(cluster, "pr-1");
    await cluster.clock.advance("9m");
    await cluster.client.get(PreviewEnvironment, { name: "pr-1", namespace: "default" });
    await cluster.clock.advance("1m");
    await untilGone(cluster, made);
    const left = await cluster.client.list(kinds.ConfigMap, { namespace: "default" });
    assert.equal(
      left.items.some(({ metadata }) => metadata.name === "pr-1-preview"),
      false,
    );
  });

  it("lives longer where somebody says so in time", async () => {
    await using cluster = await startWorld();
    await using _operator = startOperator(cluster);
    await cluster.client.apply(preview("pr-1", { ttl: "5m" }));
    await untilReady(cluster, "pr-1");
    await cluster.clock.advance("4m");
    await cluster.client.apply(preview("pr-1", { ttl: "1h" }));
    await cluster.clock.advance("6m");
    await untilReady(cluster, "pr-1");
  });

  it("takes its namespace with it when it is deleted", async () => {
    await using cluster = await startWorld();
    await using _operator = startOperator(cluster);
    await cluster.client.apply(preview("pr-1"));
    const made = await untilReady(cluster, "pr-1");
    await cluster.client.delete(PreviewEnvironment, { name: "pr-1", namespace: "default" });
    await untilGone(cluster, made);
  });

  it("is refused by the definition's rules", async () => {
    await using cluster = await startWorld();
    await assert.rejects(cluster.client.apply(preview("a", { ttl: "8000h" })), /must be between 1m and 168h/);
    await assert.rejects(cluster.client.apply(preview("a", { ttl: "soon" })), /spec.ttl/);
    await assert.rejects(cluster.client.apply(preview("a".repeat(41))), /at most 40 characters/);
    await cluster.client.apply(preview("a", { secrets: ["one"] }));
    await cluster.client.apply(preview("a", { secrets: ["one", "two"] }));
    await assert.rejects(cluster.client.apply(preview("a", { secrets: ["two"] })), /not taken away/);
    await assert.rejects(cluster.client.apply(preview("a")), /not taken away/);
  });
});

const deployment = (name: string, namespace = "default") => ({
  apiVersion: "apps/v1",
  kind: "Deployment",
  metadata: { name, namespace },
  spec: {
    selector: { matchLabels: { app: name } },
    template: {
      metadata: { labels: { app: name } },
      spec: { containers: [{ name, image: "example.com/web:1" }] },
    },
  },
});
