import { strict as assert } from "node:assert";
import { mkdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import type { Running } from "../../base/os/os.ts";
import { resources } from "../../client/resources.ts";
import type { Pod } from "../../client/types.ts";
import { TestAgent } from "../testing/test-agent.ts";
import { untilFound } from "../testing/whole-node.ts";

describe("a node's shutdown by SIGTERM", function () {
  this.timeout(120_000);
  let node: TestAgent;
  let agent: Running;
  before(async () => {
    node = await TestAgent.open({ nodeName: "down1", podCidr: "127.65.10.0/24" }, (dir) => [
      "--shutdown-grace-period=20s",
      "--shutdown-grace-period-critical-pods=10s",
      `--pod-manifest-path=${dir}/manifests`,
    ]);
    await mkdir(join(node.dir, "manifests"));
  });
  afterEach(async () => {
    await agent.stop();
    await node.tearDown();
  });
  after(() => node.close());

  const spec = (script: string) => ({
    terminationGracePeriodSeconds: 1,
    automountServiceAccountToken: false,
    containers: [{ name: "c", image: "pintle.local/host", command: ["/bin/sh", "-c", script] }],
  });
  const podOf = (name: string, wanted: (pod: Pod) => boolean) =>
    untilFound(
      async () => (await node.client.list(resources.pods, { namespace: "default" })).items,
      (items) => items.find((one) => one.metadata.name === name && wanted(one)),
    );
  const isReady = ({ status }: Pod) => status?.containerStatuses?.[0]?.ready === true;
  const readyCondition = async () =>
    (await node.client.get(resources.nodes, { name: "down1" })).status?.conditions?.find(
      ({ type }) => type === "Ready",
    );

  it("ends its pods, says why, and begins those of its files anew when it is there again", async () => {
    const words = {
      apiVersion: "v1",
      kind: "Pod",
      metadata: { name: "fixed" },
      spec: spec("exec sleep 1000"),
    };
    const { automountServiceAccountToken: _, ...own } = words.spec;
    await writeFile(join(node.dir, "manifests", "fixed.json"), JSON.stringify({ ...words, spec: own }));
    agent = await node.start();
    await node.client.create(resources.pods, {
      metadata: { namespace: "default", name: "web" },
      spec: { ...spec("exec sleep 1000"), nodeName: "down1" },
    });
    await podOf("web", isReady);
    const fixed = await podOf("fixed-down1", isReady);

    await agent.stop("SIGTERM");
    const web = await podOf("web", () => true);
    assert.deepEqual(
      [web.status?.phase, web.status?.reason, web.status?.message],
      ["Failed", "Terminated", "Pod was terminated in response to imminent node shutdown."],
    );
    const disrupted = web.status?.conditions?.find(({ type }) => type === "DisruptionTarget");
    assert.deepEqual([disrupted?.status, disrupted?.reason], ["True", "TerminationByKubelet"]);
    assert.equal((await podOf("fixed-down1", () => true)).status?.reason, "Terminated");
    const down = await readyCondition();
    assert.equal(down?.status, "False");
    assert.match(down?.message ?? "", /node is shutting down/);

    agent = await node.start();
    const again = await podOf("fixed-down1", isReady);
    assert.notEqual(again.metadata.uid, fixed.metadata.uid);
    assert.equal((await readyCondition())?.status, "True");
    assert.equal((await podOf("web", () => true)).status?.phase, "Failed");
  });

  it("is none by SIGINT: pods run on", async () => {
    agent = await node.start();
    const before = await podOf("fixed-down1", isReady);
    await agent.stop("SIGINT");
    assert.equal((await podOf("fixed-down1", () => true)).status?.phase, "Running");
    agent = await node.start();
    const after = await podOf("fixed-down1", isReady);
    assert.deepEqual(after.metadata.uid, before.metadata.uid);
  });
});
