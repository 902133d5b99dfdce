import assert from "node:assert/strict";
import { eventually, type LocalCluster, startCluster } from "../local-cluster.ts";
import { longestSilenceMs, lostWrites, misnumbered } from "./checkers.ts";
import { startWriters } from "./writers.ts";

/** kill -9 of whoever matters, while a Deployment rolls out and clients write. */
const deployment = (revision: number) => `
apiVersion: apps/v1
kind: Deployment
metadata: { name: rolling }
spec:
  replicas: 3
  selector: { matchLabels: { app: rolling } }
  template:
    metadata: { labels: { app: rolling } }
    spec:
      terminationGracePeriodSeconds: 1
      containers:
        - name: c
          image: pintle.local/host
          command: [sleep, "100000"]
          env: [{ name: REVISION, value: "${revision}" }]
`;

describe("chaos: kill -9 under load", function () {
  this.timeout(300_000);
  let cluster: LocalCluster;
  let revision = 0;

  before(async () => {
    cluster = await startCluster({ replicas: 3, nodes: 2 });
    await rollOut();
    await rolledOut();
  });
  after(() => cluster?.stop());

  const rollOut = () => cluster.kubectlWith(deployment(++revision), "apply", "-f", "-");
  const rolledOut = () => cluster.kubectl("rollout", "status", "deployment/rolling", "--timeout=120s");
  const leader = async (kind: string) => {
    const status = JSON.parse(
      await cluster.pintle("status", "-o", "json").catch((error: { stdout: string }) => error.stdout),
    ) as {
      components: { component: string; role: string; state: string }[];
    };
    return status.components.find(
      (row) => row.component.startsWith(`${kind}-`) && row.role === "leader" && row.state === "running",
    )?.component;
  };

  it("the store's leader: under two seconds of writes, no acknowledged write lost, the rollout completes", async () => {
    const writers = startWriters(cluster, 8);
    try {
      await eventually(
        "writes are acknowledged",
        async () => writers.acknowledged.flat().length,
        (count) => count > 200,
      );
      await rollOut();
      const killedMs = performance.now();
      await cluster.pintle("kill", "store-leader");
      const later = () => writers.acknowledged.flat().filter((write) => write.atMs > killedMs + 50).length;
      await eventually(
        "writes go on",
        async () => later(),
        (count) => count > 500,
      );
      await writers.stop();
      const times = writers.acknowledged.flat().map((write) => write.atMs);
      const silenceMs = longestSilenceMs(times);
      console.log(
        `      ${times.length} acknowledged, ${writers.refused()} refused, longest silence ${Math.round(silenceMs)} ms`,
      );
      assert.ok(silenceMs < 2000, `no write was acknowledged for ${Math.round(silenceMs)} ms`);
      assert.deepEqual(lostWrites(writers.acknowledged.flat(), await writers.readAll()), []);
      assert.deepEqual(misnumbered(writers.acknowledged), []);
      await rolledOut();
    } finally {
      await writers.stop();
      writers.close();
    }
  });

  for (const kind of ["scheduler", "controller-manager"]) {
    it(`the leading ${kind}: another leads within two of its leases, the rollout completes`, async () => {
      const before = await eventually(
        `a ${kind} leads`,
        () => leader(kind),
        (name) => name !== undefined,
      );
      await rollOut();
      const killedWallMs = Date.now();
      await cluster.pintle("kill", `${kind}-leader`);
      const killedMs = performance.now();
      const now = await eventually(
        `another ${kind} leads`,
        () => leader(kind),
        (name) => name !== undefined && name !== before,
      );
      console.log(
        `      ${before} killed, ${now} seen to lead after ${Math.round(performance.now() - killedMs)} ms`,
      );
      const path = `/apis/coordination.k8s.io/v1/namespaces/kube-system/leases/kube-${kind}`;
      const { spec } = JSON.parse(await cluster.kubectl("get", "--raw", path)) as {
        readonly spec: { readonly acquireTime: string; readonly leaseDurationSeconds: number };
      };
      const tookMs = Date.parse(spec.acquireTime) - killedWallMs;
      console.log(`      by its own account after ${tookMs} ms`);
      // Others look at the Lease now and then, and wait for its duration from when they last saw it renewed.
      assert.ok(tookMs > 0 && tookMs < 2 * spec.leaseDurationSeconds * 1000, `${tookMs} ms`);
      await rolledOut();
    });
  }

  it("an API server: clients go on with the other, and it comes back", async () => {
    await cluster.pintle("kill", "apiserver-2");
    await rollOut();
    await rolledOut();
  });

  it("an agent: its pods run on, untouched, and are taken over", async () => {
    const pods = async () =>
      (JSON.parse(await cluster.kubectl("get", "pods", "-l", "app=rolling", "-o", "json")) as PodList).items
        .filter((pod) => pod.spec.nodeName === "node-1" && pod.metadata.deletionTimestamp === undefined)
        .map((pod) => [
          pod.metadata.name,
          pod.status.containerStatuses?.[0]?.containerID,
          pod.status.containerStatuses?.[0]?.restartCount,
          pod.status.podIP,
        ]);
    const before = await eventually(
      "pods run on node-1",
      pods,
      (list) => list.length > 0 && list.every((pod) => pod[1]),
    );
    await cluster.pintle("kill", "node-1");
    await eventually(
      "the agent is back",
      async () => cluster.state().components.find((row) => row.name === "node-1"),
      (row) => (row?.restarts ?? 0) > 0 && row?.pid !== null,
    );
    await cluster.kubectl("wait", "--for=condition=Ready", "node/node-1", "--timeout=120s");
    const name = String(before[0]?.[0]);
    const answer = await eventually(
      "exec reaches the old container",
      () => cluster.kubectl("exec", name, "--", "echo", "alive"),
      (text) => text.includes("alive"),
    );
    assert.match(answer, /alive/);
    assert.deepEqual(await pods(), before);
    await rollOut();
    await rolledOut();
  });
});

interface PodList {
  readonly items: readonly {
    readonly metadata: { readonly name: string; readonly deletionTimestamp?: string };
    readonly spec: { readonly nodeName?: string };
    readonly status: {
      readonly podIP?: string;
      readonly containerStatuses?: readonly {
        readonly containerID?: string;
        readonly restartCount: number;
      }[];
    };
  }[];
}
