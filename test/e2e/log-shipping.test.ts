import assert from "node:assert/strict";
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { canContain, eventually, isInstalled, type LocalCluster, startCluster } from "../local-cluster.ts";

interface Line {
  readonly source: string;
  readonly text: string;
  readonly node?: string;
  readonly pod?: { readonly name: string; readonly labels: Readonly<Record<string, string>> };
  readonly output?: string;
  readonly component?: string;
  readonly attributes?: Readonly<Record<string, string>>;
}

const talker = (name: string, nodeName: string) => ({
  apiVersion: "v1",
  kind: "Pod",
  metadata: { name, labels: { app: "talker" } },
  spec: {
    nodeName,
    terminationGracePeriodSeconds: 1,
    containers: [
      { name: "main", image: "pintle.local/host", command: ["sh", "-c", `echo from ${name}; sleep 3600`] },
    ],
  },
});

/** As those of Fluent Bit and others: it finds containers' logs by a pattern of names. */
const reader = {
  apiVersion: "apps/v1",
  kind: "DaemonSet",
  metadata: { name: "reader" },
  spec: {
    selector: { matchLabels: { app: "reader" } },
    template: {
      metadata: { labels: { app: "reader" } },
      spec: {
        terminationGracePeriodSeconds: 1,
        containers: [
          {
            name: "reader",
            image: "pintle.local/host",
            command: ["sh", "-c", "sleep 3600"],
            volumeMounts: [{ name: "logs", mountPath: "/var/log", readOnly: true }],
          },
        ],
        volumes: [{ name: "logs", hostPath: { path: "/var/log" } }],
      },
    },
  },
};

describe("the logs of a local cluster", function () {
  this.timeout(180_000);
  let cluster: LocalCluster;
  let folder: string;

  before(async function () {
    if (!isInstalled("kubectl") || !canContain) return this.skip();
    folder = mkdtempSync(join(tmpdir(), "pintle-logs-"));
    const file = join(folder, "shipping.yaml");
    writeFileSync(
      file,
      `apiVersion: pintle.dev/v1alpha1
kind: LogShipping
receivers:
- name: disk
  file: { path: all.ndjson }
`,
    );
    cluster = await startCluster({
      replicas: 1,
      nodes: 2,
      runtime: "oci",
      flags: [`--log-shipping=${file}`],
    });
    const items = [talker("first", "node-1"), talker("second", "node-2"), reader];
    const list = JSON.stringify({ apiVersion: "v1", kind: "List", items });
    await cluster.kubectlWith(list, "apply", "-f", "-");
    await cluster.kubectl("rollout", "status", "daemonset/reader", "--timeout=60s");
    await cluster.kubectl("wait", "--for=condition=Ready", "pod/first", "pod/second", "--timeout=60s");
  });
  after(async () => {
    await cluster?.stop();
    if (folder !== undefined) rmSync(folder, { recursive: true, force: true });
  });

  const lines = (): readonly Line[] => {
    const path = join(folder, "all.ndjson");
    const text = existsSync(path) ? readFileSync(path, "utf8") : "";
    return text
      .slice(0, text.lastIndexOf("\n") + 1)
      .split("\n")
      .filter((line) => line !== "")
      .map((line) => JSON.parse(line));
  };

  it("are shipped: containers' lines with their pods' labels, Events, and who did what", async () => {
    const found = await eventually(
      "lines of both pods, Events and audit events are in the file",
      async () => lines(),
      (all) =>
        ["first", "second"].every((name) => all.some((line) => line.pod?.name === name)) &&
        all.some((line) => line.source === "components" && line.component === "node-2") &&
        all.some((line) => line.source === "events" && line.attributes?.["k8s.object.name"] === "first") &&
        all.some((line) => line.source === "audit" && line.attributes?.["k8s.audit.resource"] === "pods"),
    );
    for (const [name, node] of [
      ["first", "node-1"],
      ["second", "node-2"],
    ])
      assert.deepEqual(
        found
          .filter((line) => line.source === "containers" && line.pod?.name === name)
          .map(({ text, output, pod, node: on }) => [text, output, pod?.labels.app, on]),
        [[`from ${name}`, "stdout", "talker", node]],
      );
  });

  it("are at the usual paths to pods that read them, each node's own", async () => {
    const pods = await cluster.kubectl(
      ...["get", "pods", "-l", "app=reader"],
      ...["-o", "jsonpath={range .items[*]}{.metadata.name} {.spec.nodeName}{'\\n'}{end}"],
    );
    for (const [pod = "", node] of pods
      .trim()
      .split("\n")
      .map((line) => line.split(" "))) {
      const read = 'cd /var/log/containers && for log in *.log; do echo "$log :: $(cat "$log")"; done';
      const found = await cluster.kubectl("exec", pod, "--", "sh", "-c", read);
      const name = node === "node-1" ? "first" : "second";
      const own = found.split("\n").filter((line) => line.includes("_default_main-"));
      assert.equal(own.length, 1, found);
      const form = new RegExp(
        `^${name}_default_main-[a-z0-9]{64}\\.log :: \\S+T\\S+Z stdout F from ${name}$`,
      );
      assert.match(own[0] ?? "", form);
      const tree = await cluster.kubectl(
        "exec",
        pod,
        "--",
        "sh",
        "-c",
        "ls -d /var/log/pods/default_*/main/0.log",
      );
      assert.match(tree, new RegExp(`^/var/log/pods/default_${name}_[-0-9a-f]+/main/0\\.log\\n?$`));
    }
  });
});
