import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { stringify } from "yaml";
import { eventually } from "../local-cluster.ts";
import {
  type Machine,
  type MachineProcess,
  type Machines,
  missingForMachines,
  startMachines,
} from "../machines.ts";

const usualPlugins = "/usr/lib/cni";
// By br_netfilter packets between pods of one bridge meet the Services' rules, too.
const missing =
  missingForMachines() ??
  [
    join(usualPlugins, "bridge"),
    join(usualPlugins, "host-local"),
    "/proc/sys/net/bridge/bridge-nf-call-iptables",
  ].find((path) => !existsSync(path));
const binary = join(import.meta.dirname, "../../bin/pintle");
const kubeconfig = "/var/lib/pintle/server/kubeconfig";
/** On the machine, whose own file system it is. */
const places = { bin: "/run/cni/bin", conf: "/run/cni/net.d", leases: "/run/cni/leases" };

(missing === undefined ? describe : describe.skip)(
  `a network that a DaemonSet installs (needs ${missing ?? "nothing"})`,
  function () {
    this.timeout(240_000);
    let all: Machines;
    let server: Machine;
    let one: Machine;
    let folder: string;
    let running: MachineProcess;
    let agent: MachineProcess;

    const pintle = (...words: readonly string[]) =>
      server.run("env", `KUBECONFIG=${kubeconfig}`, process.execPath, binary, ...words);
    const get = async (...words: readonly string[]) =>
      JSON.parse(await pintle("get", ...words, "-o", "json"));
    const ready = async () => {
      const { status } = await get("node", one.name);
      return status.conditions.find(({ type }: { readonly type: string }) => type === "Ready");
    };
    const apply = async (name: string, objects: readonly object[]) => {
      const file = join(folder, `${name}.yaml`);
      writeFileSync(file, objects.map((object) => stringify(object)).join("---\n"));
      await pintle("apply", "-f", file);
    };
    const webPods = async () =>
      (await get("pods", "-l", "app=web")).items.map(({ status }: { readonly status: object }) => status);
    const leases = async () =>
      (await one.run("sh", "-c", `ls ${places.leases}/pods || true`))
        .split("\n")
        .filter((name) => /^[\d.]+$/.test(name));

    before(async () => {
      folder = mkdtempSync(join(tmpdir(), "cni-daemonset-"));
      all = await startMachines(["control", "cni-one"]);
      [server, one] = all.machines as [Machine, Machine];
      running = server.start(["server", "--data-dir=/var/lib/pintle/server"]);
      await eventually(
        "the server says how machines join",
        async () => running.output(),
        (text) => /join=.*discovery-token-ca-cert-hash/.test(text),
      );
      const token = (await pintle("token", "create", "--ttl", "1h")).trim();
      const words = (await pintle("token", "create", "--print-join-command")).trim().split(" ").slice(3);
      agent = one.start(
        [
          "agent",
          ...words,
          `--node-name=${one.name}`,
          "--runtime=oci",
          "--allow-host-image",
          "--network-plugin=cni",
          `--cni-conf-dir=${places.conf}`,
          `--cni-bin-dir=${places.bin}`,
        ],
        { PINTLE_TOKEN: token },
      );
    });

    afterEach(function () {
      if (this.currentTest?.state !== "failed") return;
      console.error(running?.output().slice(-4000));
      console.error(agent?.output().slice(-6000));
    });

    after(async () => {
      await all?.stop();
      rmSync(folder, { recursive: true, force: true });
      removeCgroups("cni-one");
    });

    it("finds a node that is not ready for want of one, and makes it ready", async () => {
      await eventually(
        "the node says what it wants",
        ready,
        ({ status, message }) => status === "False" && message.includes("cni config uninitialized"),
      );
      await apply("web", web);
      await apply("network", network);
      await eventually("the node is ready", ready, ({ status }) => status === "True");
      await eventually(
        "the DaemonSet's pod is ready",
        async () => (await get("daemonset", "network", "-n", "network")).status?.numberReady,
        (pods) => pods === 1,
      );
    });

    it("gives pods addresses of their node's range, by which they and their Service are reached", async () => {
      const pods = await eventually("pods are ready", webPods, (statuses) =>
        statuses.every(({ conditions = [] }: { readonly conditions?: readonly Record<string, string>[] }) =>
          conditions.some(({ type, status }) => type === "Ready" && status === "True"),
        ),
      );
      const { podCIDR } = (await get("node", one.name)).spec;
      const start = podCIDR.split(".").slice(0, 3).join(".");
      const ips: readonly string[] = pods.map(({ podIP }: { readonly podIP: string }) => podIP);
      for (const ip of ips) assert.ok(ip.startsWith(`${start}.`), `${ip} is none of ${podCIDR}`);
      assert.deepEqual((await leases()).sort(), [...ips].sort());
      const ask = "fetch('http://web').then((r) => r.text()).then(console.log)";
      const [{ metadata }] = (await get("pods", "-l", "app=web")).items;
      const answered = new Set<string>();
      // By turns at random: the same one 40 times comes once in 5e11.
      for (let asked = 0; asked < 40 && answered.size < 2; asked++)
        answered.add((await pintle("exec", metadata.name, "--", "node", "-e", ask)).trim());
      assert.equal(answered.size, 2);
    });

    it("has their addresses back when they go", async () => {
      await pintle("delete", "deployment", "web");
      await eventually("no address is taken", leases, (taken) => taken.length === 0);
    });
  },
);

/** As flannel's: a pod on the node's own network, which copies plugins and, when they are there, the network. */
const network = [
  { apiVersion: "v1", kind: "Namespace", metadata: { name: "network" } },
  {
    apiVersion: "v1",
    kind: "ConfigMap",
    metadata: { name: "network", namespace: "network" },
    data: {
      "cni-conf.json": JSON.stringify({
        name: "pods",
        cniVersion: "0.3.1",
        plugins: [
          {
            type: "bridge",
            hairpinMode: true,
            isDefaultGateway: true,
            capabilities: { ipRanges: true },
            ipam: { type: "host-local", dataDir: places.leases },
          },
        ],
      }),
    },
  },
  {
    apiVersion: "apps/v1",
    kind: "DaemonSet",
    metadata: { name: "network", namespace: "network" },
    spec: {
      selector: { matchLabels: { app: "network" } },
      template: {
        metadata: { labels: { app: "network" } },
        spec: {
          hostNetwork: true,
          priorityClassName: "system-node-critical",
          tolerations: [{ operator: "Exists", effect: "NoSchedule" }],
          terminationGracePeriodSeconds: 1,
          initContainers: [
            installer("install-plugins", [
              `${usualPlugins}/bridge`,
              `${usualPlugins}/host-local`,
              "/bin-dir/",
            ]),
            installer("install-network", ["/network/cni-conf.json", "/conf-dir/10-pods.conflist"]),
          ],
          containers: [{ name: "main", image: "pintle.local/host", command: ["sleep", "3600"] }],
          volumes: [
            { name: "bin-dir", hostPath: { path: places.bin } },
            { name: "conf-dir", hostPath: { path: places.conf } },
            { name: "network", configMap: { name: "network" } },
          ],
        },
      },
    },
  },
];

function installer(name: string, args: readonly string[]): object {
  return {
    name,
    image: "pintle.local/host",
    command: ["cp", "-f"],
    args,
    volumeMounts: ["bin-dir", "conf-dir", "network"].map((volume) => ({
      name: volume,
      mountPath: `/${volume}`,
    })),
  };
}

const serve = `require("http").createServer((q, r) => r.end(require("os").hostname())).listen(8080)`;
const web = [
  {
    apiVersion: "apps/v1",
    kind: "Deployment",
    metadata: { name: "web", namespace: "default" },
    spec: {
      replicas: 2,
      selector: { matchLabels: { app: "web" } },
      template: {
        metadata: { labels: { app: "web" } },
        spec: {
          terminationGracePeriodSeconds: 1,
          containers: [
            {
              name: "main",
              image: "pintle.local/host",
              command: ["node", "-e", serve],
              readinessProbe: { httpGet: { port: 8080 }, periodSeconds: 1 },
            },
          ],
        },
      },
    },
  },
  {
    apiVersion: "v1",
    kind: "Service",
    metadata: { name: "web", namespace: "default" },
    spec: { selector: { app: "web" }, ports: [{ port: 80, targetPort: 8080 }] },
  },
];

/** Those of the machine's node, of which nothing runs any more. */
function removeCgroups(node: string): void {
  for (const line of readFileSync("/proc/self/mounts", "utf8").split("\n")) {
    const [, mount = "", kind = ""] = line.split(" ");
    if (!kind.startsWith("cgroup")) continue;
    execFileSync("sh", [
      "-c",
      `find "${mount}/pintle/${node}" -depth -type d -exec rmdir {} + 2>/dev/null || true`,
    ]);
  }
}
