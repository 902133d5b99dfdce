import assert from "node:assert/strict";
import { canContain, eventually, isInstalled, type LocalCluster, startCluster } from "../local-cluster.ts";

const busy = { name: "busy", command: ["sh", "-c", "while :; do :; done"] };
const idle = { name: "idle", command: ["sh", "-c", "while :; do sleep 1; done"] };
const container = ({ name, command }: typeof busy) => ({
  name,
  command,
  image: "pintle.local/host",
  resources: { requests: { cpu: "20m" }, limits: { cpu: "200m" } },
});
const deployment = (name: string, ...containers: readonly (typeof busy)[]) => ({
  apiVersion: "apps/v1",
  kind: "Deployment",
  metadata: { name },
  spec: {
    selector: { matchLabels: { app: name } },
    template: {
      metadata: { labels: { app: name } },
      spec: { terminationGracePeriodSeconds: 0, containers: containers.map(container) },
    },
  },
});
const autoscaler = {
  apiVersion: "autoscaling/v2",
  kind: "HorizontalPodAutoscaler",
  metadata: { name: "work" },
  spec: {
    scaleTargetRef: { apiVersion: "apps/v1", kind: "Deployment", name: "work" },
    maxReplicas: 2,
    metrics: [
      {
        type: "ContainerResource",
        containerResource: {
          name: "cpu",
          container: "busy",
          target: { type: "Utilization", averageUtilization: 50 },
        },
      },
    ],
  },
};

for (const replicas of [1, 3])
  describe(`what pods and nodes use, in a cluster of ${replicas}`, function () {
    this.timeout(180_000);
    let cluster: LocalCluster;
    before(async function () {
      if (!isInstalled("kubectl") || !canContain) return this.skip();
      cluster = await startCluster({ replicas, nodes: 2, runtime: "oci" });
      const items = [deployment("work", busy, idle), deployment("rest", idle), autoscaler];
      await cluster.kubectlWith(
        JSON.stringify({ apiVersion: "v1", kind: "List", items }),
        "apply",
        "-f",
        "-",
      );
    });
    after(() => cluster?.stop());

    const top = async (...words: readonly string[]) =>
      (await cluster.kubectl("top", ...words, "--no-headers"))
        .split("\n")
        .filter((line) => line !== "")
        .map((line) => line.trim().split(/ +/));
    const milli = (text = "") => Number.parseInt(text, 10);

    it("is looked at in the dashboard, by the link that up or dashboard says", async () => {
      const links = [cluster.said(), await cluster.pintle("dashboard")].map(
        (text) => new URL(/http:\/\/\S+#code=\S+/.exec(text)?.[0] ?? assert.fail(text)),
      );
      for (const { origin, hash } of links) {
        const body = JSON.stringify({ code: hash.slice("#code=".length) });
        const entered = await fetch(`${origin}/session`, { method: "POST", body });
        assert.equal(entered.status, 200);
        const { key } = (await entered.json()) as { readonly key: string };
        const cookie = entered.headers.get("set-cookie")?.split(";")[0] ?? "";
        const answer = await fetch(`${origin}/cluster/api/v1/nodes`, {
          headers: { cookie, "x-pintle-key": key },
        });
        assert.equal(((await answer.json()) as { readonly items: readonly object[] }).items.length, 2);
      }
    });

    it("is what kubectl top shows of nodes, at once", async () => {
      // Of a node that took longer than a second to answer nothing is shown; it is asked again a second later.
      const rows = await eventually(
        "all nodes answered",
        () => top("nodes"),
        (found) => found.every((row) => !row.includes("<unknown>")),
      );
      assert.deepEqual(
        rows.map(([name]) => name),
        ["node-1", "node-2"],
      );
      for (const [, cpu, share, memory] of rows) {
        assert.match(cpu ?? "", /^[1-9]\d*m$/);
        assert.match(share ?? "", /^\d+%$/);
        assert.match(memory ?? "", /^[1-9]\d*Mi$/);
      }
    });

    it("is what kubectl top shows of pods and their containers", async () => {
      const rows = await eventually(
        "both pods are measured, and the busy container is",
        // Before the first is measured there are none.
        () => top("pods", "--containers", "--sort-by=cpu").catch(() => []),
        (found) => milli(found[0]?.[2]) > 100 && found.some(([pod]) => pod?.startsWith("rest-")),
      );
      assert.match(rows[0]?.[0] ?? "", /^work-/);
      assert.equal(rows[0]?.[1], "busy");
      for (const [, name, cpu, memory] of rows) {
        if (name === "idle") assert.ok(milli(cpu) < 100, cpu);
        else assert.ok(milli(cpu) < 300, cpu);
        assert.match(memory ?? "", /^\d+Mi$/);
      }
      const [rest] = await top("pods", "-l", "app=rest");
      assert.match(rest?.[0] ?? "", /^rest-/);
    });

    it("is what autoscalers go by", async () => {
      await eventually(
        "two replicas",
        () => cluster.kubectl("get", "hpa", "work", "-o", "jsonpath={.status.desiredReplicas}"),
        (text) => text === "2",
      );
    });
  });
