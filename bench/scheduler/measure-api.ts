import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { systemClock } from "../../base/os/clock.ts";
import { silentLog } from "../../base/os/log.ts";
import { systemRandom } from "../../base/os/random.ts";
import { TaskScope } from "../../base/os/task-scope.ts";
import { InformerFactory } from "../../client/informer.ts";
import { resources } from "../../client/resources.ts";
import { RestClient } from "../../client/rest.ts";
import type { Draft, Node, Pod } from "../../client/types.ts";
import { startApiSide } from "../api/peers.ts";
import { type Component, startComponent, writeKubeconfig } from "../component.ts";
import { benchNode, highPriority, namespace, type Workload } from "./workloads.ts";

export interface ApiFigures {
  /** Pods per second, from the first binding of a measured pod that was seen to the last. */
  readonly perSecond: number;
  readonly seconds: number;
  readonly scheduled: number;
  /** Of a cycle, as the scheduler counts it: the bound below which 99 in 100 stay. */
  readonly cycleP99Ms: number;
}

export interface ApiOptions {
  readonly nodes: number;
  readonly pods: number;
  /** So many requests at a time create what is placed. */
  readonly clients: number;
  /** Longer than this nothing is waited for. */
  readonly mostMs: number;
}

/** One workload over an API server with its store, and a scheduler, a process each; nodes are objects and nothing more. */
export async function measureOverApi(workload: Workload, options: ApiOptions): Promise<ApiFigures> {
  const side = await startApiSide("pintle", { oneProcess: true });
  const folder = mkdtempSync(join(tmpdir(), "pintle-bench-scheduler-"));
  const kubeconfig = writeKubeconfig(folder, await side.accessAs("system:kube-scheduler"));
  const { port, caPem, certificatePem, keyPem } = side.access;
  const servers = [`https://127.0.0.1:${port}`];
  const access = { servers, caPem, certificatePem, privateKeyPem: keyPem, namespace };
  const client = new RestClient(access, { clock: systemClock, userAgent: "pintle-bench" });
  const tasks = new TaskScope(silentLog);
  let scheduler: Component | undefined;
  const start = () =>
    startComponent(["scheduler", "--kubeconfig", kubeconfig, "--leader-elect=false"], {
      folder,
      serves: true,
    });
  try {
    await client.create(resources.namespaces, { metadata: { name: namespace } });
    const { name, value } = highPriority;
    await client.raw("POST", "/apis/scheduling.k8s.io/v1/priorityclasses", { metadata: { name }, value });
    await each(options.nodes, options.clients, (at) => createNode(client, benchNode(at, workload.nodeCpu)));
    const deps = { client, clock: systemClock, random: systemRandom, log: silentLog };
    const informer = new InformerFactory(tasks, deps).informer(resources.pods);
    const bound = new Bound();
    informer.subscribe({ onAdd: (pod) => bound.see(pod), onUpdate: (pod) => bound.see(pod) });
    const create = (pod: Draft<Pod>) => client.create(resources.pods, pod);
    const { before } = workload;
    if (before !== undefined) {
      scheduler = await start();
      await each(before.pods, options.clients, (at) => create(before.make(at)));
      await bound.until(before.pods, options.mostMs);
      await scheduler.stop();
    }
    bound.reset();
    // The pods wait already: what creates them would take the cores from what places them.
    await each(options.pods, options.clients, (at) => create(workload.make(at)));
    scheduler = await start();
    const stopChurn = new AbortController();
    const churning = workload.churns ? churn(client, options.nodes, stopChurn.signal) : undefined;
    await bound.until(options.pods, options.mostMs);
    stopChurn.abort();
    await churning;
    const { count, firstMs, lastMs } = bound;
    const seconds = (lastMs - firstMs) / 1000;
    const cycleP99Ms = p99Of(await (await fetch(`${scheduler.url}/metrics`)).text());
    return { perSecond: seconds === 0 ? 0 : count / seconds, seconds, scheduled: count, cycleP99Ms };
  } finally {
    await tasks.stop();
    await scheduler?.stop();
    client.close();
    await side.stop();
    rmSync(folder, { recursive: true, force: true });
  }
}

/** When pods were seen on a node. */
class Bound {
  readonly #seen = new Set<string>();
  count = 0;
  firstMs = 0;
  lastMs = 0;
  #wanted: { readonly count: number; readonly resolve: () => void } | undefined;

  see({ metadata, spec }: Pod): void {
    if (!spec.nodeName || this.#seen.has(metadata.uid)) return;
    this.#seen.add(metadata.uid);
    this.lastMs = performance.now();
    if (this.count++ === 0) this.firstMs = this.lastMs;
    if (this.#wanted !== undefined && this.count >= this.#wanted.count) this.#wanted.resolve();
  }

  reset(): void {
    this.count = 0;
  }

  /** Resolves when so many are on a node, or no more come in time. */
  until(count: number, mostMs: number): Promise<void> {
    return new Promise((resolve) => {
      const late = setTimeout(() => done(), mostMs);
      const done = () => {
        clearTimeout(late);
        this.#wanted = undefined;
        resolve();
      };
      if (this.count >= count) done();
      else this.#wanted = { count, resolve: done };
    });
  }
}

async function each(total: number, clients: number, work: (at: number) => Promise<unknown>): Promise<void> {
  let next = 0;
  const client = async () => {
    while (next < total) await work(next++);
  };
  await Promise.all(Array.from({ length: clients }, client));
}

async function createNode(client: RestClient, node: Draft<Node>): Promise<void> {
  const made = await client.create(resources.nodes, node);
  await client.updateStatus(resources.nodes, { ...made, status: node.status } as Node);
  if (made.spec?.taints !== undefined)
    await client.patch(resources.nodes, made.metadata, { spec: { taints: null } }, { type: "merge" });
}

/** Nodes come and go until the signal aborts. */
async function churn(client: RestClient, nodes: number, signal: AbortSignal): Promise<void> {
  for (let at = 0; !signal.aborted; at++) {
    const draft = benchNode(nodes + (at % 10));
    await createNode(client, draft);
    await client.delete(resources.nodes, { name: draft.metadata.name ?? "" });
  }
}

/** The upper bound of the bucket that has the 99th of 100 cycles. */
function p99Of(metrics: string): number {
  const rows = [
    ...metrics.matchAll(/scheduler_scheduling_algorithm_duration_seconds_bucket\{le="([^"]+)"\} (\d+)/g),
  ].map(([, bound = "", count = ""]) => ({ bound: Number(bound), count: Number(count) }));
  const total = rows.at(-1)?.count ?? 0;
  const found = rows.find(({ count }) => count >= 0.99 * total);
  return (found?.bound ?? Number.NaN) * 1000;
}
