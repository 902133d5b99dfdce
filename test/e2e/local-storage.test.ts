import assert from "node:assert/strict";
import { existsSync, readdirSync } from "node:fs";
import { join } from "node:path";
import { canContain, eventually, isInstalled, type LocalCluster, startCluster } from "../local-cluster.ts";

/** A pod of one real container that runs a shell script, then sleeps. */
const pod = (name: string, script: string, spec: object, container: object = {}) => ({
  apiVersion: "v1",
  kind: "Pod",
  metadata: { name },
  spec: {
    terminationGracePeriodSeconds: 600,
    containers: [
      {
        name: "c",
        image: "pintle.local/host",
        command: ["sh", "-c", `trap '' TERM; ${script}; while :; do sleep 1; done`],
        ...container,
      },
    ],
    ...spec,
  },
});
const write = (path: string) => `dd if=/dev/zero of=${path} bs=1M count=20`;
const scratch = { volumes: [{ name: "scratch", emptyDir: { sizeLimit: "10Mi" } }] };
const mounted = { volumeMounts: [{ name: "scratch", mountPath: "/scratch" }] };
const limited = { resources: { limits: { "ephemeral-storage": "10Mi" } } };

const whole = "Pod ephemeral local storage usage exceeds the total limit of containers 10Mi. ";
const rows = [
  {
    what: "an empty folder beyond its size limit",
    pod: pod("folder", write("/scratch/file"), scratch, mounted),
    message: 'Usage of EmptyDir volume "scratch" exceeds the limit "10Mi". ',
  },
  {
    what: "a container's own layer beyond its limit",
    pod: pod("layer", write("/file"), {}, limited),
    message: whole,
  },
  {
    what: "a log beyond its limit",
    pod: pod("log", "head -c 20000000 /dev/zero | tr '\\0' x | fold -w 200", {}, limited),
    message: whole,
  },
];

describe("pods that write more to the node's disk than they may", function () {
  this.timeout(300_000);
  let cluster: LocalCluster;

  before(async function () {
    if (!isInstalled("kubectl") || !canContain) return this.skip();
    cluster = await startCluster({ replicas: 1, nodes: 1, runtime: "oci" });
    const modest = pod(
      "modest",
      write("/scratch/file"),
      { volumes: [{ name: "scratch", emptyDir: {} }] },
      mounted,
    );
    const items = [...rows.map((row) => row.pod), modest];
    await cluster.kubectlWith(JSON.stringify({ apiVersion: "v1", kind: "List", items }), "apply", "-f", "-");
  });
  after(() => cluster?.stop());

  const shown = async (name: string, path: string) =>
    cluster.kubectl("get", "pod", name, "-o", `jsonpath=${path}`);

  for (const { what, pod: evicted, message } of rows)
    it(`are evicted for ${what}`, async () => {
      const { name } = evicted.metadata;
      await eventually(
        `${name} failed`,
        () => shown(name, "{.status.phase}"),
        (phase) => phase === "Failed",
      );
      assert.equal(await shown(name, "{.status.reason}|{.status.message}"), `Evicted|${message}`);
      const ended = "{.status.containerStatuses[0].state.terminated.exitCode}";
      assert.equal(await shown(name, ended), "137");
      const field = `involvedObject.name=${name},reason=Evicted`;
      const event = await cluster.kubectl(
        "get",
        "events",
        `--field-selector=${field}`,
        "-o",
        "jsonpath={.items[0].type}|{.items[0].message}",
      );
      assert.equal(event, `Warning|${message}`);
    });

  it("are no others", async () => {
    const phase = () => shown("modest", "{.status.phase}");
    await eventually("modest runs", phase, (seen) => seen !== "Pending");
    assert.equal(await phase(), "Running");
    const uid = await shown("modest", "{.metadata.uid}");
    const node = join(cluster.folder, "nodes", "node-1");
    await eventually(
      "the node keeps nothing that evicted pods wrote",
      async () => [
        ...readdirSync(join(node, "pods")).filter((pod) => existsSync(join(node, "pods", pod, "volumes"))),
        ...readdirSync(join(node, "logs")),
        readdirSync(join(node, "containers")).length,
      ],
      (kept) => JSON.stringify(kept) === JSON.stringify([uid, `default_modest_${uid}`, 1]),
    );
  });
});
