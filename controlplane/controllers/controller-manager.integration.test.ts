import assert from "node:assert/strict";
import { sleep, systemClock } from "../../base/os/clock.ts";
import { below, Prng } from "../../base/os/random.ts";
import { resources } from "../../client/resources.ts";
import { startTestCluster, type TestCluster } from "./testing/cluster.ts";

const elected = [
  "--leader-elect=true",
  "--leader-elect-lease-duration=10s",
  "--leader-elect-renew-deadline=8s",
  "--leader-elect-retry-period=200ms",
];

describe("controlplane/controllers/controller-manager", function () {
  this.timeout(120_000);
  let cluster: TestCluster;
  beforeEach(async () => {
    cluster = await startTestCluster();
    await cluster.manager.stop();
  });
  afterEach(() => cluster.stop());

  it("has one leader, and another when it stops; standbys answer for their health", async () => {
    const first = await cluster.startManager(...elected, "--secure-port=0");
    await cluster.kubectl("create", "deployment", "web", "--image=a:1", "--replicas=2");
    await cluster.kubectl("rollout", "status", "deployment/web", "--timeout=20s");
    const second = await cluster.startManager(...elected, "--secure-port=0");
    assert.deepEqual([first.isLeader(), second.isLeader()], [true, false]);
    for (const { healthPort } of [first, second]) {
      const answer = await fetch(`http://127.0.0.1:${healthPort}/healthz`);
      assert.equal(await answer.text(), "ok");
    }
    await first.stop();
    await cluster.kubectl("scale", "deployment", "web", "--replicas=4");
    await cluster.until(resources.deployments, "four ready", ([one]) => one?.status?.readyReplicas === 4);
    assert.equal(second.isLeader(), true);
    await second.stop();
  });

  it("goes on from wherever it was cut off", async () => {
    const random = new Prng(7);
    await cluster.kubectl("create", "deployment", "web", "--image=a:0", "--replicas=4");
    await cluster.kubectl("create", "job", "sum", "--image=a");
    for (let round = 1; round <= 12; round++) {
      const manager = await cluster.startManager();
      await sleep(systemClock, below(random, 120));
      if (round % 3 === 0) await cluster.kubectl("set", "image", "deployment/web", `a=a:${round}`);
      await manager.stop();
    }
    const manager = await cluster.startManager();
    await cluster.kubectl("rollout", "status", "deployment/web", "--timeout=30s");
    const pods = await cluster.until(resources.pods, "four pods of the last image", (all) => {
      const own = all.filter(({ metadata }) => metadata.labels?.app === "web");
      return own.length === 4 && own.every(({ spec }) => spec.containers[0]?.image === "a:12") && all;
    });
    assert.equal(pods.filter(({ metadata }) => metadata.labels?.["job-name"] === "sum").length, 1);
    const { items } = await cluster.client.list(resources.replicasets);
    assert.equal(items.filter(({ spec }) => (spec.replicas ?? 0) > 0).length, 1);
    await manager.stop();
  });
});
