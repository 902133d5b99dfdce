import assert from "node:assert/strict";
import { resources } from "../../../client/resources.ts";
import { startTestCluster, type TestCluster } from "../testing/cluster.ts";
import { assertTakenOver } from "../testing/taken-over.ts";

describe("controlplane/controllers/daemonset with the real kubectl", function () {
  this.timeout(120_000);
  let cluster: TestCluster;
  before(async () => {
    cluster = await startTestCluster({ nodes: ["a", "b", "c"] });
    await cluster.client.create(resources.daemonsets, {
      metadata: { name: "every", namespace: "default" },
      spec: {
        selector: { matchLabels: { d: "s" } },
        template: { metadata: { labels: { d: "s" } }, spec: { containers: [{ name: "c", image: "a:1" }] } },
      },
    });
  });
  after(() => cluster.stop());

  const onNodes = async () => {
    const { items } = await cluster.client.list(resources.pods);
    return items
      .filter(({ metadata }) => metadata.deletionTimestamp === undefined)
      .map(({ spec }) => `${spec.nodeName} ${spec.containers[0]?.image}`)
      .sort();
  };
  const rolledOut = () => cluster.kubectl("rollout", "status", "daemonset/every", "--timeout=20s");

  it("puts a pod on every node", async () => {
    await cluster.until(resources.daemonsets, "three ready", ([one]) => one?.status?.numberAvailable === 3);
    assert.match(await rolledOut(), /successfully rolled out/);
    assert.deepEqual(await onNodes(), ["a a:1", "b a:1", "c a:1"]);
  });

  it("rolls to a new image and back, and knows its history", async () => {
    await cluster.kubectl("set", "image", "daemonset/every", "c=a:2");
    assert.match(await rolledOut(), /successfully rolled out/);
    assert.deepEqual(await onNodes(), ["a a:2", "b a:2", "c a:2"]);
    assert.match(await cluster.kubectl("rollout", "history", "daemonset/every"), /^1 .*\n2 /m);
    await cluster.kubectl("rollout", "undo", "daemonset/every");
    assert.match(await rolledOut(), /successfully rolled out/);
    assert.deepEqual(await onNodes(), ["a a:1", "b a:1", "c a:1"]);
  });

  it("takes over the pods and the history of one of its name that left them", async () => {
    await assertTakenOver(
      cluster,
      resources.daemonsets,
      "every",
      ({ status }) => status?.numberAvailable === 3,
    );
    assert.match(await rolledOut(), /roll/);
  });

  it("follows nodes as they come", async () => {
    await cluster.addNode("d");
    await cluster.until(resources.daemonsets, "four ready", ([one]) => one?.status?.numberAvailable === 4);
  });
});
