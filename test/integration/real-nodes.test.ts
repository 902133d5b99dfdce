import assert from "node:assert/strict";
import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { findProgram } from "../../agent/runtime/choose.ts";
import { sleep, systemClock } from "../../base/os/clock.ts";
import { resources } from "../../client/resources.ts";
import type { Pod } from "../../client/types.ts";
import type { Cluster } from "../../cluster/cluster.ts";
import { startCluster } from "../../cluster/start-cluster.ts";
import { answeringPod } from "../answering-pod.ts";

const at = { namespace: "default" };
const isRoot = process.getuid?.() === 0;
const missing = ["crun", "ip"].filter((name) => findProgram(name) === undefined);

/** Processes that were started for a folder, by number. */
const processesOf = (folder: string): readonly string[] =>
  readdirSync("/proc")
    .filter((name) => /^\d+$/.test(name))
    .filter((pid) => {
      try {
        return readFileSync(`/proc/${pid}/cmdline`, "utf8").includes(folder);
      } catch {
        return false; // it has just ended
      }
    });
const mountsIn = (folder: string) =>
  readFileSync("/proc/self/mountinfo", "utf8")
    .split("\n")
    .filter((line) => line.includes(folder));
const namespacesOf = (node: string) =>
  existsSync("/run/netns") ? readdirSync("/run/netns").filter((name) => name.endsWith(`-${node}`)) : [];
/** Who was killed is gone a moment later, and so is who watched over it. */
const untilNone = async (left: () => readonly string[]): Promise<void> => {
  const deadlineMs = systemClock.monotonicMs() + 60_000;
  while (left().length > 0) {
    if (systemClock.monotonicMs() > deadlineMs) assert.deepEqual(left(), []);
    await sleep(systemClock, 50);
  }
};
const isAlive = (pid: string) => existsSync(`/proc/${pid}`);

/** Answers requests, and says first which process it is and what the API server tells it by its own rights. */
const script = `echo process $$$$
account=\${PINTLE_ROOT:-}/var/run/secrets/kubernetes.io/serviceaccount
curl -sS -m 20 --cacert $account/ca.crt -H "Authorization: Bearer $(cat $account/token)" \\
  https://$KUBERNETES_SERVICE_HOST:$KUBERNETES_SERVICE_PORT/api/v1/namespaces/default/pods/$POD | grep -o '"reason": *"[A-Za-z]*"'
exec perl -e '${answeringPod}'`;
const podOf = (name: string, more: object = {}) => ({
  apiVersion: "v1",
  kind: "Pod",
  metadata: { name, labels: { app: name } },
  spec: {
    terminationGracePeriodSeconds: 1,
    containers: [
      {
        name: "answers",
        image: "pintle.local/host",
        command: ["sh", "-c", script],
        env: [{ name: "POD", value: name }],
        readinessProbe: { httpGet: { port: 8080 }, periodSeconds: 1 },
      },
    ],
    ...more,
  },
});
const logsOf = async (cluster: Cluster, name: string): Promise<string> => {
  const pieces: Uint8Array[] = [];
  for await (const piece of cluster.client.logs({ ...at, name }, {})) pieces.push(piece);
  return Buffer.concat(pieces).toString();
};
const runIn = async (cluster: Cluster, name: string, command: readonly string[]): Promise<string> => {
  let said = "";
  const hear = (bytes: Uint8Array) => {
    said += Buffer.from(bytes).toString();
  };
  const session = await cluster.client.exec({ ...at, name }, { command, onStdout: hear, onStderr: hear });
  assert.equal(await session.exitCode, 0, said);
  return said;
};
const restartsOf = ({ status }: Pod) => status?.containerStatuses?.[0]?.restartCount ?? 0;
const isUp = ({ status }: Pod) => status?.containerStatuses?.[0]?.ready === true;

for (const runtime of ["processes", "containers"] as const)
  describe(`a cluster inside a test with a real node of ${runtime}`, function () {
    this.timeout(120_000);
    const realNode = `real-${process.pid}`;
    const usual = process.env.TMPDIR;
    let folder: string;
    let cluster: Cluster | undefined;
    const running = () => cluster ?? assert.fail("it did not start");

    before(async function () {
      if (runtime === "containers" && !(isRoot && missing.length === 0)) {
        console.log(`      containers need root, crun and ip; missing: ${isRoot ? missing : "root"}`);
        this.skip();
      }
      folder = mkdtempSync(join(tmpdir(), "pintle-test-"));
      process.env.TMPDIR = folder;
      cluster = await startCluster({
        nodes: [
          { name: realNode, runtime, zone: "a", labels: { disk: "fast" }, taints: ["real=true:NoSchedule"] },
          { name: "simulated" },
        ],
      });
    });
    after(async () => {
      await cluster?.stop();
      if (usual === undefined) delete process.env.TMPDIR;
      else process.env.TMPDIR = usual;
      if (folder !== undefined) rmSync(folder, { recursive: true, force: true });
    });
    const onRealNode = { tolerations: [{ key: "real", operator: "Exists" }], nodeSelector: { disk: "fast" } };

    it("runs a pod truly: probes, logs, commands, ports, and the API by the pod's own rights", async () => {
      const { client } = running();
      const web = podOf("web", onRealNode);
      const service = {
        apiVersion: "v1",
        kind: "Service",
        metadata: { name: "web" },
        spec: { selector: { app: "web" }, ports: [{ port: 18_080, targetPort: 8080 }] },
      };
      await running().apply([service, web, podOf("beside")]);
      const [pod] = (await running().untilReady([web, podOf("beside")])) as readonly Pod[];
      assert.equal(pod?.spec.nodeName, realNode);
      const node = await client.get(resources.nodes, { name: realNode });
      assert.equal(node.metadata.labels?.["topology.kubernetes.io/zone"], "a");
      const logs = await logsOf(running(), "web");
      assert.match(logs, /^process \d+$/m);
      assert.match(logs, /^"reason": *"Forbidden"$/m);
      assert.equal(await runIn(running(), "web", ["sh", "-c", "echo $POD"]), "web\n");
      const socket = await client.portForward({ ...at, name: "web" }, 8080);
      socket.write("GET / HTTP/1.0\r\n\r\n");
      let answer = "";
      // The protocol does not tell that the other side has ended.
      for await (const piece of socket) {
        answer += piece;
        if (answer.endsWith("web")) break;
      }
      assert.match(answer, /\r\n\r\nweb$/);
      const { spec } = await client.get(resources.services, { ...at, name: "web" });
      const url = `http://${spec?.clusterIP}:18080/`;
      const ask = ["curl", "-s", "-m", "20", "--retry", "9", "--retry-all-errors", url];
      assert.equal(await runIn(running(), "web", ask), "web");
    });

    it("loses what runs when the node crashes, and starts it anew when it is back", async () => {
      const before = await logsOf(running(), "web");
      const [, pid = ""] = /^process (\d+)$/m.exec(before) ?? [];
      await running().crash(realNode);
      await untilNone(() => processesOf(`${folder}/`).filter((one) => isShim(one)));
      if (runtime === "processes") await untilNone(() => (isAlive(pid) ? [pid] : []));
      await running().restart(realNode);
      await running().until(
        resources.pods,
        (all) => all.some((pod) => pod.metadata.name === "web" && restartsOf(pod) === 1 && isUp(pod)),
        { timeout: "60s", what: "the pod runs again" },
      );
    });

    it("refuses by name what only simulated nodes can be asked", async () => {
      const other = runtime === "processes" ? "containers" : "processes";
      await assert.rejects(
        running().clock.advance("1s"),
        /TypeError: the clock cannot be moved on: .* machine's time/,
      );
      await assert.rejects(
        running().snapshot(),
        /snapshot: what runs on real nodes cannot be kept .*: real-/,
      );
      await assert.rejects(
        running().setNodeTroubles(realNode, { notReady: "x" }),
        /is a real node, which says itself/,
      );
      assert.throws(
        () => running().partition(realNode),
        /TypeError: "real-\d+" is a real node, which cannot be cut off/,
      );
      await assert.rejects(
        running().addNode({ runtime: other }),
        /TypeError: node.runtime: "\w+" cannot be beside/,
      );
      await assert.rejects(
        running().addNode({ runtime, capacity: { cpu: 1 } }),
        /TypeError: node.capacity: \{"cpu":1\} is of simulated nodes: one of \w+ has what this machine has/,
      );
    });

    it("takes a node that is added, and gives it up drained: its pods end, its object goes", async () => {
      const added = await running().addNode({ name: `${realNode}-b`, runtime, labels: { disk: "added" } });
      const more = podOf("more", { nodeSelector: { disk: "added" } });
      await running().apply(more);
      await running().untilReady(more);
      const [, pid = ""] = /^process (\d+)$/m.exec(await logsOf(running(), "more")) ?? [];
      await running().removeNode(added);
      assert.deepEqual(running().nodes, [realNode, "simulated"]);
      const nodes = await running().client.list(resources.nodes);
      assert.deepEqual(
        nodes.items.map(({ metadata }) => metadata.name).sort(),
        [realNode, "simulated"].sort(),
      );
      if (runtime === "processes") await untilNone(() => (isAlive(pid) ? [pid] : []));
      assert.deepEqual(namespacesOf(added), []);
      assert.equal(existsSync(join(folder, added)), false);
    });

    it("leaves nothing when it is stopped: no process, mount, namespace or file", async () => {
      await running().stop();
      await untilNone(() => processesOf(`${folder}/`));
      assert.deepEqual(mountsIn(folder), []);
      assert.deepEqual(namespacesOf(realNode), []);
      assert.deepEqual(readdirSync(folder), []);
    });
  });

const isShim = (pid: string): boolean => {
  try {
    return readFileSync(`/proc/${pid}/cmdline`, "utf8").includes("shim.pl");
  } catch {
    return false; // it has just ended
  }
};

describe("real nodes of a cluster whose end nobody asks for", function () {
  this.timeout(120_000);
  let folder: string;
  let child: ChildProcess | undefined;

  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), "pintle-test-"));
  });
  afterEach(() => {
    child?.kill("SIGKILL");
    rmSync(folder, { recursive: true, force: true });
  });

  /** A program with a real node that runs a pod; its first line says so. */
  const start = async (...words: readonly string[]) => {
    const program = fileURLToPath(new URL("real-node.mjs", import.meta.url));
    const started = spawn(process.execPath, [program, ...words], {
      stdio: ["ignore", "pipe", "inherit"],
      env: { ...process.env, TMPDIR: folder },
    });
    child = started;
    const [line] = (await once(started.stdout, "data")) as [Buffer];
    const [, pid = ""] = /^process (\d+)/.exec(String(line)) ?? [];
    assert.notEqual(pid, "", `it said: ${line}`);
    return { started, pid };
  };
  const untilNothing = async (pid: string) => {
    const left = () => [...processesOf(`${folder}/`), ...(isAlive(pid) ? [pid] : []), ...readdirSync(folder)];
    await untilNone(left);
  };

  it("end with its process when that is killed", async () => {
    const { started, pid } = await start();
    started.kill("SIGKILL");
    await untilNothing(pid);
  });

  it("end with its process when a test forgets it, and do not keep it from ending", async () => {
    const { started, pid } = await start("forget");
    await once(started, "exit");
    await untilNothing(pid);
  });

  it("are removed by it where the process was killed that keeps them", async () => {
    const { started, pid } = await start("kill-keeper");
    const [code] = await once(started, "exit");
    assert.equal(code, 0);
    await untilNothing(pid);
  });
});

describe("real nodes on a machine that cannot have them", () => {
  it("are refused, with what is missing and what to do", async () => {
    const usual = process.env.PATH;
    process.env.PATH = "/nowhere";
    try {
      await assert.rejects(
        startCluster({ nodes: [{ runtime: "containers" }] }),
        /^Error: nodes of containers cannot run here: .*no crun or runc \(apt-get install crun\), .*no perl .*; see to that, or have "processes"/,
      );
    } finally {
      process.env.PATH = usual;
    }
  });
});
