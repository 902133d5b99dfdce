import { execFile } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as pause } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { deferred } from "../../base/deferred.ts";
import { systemClock } from "../../base/os/clock.ts";
import { silentLog } from "../../base/os/log.ts";
import { systemRandom } from "../../base/os/random.ts";
import { TaskScope } from "../../base/os/task-scope.ts";
import { readClusterState } from "../../cli/up/cluster-state.ts";
import { clusterLayout } from "../../cli/up/layout.ts";
import { InformerFactory } from "../../client/informer.ts";
import { loadKubeconfig } from "../../client/kubeconfig.ts";
import { resources } from "../../client/resources.ts";
import { RestClient } from "../../client/rest.ts";
import type { Draft, Pod } from "../../client/types.ts";
import { usageOf } from "../usage.ts";

export interface NodeOptions {
  readonly pods: number;
  readonly singles: number;
  readonly runtime: string;
  readonly say: (text: string) => void;
}

export interface NodeFigures {
  /** Of each of the pods that were alone on their way. */
  readonly singleMs: readonly number[];
  readonly allSeconds: number;
  /** What is resident of the node's agent: without pods, and with them all at rest. */
  readonly agentMb: { readonly before: number; readonly after: number };
}

const namespace = "bench";
/** What a process is done with it gives back to the system a little later. */
const settleMs = 20_000;
const warmUps = 5;
const run = promisify(execFile);
const pintle = fileURLToPath(new URL("../../bin/pintle", import.meta.url));

/** One life of the smallest cluster: a node, and the control plane in one process. */
export async function measureNode(options: NodeOptions): Promise<NodeFigures> {
  const folder = mkdtempSync(join(tmpdir(), "pintle-bench-node-"));
  const at = ["--data-dir", folder];
  const tasks = new TaskScope(silentLog);
  const smallest = ["--replicas", "1", "--nodes", "1", "--runtime", options.runtime, "--api-port", "0"];
  try {
    await run(pintle, ["up", "--detach", ...smallest, ...at]);
    const agent = readClusterState(clusterLayout(folder))?.components.find(({ kind }) => kind === "agent");
    const client = new RestClient(loadKubeconfig(clusterLayout(folder).kubeconfig), {
      userAgent: "pintle-bench",
    });
    await client.create(resources.namespaces, { metadata: { name: namespace } });
    const running = await followRunning(client, tasks);
    const start = async (name: string) => {
      const startedMs = performance.now();
      await client.create(resources.pods, podOf(name));
      return (await running(name)) - startedMs;
    };
    const singleMs: number[] = [];
    for (let n = 0; n < warmUps + options.singles; n++) {
      const name = `single-${n}`;
      singleMs.push(await start(name));
      await client.delete(resources.pods, { namespace, name }, { gracePeriodSeconds: 0 });
    }
    await pause(settleMs);
    const before = usageOf(agent?.pid ?? undefined).residentMb;
    const names = Array.from({ length: options.pods }, (_, n) => `pod-${n}`);
    const startedMs = performance.now();
    await Promise.all(names.map(start));
    const allSeconds = (performance.now() - startedMs) / 1_000;
    await pause(settleMs);
    const after = usageOf(agent?.pid ?? undefined).residentMb;
    client.close();
    return { singleMs: singleMs.slice(warmUps), allSeconds, agentMb: { before, after } };
  } finally {
    await tasks.stop();
    await run(pintle, ["down", "--purge", ...at]).catch((error: Error) => options.say(error.message));
    rmSync(folder, { recursive: true, force: true });
  }
}

/** What it answers tells when a pod of that name was seen to run, on the clock of `performance`. */
async function followRunning(
  client: RestClient,
  tasks: TaskScope,
): Promise<(name: string) => Promise<number>> {
  const waiting = new Map<string, (ms: number) => void>();
  const seen = new Map<string, number>();
  const deps = { client, clock: systemClock, random: systemRandom, log: silentLog };
  const pods = new InformerFactory(tasks, deps).informer(resources.pods, { namespace });
  const look = ({ metadata: { name }, status }: Pod) => {
    if (status?.phase !== "Running" || seen.has(name)) return;
    seen.set(name, performance.now());
    waiting.get(name)?.(performance.now());
  };
  pods.subscribe({ onAdd: look, onUpdate: look });
  await pods.synced(tasks.signal);
  return async (name) => {
    const known = seen.get(name);
    if (known !== undefined) return known;
    const when = deferred<number>();
    waiting.set(name, when.resolve);
    return when.promise;
  };
}

const podOf = (name: string): Draft<Pod> => ({
  metadata: { namespace, name },
  spec: {
    terminationGracePeriodSeconds: 0,
    containers: [{ name: "c", image: "pintle.local/host", command: ["sleep", "infinity"] }],
  },
});
