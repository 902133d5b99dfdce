import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { chmodSync, existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { loadKubeconfig } from "../../../client/kubeconfig.ts";
import { resources } from "../../../client/resources.ts";
import { RestClient } from "../../../client/rest.ts";
import type { Node, Pod } from "../../../client/types.ts";
import { eventually } from "../../local-cluster.ts";
import { type Machine, type MachineProcess, type Machines, startMachines } from "../../machines.ts";
import { isRolledOut } from "../../rolled-out.ts";
import { isReady } from "../../rollout-witness.ts";
import { Requests, Writes } from "./load.ts";
import { portTo, relayFrom } from "./relay.ts";
import { db, headless, service, web, webPods } from "./workload.ts";

const serverDir = "/var/lib/pintle/server";
/** What the machines' tmpfs hold: a pod can fill one in a moment. */
const diskBytes = 192 * 2 ** 20;
export const processesMost = 100;

/** A server and two nodes, machines of their own, under constant load. `two` is the one that things happen to; the Service is asked
 *  from `one`. */
export class TroubledCluster {
  readonly #machines: Machines;
  readonly #folder: string;
  readonly #ends: (() => void)[] = [];
  readonly #agents = new Map<string, MachineProcess>();
  readonly #server: MachineProcess;
  readonly #watching = new AbortController();
  #join: readonly string[] = [];
  #token = "";
  /** All that nodes ever told of themselves, in order, as `troublesOf` says it. */
  readonly told: { readonly node: string; readonly troubles: string; readonly atMs: number }[] = [];
  client!: RestClient;
  requests!: Requests;
  writes!: Writes;

  private constructor(machines: Machines, folder: string) {
    this.#machines = machines;
    this.#folder = folder;
    this.#server = this.control.start([
      "server",
      `--data-dir=${serverDir}`,
      "--controller-manager.node-monitor-grace-period=6s",
    ]);
  }

  static async start(): Promise<TroubledCluster> {
    const folder = mkdtempSync(join(tmpdir(), "troubled-"));
    chmodSync(folder, 0o755);
    mkdirSync(join(folder, "witness"));
    const cluster = new TroubledCluster(await startMachines(["control", "one", "two"]), folder);
    try {
      await cluster.#begin();
      return cluster;
    } catch (error) {
      console.error(cluster.said());
      await cluster.stop();
      throw error;
    }
  }

  get control(): Machine {
    return this.#machine(0);
  }
  get one(): Machine {
    return this.#machine(1);
  }
  get two(): Machine {
    return this.#machine(2);
  }
  #machine(at: number): Machine {
    const machine = this.#machines.machines[at];
    assert.ok(machine);
    return machine;
  }

  async #begin(): Promise<void> {
    await eventually(
      "the server says how machines join",
      async () => this.#server.output(),
      (text) => /join=.*discovery-token-ca-cert-hash/.test(text),
    );
    await this.#connect();
    const pintle = join(import.meta.dirname, "../../../bin/pintle");
    const admin = ["env", `KUBECONFIG=${serverDir}/kubeconfig`, process.execPath, pintle] as const;
    const line = await this.control.run(...admin, "token", "create", "--print-join-command");
    const [token = "", , , ...words] = line.trim().split(" "); // PINTLE_TOKEN=… pintle agent …
    this.#join = words;
    this.#token = token.slice(token.indexOf("=") + 1);
    for (const machine of [this.one, this.two]) {
      await machine.run("mount", "-o", `remount,size=${diskBytes}`, "/var/lib/pintle");
      // Service addresses are on no link: what has no way at all is never rewritten.
      await machine.run("ip", "route", "add", "default", "via", this.control.address);
      this.startAgent(machine);
    }
    for (const { name } of [this.one, this.two])
      await eventually(
        `${name} is well`,
        () => this.#nodeIfAny(name),
        (node) => node !== undefined && troublesOf(node) === "",
      );
    void this.#watchNodes();
    await this.client.create(resources.services, service as never);
    await this.client.create(resources.services, headless as never);
    await this.client.create(resources.deployments, web as never);
    await this.client.create(resources.statefulsets, db(join(this.#folder, "witness")) as never);
    await this.spread();
    const { spec } = await this.client.get(resources.services, { namespace: "default", name: "web" });
    const folder = this.#folder;
    this.requests = new Requests(await relayFrom(this.one, { host: spec.clusterIP ?? "", port: 80, folder }));
    this.#ends.push(() => this.requests.stop());
    this.writes = await Writes.start(this.client);
    await this.answered();
  }

  /** As the server's administrator. */
  async #connect(): Promise<void> {
    const text = await this.control.run("cat", `${serverDir}/kubeconfig`);
    const file = join(this.#folder, "kubeconfig");
    writeFileSync(file, text, { mode: 0o600 });
    const config = loadKubeconfig(file);
    const url = new URL(config.servers[0] ?? "");
    const path = await relayFrom(this.control, {
      host: this.control.address,
      port: Number(url.port),
      folder: this.#folder,
    });
    const { port, close } = await portTo(path);
    this.client = new RestClient({
      ...config,
      servers: [`https://127.0.0.1:${port}`],
      serverName: "localhost",
    });
    this.#ends.push(close, () => this.client.close());
  }

  /** What is to be seen of a node, told as long as the cluster is. */
  async #watchNodes(): Promise<void> {
    const { signal } = this.#watching;
    while (!signal.aborted)
      try {
        for await (const event of this.client.watch(resources.nodes, {}, signal)) {
          if (event.type === "BOOKMARK") continue;
          const node = event.object.metadata.name;
          this.told.push({ node, troubles: troublesOf(event.object), atMs: performance.now() });
        }
      } catch (error) {
        if (!signal.aborted) throw error;
      }
  }

  startAgent(machine: Machine): MachineProcess {
    const agent = machine.start(
      [
        "agent",
        ...this.#join,
        `--node-name=${machine.name}`,
        "--runtime=oci",
        "--allow-host-image",
        "--ingress=false",
        "--node-lease-duration-seconds=4",
        "--node-status-update-frequency=2s",
        `--pod-max-pids=${processesMost}`,
        "--eviction-hard=nodefs.available<25%",
        "--eviction-pressure-transition-period=3s",
        "--image-gc-high-threshold=100",
      ],
      { PINTLE_TOKEN: this.#token },
    );
    this.#agents.set(machine.name, agent);
    return agent;
  }

  agentOf({ name }: Machine): MachineProcess {
    const agent = this.#agents.get(name);
    assert.ok(agent);
    return agent;
  }

  node({ name }: Machine): Promise<Node> {
    return this.client.get(resources.nodes, { name });
  }

  async #nodeIfAny(name: string): Promise<Node | undefined> {
    const { items } = await this.client.list(resources.nodes);
    return items.find(({ metadata }) => metadata.name === name);
  }

  async pods(app: string): Promise<readonly Pod[]> {
    return (await this.client.list(resources.pods, { namespace: "default", labelSelector: `app=${app}` }))
      .items;
  }

  /** All is as it should be: both nodes well, all pods ready, one of each kind on each node. */
  async spread(): Promise<void> {
    for (const machine of [this.one, this.two])
      await eventually(
        `${machine.name} is well`,
        () => this.node(machine),
        (node) => troublesOf(node) === "" && (node.spec?.taints ?? []).length === 0,
      );
    for (const [resource, name] of [
      [resources.deployments, "web"],
      [resources.statefulsets, "db"],
    ] as const)
      for (;;) {
        const ref = { namespace: "default", name };
        await eventually(`${name} is rolled out`, () => this.client.get(resource, ref), isRolledOut);
        const pods = await eventually(
          `${name} has its pods`,
          () => this.pods(name),
          (all) => all.length === webPods && all.every(isReady),
        );
        const [first] = pods;
        if (first === undefined || new Set(pods.map(({ spec }) => spec.nodeName)).size > 1) break;
        await this.client.delete(resources.pods, { namespace: "default", name: first.metadata.name });
        await eventually(
          `${first.metadata.name} is gone`,
          () => this.pods(name),
          (all) => all.every(({ metadata }) => metadata.uid !== first.metadata.uid),
        );
      }
  }

  /** The Service's ways lead to pods that answer, and only to those. Answers since when. */
  async answered(): Promise<number> {
    const fromMs = performance.now();
    await eventually(
      "the Service answers",
      async () => this.requests.outcomes.filter(({ atMs }) => atMs >= fromMs).length,
      (count) => count > 20 && this.requests.areAnswered(20),
    );
    return performance.now();
  }

  /** What nodes told from then on. */
  toldSince(fromMs: number, node: string): readonly string[] {
    const found = this.told.filter((one) => one.atMs >= fromMs && one.node === node);
    return [...new Set(found.map(({ troubles }) => troubles))].filter((text) => text !== "");
  }

  events(name: string, reason: string) {
    return this.client
      .list(resources.events, {
        namespace: "default",
        fieldSelector: `involvedObject.name=${name},reason=${reason}`,
      })
      .then(({ items }) => items);
  }

  /** Pods of a StatefulSet that ran beside one of the same name. */
  ranTwice(): string {
    const file = join(this.#folder, "witness", "twice");
    return existsSync(file) ? readFileSync(file, "utf8") : "";
  }

  summary(): string {
    const { requests, writes } = this;
    const failed = requests.failedSince(0).length;
    const asked = `${requests.outcomes.length} requests, ${failed} not answered while a node was missed`;
    const written = `${writes.outcomes.length} writes, the longest ${Math.round(writes.longestMs)} ms`;
    return `${asked}; ${written}`;
  }

  /** What the programs said last. */
  said(): string {
    const last = (name: string, text: string) => `${name}: ${text.slice(-4000)}`;
    const agents = [...this.#agents].map(([name, { output }]) => last(name, output()));
    const asked = this.requests?.outcomes.slice(-5).map((one) => JSON.stringify(one)) ?? [];
    return [...asked, last("server", this.#server.output()), ...agents].join("\n");
  }

  async stop(): Promise<void> {
    this.#watching.abort();
    for (const end of this.#ends.splice(0).reverse()) end();
    await this.#machines.stop();
    rmSync(this.#folder, { recursive: true, force: true });
    removeCgroups();
  }
}

/** What a node says of itself, or the cluster of it, that is not well. */
export function troublesOf({ status }: Node): string {
  const found = (status?.conditions ?? []).filter((one) =>
    one.type === "Ready" ? one.status !== "True" : one.status !== "False",
  );
  if (status?.conditions === undefined) return "none told";
  return found.map(({ type, status: is }) => `${type} ${is}`).join();
}

/** Those of the machines' nodes, of which nothing runs any more. */
function removeCgroups(): void {
  for (const node of ["one", "two"])
    for (const line of readFileSync("/proc/self/mounts", "utf8").split("\n")) {
      const [, mount = "", kind = ""] = line.split(" ");
      if (!kind.startsWith("cgroup")) continue;
      const script = 'find "$1" -depth -type d -exec rmdir {} + 2>/dev/null || true';
      execFileSync("sh", ["-c", script, "sh", `${mount}/pintle/${node}`]);
    }
}
