import { strict as assert } from "node:assert";
import { mkdir, readFile, rename, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import type { Running } from "../../base/os/os.ts";
import { resources } from "../../client/resources.ts";
import type { Pod } from "../../client/types.ts";
import { TestAgent } from "../testing/test-agent.ts";
import { untilFound } from "../testing/whole-node.ts";

describe("static pods of a whole agent", function () {
  this.timeout(120_000);
  const ref = { namespace: "default", name: "web-static1" };
  let node: TestAgent;
  let agent: Running;

  before(async () => {
    node = await TestAgent.open({ nodeName: "static1", podCidr: "127.65.9.0/24" }, (dir) => [
      `--pod-manifest-path=${dir}/manifests`,
    ]);
    await mkdir(join(node.dir, "manifests"));
  });
  afterEach(async () => {
    await agent.stop();
    await node.tearDown();
  });
  after(() => node.close());

  const manifest = (script: string) =>
    JSON.stringify({
      apiVersion: "v1",
      kind: "Pod",
      metadata: { name: "web" },
      spec: {
        terminationGracePeriodSeconds: 1,
        containers: [{ name: "c", image: "pintle.local/host", command: ["/bin/sh", "-c", script] }],
      },
    });
  /** In one go, as those do who mind that it is read meanwhile. */
  const write = async (text: string) => {
    await writeFile(join(node.dir, "new"), text);
    await rename(join(node.dir, "new"), join(node.dir, "manifests", "web.json"));
  };
  const mirrors = async () => (await node.client.list(resources.pods, { namespace: "default" })).items;
  const mirror = (wanted: (pod: Pod) => boolean) =>
    untilFound(mirrors, (items) => items.find((one) => one.metadata.name === ref.name && wanted(one)));
  const container = ({ status }: Pod) => status?.containerStatuses?.[0];
  const isReady = (pod: Pod) => container(pod)?.ready === true;

  it("run, are seen by mirrors, follow their file and end with it", async () => {
    await write(manifest("exec sleep 1000"));
    agent = await node.start();
    const first = await mirror(isReady);
    const owner = await node.client.get(resources.nodes, { name: "static1" });
    assert.deepEqual(first.metadata.ownerReferences, [
      { apiVersion: "v1", kind: "Node", name: "static1", uid: owner.metadata.uid, controller: true },
    ]);
    assert.equal(first.status?.phase, "Running");

    // Whoever deletes the mirror ends nothing.
    await node.client.delete(resources.pods, ref);
    const again = await mirror((pod) => isReady(pod) && pod.metadata.uid !== first.metadata.uid);
    assert.deepEqual(container(again), container(first));

    // A file that is broken ends nothing, and is named.
    await write("{");
    const events = () => node.client.list(resources.events, { namespace: "default" });
    const told = await untilFound(events, ({ items }) =>
      items.find(({ reason }) => reason === "InvalidStaticPod"),
    );
    assert.match(told.message ?? "", /manifests\/web.json: /);
    assert.equal(told.involvedObject.name, "static1");
    assert.deepEqual(container(await mirror(isReady)), container(first));

    // Another spec is another pod.
    await write(manifest("exec sleep 1001"));
    const second = await mirror(
      (pod) => isReady(pod) && container(pod)?.containerID !== container(first)?.containerID,
    );
    assert.deepEqual(second.spec.containers[0]?.command, ["/bin/sh", "-c", "exec sleep 1001"]);
    assert.notEqual(second.metadata.uid, again.metadata.uid);

    await rm(join(node.dir, "manifests", "web.json"));
    await untilFound(mirrors, (items) => (items.length === 0 ? true : undefined));
  });

  it("run on through a restart of the agent; a mirror of nothing is deleted and never run", async () => {
    await write(manifest("exec sleep 1000"));
    agent = await node.start();
    const before = await mirror(isReady);
    await agent.stop();
    const ran = join(node.dir, "stray-ran");
    await node.client.create(resources.pods, {
      metadata: { ...ref, name: "stray", annotations: { "kubernetes.io/config.mirror": "x" } },
      spec: {
        nodeName: "static1",
        containers: [{ name: "c", image: "pintle.local/host", command: ["/usr/bin/touch", ran] }],
      },
    });
    agent = await node.start();
    await untilFound(mirrors, (items) =>
      items.some(({ metadata }) => metadata.name === "stray") ? undefined : true,
    );
    const after = await mirror(isReady);
    assert.deepEqual([after.metadata.uid, container(after)], [before.metadata.uid, container(before)]);
    await assert.rejects(readFile(ran), /ENOENT/);
  });
});
