import assert from "node:assert/strict";
import { canContain, eventually, isInstalled, type LocalCluster, startCluster } from "../local-cluster.ts";

/** Reads what every container has, writes where every container may. */
const script =
  "cat /etc/hostname /etc/resolv.conf > /mine/read && cat /settings/key > /mine/key && cat /mine/key > /dev/termination-log";
const objects = [
  { apiVersion: "v1", kind: "ConfigMap", metadata: { name: "settings" }, data: { key: "last words" } },
  {
    apiVersion: "v1",
    kind: "Pod",
    metadata: { name: "anybody" },
    spec: {
      restartPolicy: "Never",
      securityContext: { runAsUser: 1000, runAsGroup: 1000 },
      volumes: [
        { name: "mine", emptyDir: {} },
        { name: "settings", configMap: { name: "settings" } },
      ],
      containers: [
        {
          name: "c",
          image: "pintle.local/host",
          command: ["sh", "-c", script],
          volumeMounts: [
            { name: "mine", mountPath: "/mine" },
            { name: "settings", mountPath: "/settings" },
          ],
        },
      ],
    },
  },
];

/** Some administrators' files are nobody else's unless said. */
const narrowUmask = 0o077;

describe("a pod that does not run as root", function () {
  this.timeout(300_000);
  let cluster: LocalCluster;
  before(async function () {
    if (!isInstalled("kubectl") || !canContain) return this.skip();
    const usual = process.umask(narrowUmask);
    const starting = startCluster({ replicas: 1, nodes: 1, runtime: "oci" });
    process.umask(usual);
    cluster = await starting;
    const list = { apiVersion: "v1", kind: "List", items: objects };
    await cluster.kubectlWith(JSON.stringify(list), "apply", "-f", "-");
  });
  after(() => cluster?.stop());

  it("reads its files and leaves its last words, whatever the umask of who started the cluster", async () => {
    const ended = await eventually(
      "the pod ended",
      async () => JSON.parse(await cluster.kubectl("get", "pod", "anybody", "-o", "json")),
      ({ status }) => status.phase === "Succeeded" || status.phase === "Failed",
    );
    const said = await cluster.kubectl("logs", "anybody");
    const { exitCode, message } = ended.status.containerStatuses[0].state.terminated;
    assert.deepEqual([exitCode, message, said], [0, "last words", ""]);
  });
});
