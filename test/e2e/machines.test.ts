import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { parse, stringify } from "yaml";
import { eventually } from "../local-cluster.ts";
import {
  type Machine,
  type MachineProcess,
  type Machines,
  missingForMachines,
  startMachines,
} from "../machines.ts";

const missing = missingForMachines();
const serverDir = "/var/lib/pintle/server";
const kubeconfig = `${serverDir}/kubeconfig`;

(missing === undefined ? describe : describe.skip)(
  `machines that join by a token (needs ${missing ?? "nothing"})`,
  function () {
    this.timeout(240_000);
    let all: Machines;
    let server: Machine;
    let one: Machine;
    let two: Machine;
    let folder: string;
    let line: readonly string[];
    let token = "";
    const agents = new Map<string, MachineProcess>();
    let running: MachineProcess;

    /** On the server's machine, as its admin. */
    const pintle = (...words: readonly string[]) =>
      server.run("env", `KUBECONFIG=${kubeconfig}`, process.execPath, binary, ...words);
    const get = async (...words: readonly string[]) =>
      JSON.parse(await pintle("get", ...words, "-o", "json"));
    const isReady = async (name: string): Promise<string> => {
      const node = await get("node", name);
      return (
        node.status?.conditions?.find((condition: { readonly type: string }) => condition.type === "Ready")
          ?.status ?? "none"
      );
    };
    const binary = join(import.meta.dirname, "../../bin/pintle");

    const agent = (
      machine: Machine,
      words: readonly string[],
      env: Readonly<Record<string, string>> = {},
    ) => {
      const flags = [
        "--node-name",
        machine.name,
        "--runtime",
        "oci",
        "--allow-host-image",
        "--node-lease-duration-seconds",
        "4",
      ];
      const started = machine.start(["agent", ...words, ...flags], env);
      agents.set(machine.name, started);
      return started;
    };

    before(async () => {
      folder = mkdtempSync(join(tmpdir(), "machines-"));
      all = await startMachines(["control", "one", "two"]);
      [server, one, two] = all.machines as [Machine, Machine, Machine];
      running = server.start([
        "server",
        `--data-dir=${serverDir}`,
        "--controller-manager.node-monitor-grace-period=6s",
      ]);
      await eventually(
        "the server says how machines join",
        async () => running.output(),
        (text) => /join=.*discovery-token-ca-cert-hash/.test(text),
      );
      token = (await pintle("token", "create", "--ttl", "1h", "--description", "test")).trim();
      const words = (await pintle("token", "create", "--print-join-command")).trim().split(" ");
      line = words.slice(3);
    });

    afterEach(function () {
      if (this.currentTest?.state !== "failed") return;
      console.error(running?.output().slice(-6000));
      for (const [name, { output }] of agents) console.error(name, output().slice(-6000));
    });

    after(async () => {
      await all?.stop();
      rmSync(folder, { recursive: true, force: true });
      removeCgroups();
    });

    it("refuse a cluster of another authority by name, and send it nothing", async () => {
      const wrong = `--discovery-token-ca-cert-hash=sha256:${"a".repeat(64)}`;
      const [url = ""] = line;
      const started = agent(one, [url, wrong], { PINTLE_TOKEN: token });
      assert.equal(await started.ended, 2);
      assert.match(
        started.output(),
        /has another authority: it shows sha256:[0-9a-f]{64}, but .*says sha256:a{64}.*token was not sent/,
      );
      const { items } = await get("certificatesigningrequests");
      assert.deepEqual(items, []);
    });

    it("refuse a token that is none of the cluster's, without showing it", async () => {
      const started = agent(one, line, { PINTLE_TOKEN: "zzzzzz.0123456789abcdef" });
      assert.equal(await started.ended, 2);
      assert.match(started.output(), /does not know token zzzzzz, or it has run out/);
      assert.doesNotMatch(started.output(), /0123456789abcdef/);
    });

    it("become nodes, whichever way the token comes, and it stands in no log, word or environment", async () => {
      const file = join(folder, "token");
      writeFileSync(file, `${token}\n`, { mode: 0o600 });
      agent(one, [...line, `--token-file=${file}`]);
      agent(two, [...line, `--token=${token}`]);
      for (const { name } of [one, two])
        await eventually(
          `${name} is ready`,
          () => isReady(name),
          (ready) => ready === "True",
        );
      const secret = token.split(".")[1] ?? "?";
      for (const started of [running, ...agents.values()]) assert.ok(!started.output().includes(secret));
      const told = await two.run("sh", "-c", "cat /proc/[0-9]*/cmdline | tr '\\0' ' '");
      assert.match(told, /pintle agent .*--token=\*{23}/);
      assert.ok(!told.includes(secret));
      const { items } = await get("certificatesigningrequests");
      const clients = items.filter((item: { readonly spec: { readonly signerName: string } }) =>
        item.spec.signerName.endsWith("client-kubelet"),
      );
      assert.equal(clients.length, 2);
    });

    it("run pods that are seen through their nodes, whose certificates the API server trusts", async () => {
      for (const { name } of [one, two]) {
        const manifest = join(folder, `${name}.yaml`);
        writeFileSync(manifest, stringify(sleeper(name)));
        await pintle("apply", "-f", manifest);
      }
      for (const { name } of [one, two]) {
        await eventually(
          `a pod of ${name} runs`,
          async () => (await get("pods", "-l", `app=on-${name}`)).items[0]?.status?.phase,
          (phase) => phase === "Running",
        );
        const [pod] = (await get("pods", "-l", `app=on-${name}`)).items;
        await eventually(
          `its log is seen through ${name}`,
          () => pintle("logs", pod.metadata.name),
          (log) => log.includes("hello"),
        );
      }
    });

    it("may do as nodes what concerns themselves alone, and by the token nothing but ask", async () => {
      const admin = parse(await server.run("cat", kubeconfig));
      const asNode = join(folder, "node.kubeconfig");
      const pem = await one.run("cat", "/var/lib/pintle/agent/identity/client.pem");
      const base64 = (text: string) => Buffer.from(text).toString("base64");
      const keyAt = pem.indexOf("-----BEGIN PRIVATE");
      const write = (user: object) =>
        writeFileSync(asNode, stringify({ ...admin, users: [{ name: admin.users[0].name, user }] }), {
          mode: 0o600,
        });
      const refused = async (...words: readonly string[]) => {
        const said = await server.run("env", `KUBECONFIG=${asNode}`, process.execPath, binary, ...words).then(
          (out) => `done: ${out}`,
          (error: Error) => error.message,
        );
        assert.match(said, /forbidden|Forbidden|not allowed|cannot/, `${words.join(" ")}: ${said}`);
      };
      write({
        "client-certificate-data": base64(pem.slice(0, keyAt)),
        "client-key-data": base64(pem.slice(keyAt)),
      });
      await refused("delete", "node", two.name);
      await refused("get", "secrets", "-n", "kube-system");
      await refused("apply", "-f", join(folder, `${two.name}.yaml`));
      write({ token });
      await refused("get", "nodes");
      await refused("get", "certificatesigningrequests");
      await refused("get", "secrets", "-n", "kube-system");
    });

    it("are missed while they are cut off, and back when they are back, with their pods as they were", async () => {
      await two.cut();
      await eventually(
        "two is missed",
        () => isReady(two.name),
        (ready) => ready === "Unknown",
      );
      assert.equal(await isReady(one.name), "True");
      await two.mend();
      await eventually(
        "two is back",
        () => isReady(two.name),
        (ready) => ready === "True",
      );
      const [pod] = (await get("pods", "-l", `app=on-${two.name}`)).items;
      assert.equal(pod.status.containerStatuses[0].restartCount, 0);
    });

    it("go on without a token when their agent is killed, with the pods that run on", async () => {
      const [before] = (await get("pods", "-l", `app=on-${one.name}`)).items;
      await agents.get(one.name)?.kill("SIGKILL");
      const [url = ""] = line;
      const again = agent(one, [url]);
      await eventually(
        "the agent is ready",
        async () => again.output(),
        (text) => text.includes("agent is ready"),
      );
      await eventually(
        "one is ready",
        () => isReady(one.name),
        (ready) => ready === "True",
      );
      const [after] = (await get("pods", "-l", `app=on-${one.name}`)).items;
      assert.deepEqual(
        [after.metadata.uid, after.status.containerStatuses[0].containerID],
        [before.metadata.uid, before.status.containerStatuses[0].containerID],
      );
    });

    it("outlive the server, which finds everything again", async () => {
      await running.kill("SIGKILL");
      running = server.start([
        "server",
        `--data-dir=${serverDir}`,
        "--controller-manager.node-monitor-grace-period=6s",
      ]);
      for (const { name } of [one, two])
        await eventually(
          `${name} is ready`,
          () => isReady(name),
          (ready) => ready === "True",
        );
    });

    it("are removed with all that is theirs, as budgets allow, and come back by a token alone", async () => {
      await assert.rejects(pintle("node", "remove", "nobody"), /there is no node nobody/);
      const budget = join(folder, "budget.yaml");
      writeFileSync(budget, stringify(budgetOf(one.name)));
      await pintle("apply", "-f", budget);
      await eventually(
        "the budget is known",
        async () => (await get("poddisruptionbudgets", "keep")).status?.observedGeneration,
        (generation) => generation === 1,
      );
      await assert.rejects(
        pintle("node", "remove", one.name, "--timeout", "2s"),
        /on-one-.* waits: .*disruption budget[\s\S]*--timeout: after 2 s there are still default\/on-one-/,
      );
      assert.equal((await get("node", one.name)).spec.unschedulable, true);
      await pintle("delete", "poddisruptionbudget", "keep");
      await pintle("node", "remove", one.name, "--grace-period", "1");
      await assert.rejects(get("node", one.name), /not found/);
      await assert.rejects(get("lease", one.name, "-n", "kube-node-lease"), /not found/);
      const requests = JSON.stringify((await get("certificatesigningrequests")).items);
      assert.ok(!requests.includes(`"system:node:${one.name}"`));
      await eventually(
        "the agent says why it is refused",
        async () => agents.get(one.name)?.output() ?? "",
        (text) => /removed/.test(text),
      );
      await agents.get(one.name)?.kill("SIGKILL");
      const [url = ""] = line;
      const refused = agent(one, [url]);
      assert.equal(await refused.ended, 2);
      assert.match(refused.output(), /node one was removed from the cluster/);
      await assert.rejects(get("node", one.name), /not found/);
      agent(one, line, { PINTLE_TOKEN: token });
      await eventually(
        "one is back",
        () => isReady(one.name),
        (ready) => ready === "True",
      );
      await pintle("token", "delete", token.split(".")[0] ?? "");
      await agents.get(two.name)?.kill("SIGKILL");
      await pintle("node", "remove", two.name, "--force", "--grace-period", "1");
      const late = agent(two, line, { PINTLE_TOKEN: token });
      assert.equal(await late.ended, 2);
      assert.match(late.output(), /does not know token/);
    });
  },
);

/** A Deployment whose pod runs on that node, and says hello. */
function sleeper(node: string): object {
  const labels = { app: `on-${node}` };
  const command = ["sh", "-c", "echo hello; exec sleep 3600"];
  return {
    apiVersion: "apps/v1",
    kind: "Deployment",
    metadata: { name: `on-${node}`, namespace: "default" },
    spec: {
      replicas: 1,
      selector: { matchLabels: labels },
      template: {
        metadata: { labels },
        spec: {
          nodeSelector: { "kubernetes.io/hostname": node },
          terminationGracePeriodSeconds: 1,
          containers: [{ name: "main", image: "pintle.local/host", command }],
        },
      },
    },
  };
}

const budgetOf = (node: string): object => ({
  apiVersion: "policy/v1",
  kind: "PodDisruptionBudget",
  metadata: { name: "keep", namespace: "default" },
  spec: { minAvailable: 1, selector: { matchLabels: { app: `on-${node}` } } },
});

/** Those of the machines' nodes, of which nothing runs any more. */
function removeCgroups(): void {
  for (const node of ["one", "two"])
    for (const line of readFileSync("/proc/self/mounts", "utf8").split("\n")) {
      const [, mount = "", kind = ""] = line.split(" ");
      if (!kind.startsWith("cgroup")) continue;
      execFileSync("sh", [
        "-c",
        `find "${mount}/pintle/${node}" -depth -type d -exec rmdir {} + 2>/dev/null || true`,
      ]);
    }
}
