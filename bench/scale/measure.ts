import { execFile } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import { systemClock } from "../../base/os/clock.ts";
import { silentLog } from "../../base/os/log.ts";
import { systemRandom } from "../../base/os/random.ts";
import { TaskScope } from "../../base/os/task-scope.ts";
import { InformerFactory } from "../../client/informer.ts";
import { resources } from "../../client/resources.ts";
import { RestClient } from "../../client/rest.ts";
import type { Deployment, Draft, Node } from "../../client/types.ts";
import { type ApiSide, startApiSide } from "../api/peers.ts";
import { type Component, startComponent, writeKubeconfig } from "../component.ts";
import { usageOf } from "../usage.ts";

export interface ScaleOptions {
  readonly nodes: number;
  readonly pods: number;
  /** How long all stands still. */
  readonly seconds: number;
  /** Longer than this nothing is waited for. */
  readonly mostMs: number;
  readonly say: (text: string) => void;
}

export interface ComponentFigures {
  readonly name: string;
  /** Of one core, while all stands still. */
  readonly cores: number;
  readonly cpuSeconds: number;
  readonly residentMb: number;
}

export interface ScaleFigures {
  /** Undefined: not within the time. */
  readonly nodesReadySeconds: number | undefined;
  readonly podsRunningSeconds: number | undefined;
  /** Undefined where there is no kubectl. */
  readonly kubectlSeconds: number | undefined;
  readonly rollSeconds: number | undefined;
  readonly components: readonly ComponentFigures[];
}

const namespace = "scale";
const settleMs = 10_000;
const lookEveryMs = 100;
const name = "web";

/** One life of a cluster of simulated nodes. */
export async function measureScale(options: ScaleOptions): Promise<ScaleFigures> {
  const side = await startApiSide("pintle", { oneProcess: true });
  const folder = mkdtempSync(join(tmpdir(), "pintle-bench-scale-"));
  const started: Component[] = [];
  try {
    const start = async (words: readonly string[], kubeconfig: string, serves: boolean) => {
      const component = await startComponent([...words, "--kubeconfig", kubeconfig], { folder, serves });
      started.push(component);
    };
    const startControl = async (name: string, ...flags: readonly string[]) => {
      const access = await side.accessAs(`system:kube-${name}`);
      const kubeconfig = writeKubeconfig(folder, access, `${name}.kubeconfig`);
      await start([name, "--leader-elect=false", ...flags], kubeconfig, true);
    };
    await startControl("scheduler");
    await startControl("controller-manager", "--allocate-node-cidrs", "--cluster-cidr=10.0.0.0/8");
    const kubeconfig = writeKubeconfig(folder, side.access);
    const startNodes = () =>
      start(["agent", "--simulate", String(options.nodes), "--node-name", "sim"], kubeconfig, false);
    return await live(side, { kubeconfig, startNodes, started }, options);
  } finally {
    for (const component of started.reverse()) await component.stop();
    await side.stop();
    rmSync(folder, { recursive: true, force: true });
  }
}

interface Cluster {
  readonly kubeconfig: string;
  readonly startNodes: () => Promise<void>;
  readonly started: readonly Component[];
}

async function live(side: ApiSide, cluster: Cluster, options: ScaleOptions): Promise<ScaleFigures> {
  const { nodes, pods, mostMs, say } = options;
  const { port, caPem, certificatePem, keyPem } = side.access;
  const client = new RestClient(
    { servers: [`https://127.0.0.1:${port}`], caPem, certificatePem, privateKeyPem: keyPem, namespace },
    { userAgent: "pintle-bench" },
  );
  const tasks = new TaskScope(silentLog);
  try {
    const deps = { client, clock: systemClock, random: systemRandom, log: silentLog };
    const informers = new InformerFactory(tasks, deps);
    const seenNodes = informers.informer(resources.nodes);
    const timed = async (what: string, begin: () => Promise<unknown>, holds: () => boolean) => {
      const startedMs = performance.now();
      await begin();
      const held = await until(holds, mostMs);
      const seconds = held ? (performance.now() - startedMs) / 1000 : undefined;
      say(
        seconds === undefined ? `${what}: not within ${mostMs / 1000} s` : `${what}: ${seconds.toFixed(1)} s`,
      );
      return seconds;
    };
    const nodesReadySeconds = await timed(
      `${nodes} nodes ready`,
      cluster.startNodes,
      () => seenNodes.size >= nodes && seenNodes.list().every(isReady),
    );
    await client.create(resources.namespaces, { metadata: { name: namespace } });
    const deployments = informers.informer(resources.deployments, { namespace });
    let generation = 1;
    const isRolledOut = () => deployments.list().some((one) => rolledOut(one, pods, generation));
    const podsRunningSeconds = await timed(
      `${pods} pods running`,
      () => client.create(resources.deployments, deploymentOf(pods)),
      isRolledOut,
    );
    const kubectlSeconds = await listWithKubectl(cluster.kubeconfig);
    say(
      kubectlSeconds === undefined
        ? "there is no kubectl"
        : `kubectl get pods -A: ${kubectlSeconds.toFixed(1)} s`,
    );
    const annotations = { "example.com/roll": "1" };
    const rollSeconds = await timed(
      "the Deployment rolled",
      async () => {
        const body = { spec: { template: { metadata: { annotations } } } };
        const patched = await client.patch(resources.deployments, { namespace, name }, body, {
          type: "merge",
        });
        generation = patched.metadata.generation ?? generation;
      },
      isRolledOut,
    );
    const components = await standStill(side, cluster.started, options);
    return { nodesReadySeconds, podsRunningSeconds, kubectlSeconds, rollSeconds, components };
  } finally {
    await tasks.stop();
    client.close();
  }
}

/** False where it does not come to hold in time. */
async function until(holds: () => boolean, mostMs: number): Promise<boolean> {
  const deadlineMs = performance.now() + mostMs;
  while (!holds()) {
    if (performance.now() > deadlineMs) return false;
    await new Promise((resolve) => setTimeout(resolve, lookEveryMs));
  }
  return true;
}

const isReady = ({ status }: Node): boolean =>
  (status?.conditions ?? []).some((one) => one.type === "Ready" && one.status === "True");

/** What stands since this generation, or a later one. */
function rolledOut({ status }: Deployment, pods: number, generation: number): boolean {
  const { observedGeneration = 0, replicas, updatedReplicas, availableReplicas } = status ?? {};
  return (
    observedGeneration >= generation &&
    [replicas, updatedReplicas, availableReplicas].every((count) => count === pods)
  );
}

function deploymentOf(replicas: number): Draft<Deployment> {
  const labels = { app: name };
  const requests = { cpu: "100m", memory: "100Mi" };
  return {
    metadata: { namespace, name },
    spec: {
      replicas,
      selector: { matchLabels: labels },
      template: {
        metadata: { labels },
        spec: { containers: [{ name: "c", image: "registry.example/web:1", resources: { requests } }] },
      },
    },
  } as Draft<Deployment>;
}

async function listWithKubectl(kubeconfig: string): Promise<number | undefined> {
  const startedMs = performance.now();
  const args = ["--kubeconfig", kubeconfig, "get", "pods", "-A"];
  try {
    await promisify(execFile)("kubectl", args, { maxBuffer: 2 ** 30 });
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ENOENT") return undefined;
    throw error;
  }
  return (performance.now() - startedMs) / 1000;
}

async function standStill(
  side: ApiSide,
  started: readonly Component[],
  { seconds, say }: ScaleOptions,
): Promise<ComponentFigures[]> {
  const all = [{ name: "API server and store", pid: side.pids.server }, ...started];
  // What the roll left to do is done first.
  await new Promise((resolve) => setTimeout(resolve, settleMs));
  const before = all.map(({ pid }) => usageOf(pid));
  await new Promise((resolve) => setTimeout(resolve, seconds * 1000));
  return all.map(({ name, pid }, at) => {
    const { cpuSeconds, residentMb } = usageOf(pid);
    const cores = (cpuSeconds - (before[at]?.cpuSeconds ?? 0)) / seconds;
    say(`${name}: ${cores.toFixed(3)} cores at rest, ${residentMb.toFixed(0)} MB`);
    return { name, cores, cpuSeconds, residentMb };
  });
}
