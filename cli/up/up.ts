import { spawn } from "node:child_process";
import { setMaxListeners } from "node:events";
import { createWriteStream } from "node:fs";
import { open, readFile } from "node:fs/promises";
import { request as httpRequest } from "node:http";
import { request as httpsRequest } from "node:https";
import { join } from "node:path";
import { proxyModes } from "../../agent/network-seam.ts";
import { ownLacks } from "../../agent/runtime/process/lacks.ts";
import { systemClock } from "../../base/os/clock.ts";
import { flagVariable, UsageError } from "../../base/os/flags.ts";
import { closeInheritedFiles } from "../../base/os/inherited-files.ts";
import { createLog } from "../../base/os/log.ts";
import { makeFolder } from "../../base/os/make-folder.ts";
import { systemRandom } from "../../base/os/random.ts";
import { settleMemory } from "../../base/os/settle-memory.ts";
import { loadKubeconfig } from "../../client/kubeconfig.ts";
import { resources } from "../../client/resources.ts";
import { RestClient } from "../../client/rest.ts";
import { features } from "../../controlplane/apiserver/features.ts";
import { type CommandIo, command, OperatorError } from "../command.ts";
import { systemOs } from "../run-component.ts";
import { ensureAuditPolicy, upAuditFlags } from "./audit.ts";
import { type ClusterPlan, isAlive, readClusterState, writeClusterState } from "./cluster-state.ts";
import { prepareCredentials } from "./credentials.ts";
import { customMetricsWords, upMetricsFlags } from "./custom-metrics.ts";
import {
  type DashboardWanted,
  dashboardFlags,
  dashboardOf,
  type LocalDashboard,
  startDashboard,
} from "./dashboard.ts";
import { createHostNetwork, type HostNetwork } from "./host-network.ts";
import { ensureIngressClass } from "./ingress-class.ts";
import { clusterLayout, defaultFolder, type Layout } from "./layout.ts";
import { endLeftovers, removePods } from "./leftovers.ts";
import { ensureLocalPathClass } from "./local-path-class.ts";
import { decidePlan, missingForContainers } from "./plan.ts";
import { createProgress, type Progress } from "./progress.ts";
import { publishMetrics } from "./publish-metrics.ts";
import { Supervisor, untilReady, type Waiting } from "./supervisor.ts";
import { addressing, apiUrls, type ComponentSpec, components, standbys } from "./topology.ts";
import { type LocalTracing, prepareTracing, tracingPlan, upTracingFlags } from "./tracing.ts";

const flags = {
  replicas: {
    kind: "integer",
    default: 3,
    help: "store members; 1 runs the whole control plane in one process",
    value: "N",
  },
  nodes: { kind: "integer", default: 2, help: "nodes", value: "N" },
  "data-dir": {
    kind: "string",
    help: "everything the cluster keeps (default $PINTLE_HOME or ~/.pintle)",
    value: "DIR",
  },
  "api-port": {
    kind: "integer",
    default: 6443,
    help: "port of the first API server; 0 picks a free one",
    value: "PORT",
  },
  runtime: {
    kind: "string",
    default: "auto",
    choices: ["auto", "oci", "process"],
    help: "oci (containers), process (plain processes, which see all of this machine) or auto",
    value: "KIND",
  },
  "dual-stack": {
    kind: "boolean",
    default: false,
    help: "give nodes, pods and, where they ask for them, services IPv6 addresses beside those of IPv4",
  },
  "cluster-dns": {
    kind: "list",
    default: [],
    help: "DNS servers that pods are told of, such as CoreDNS' address; each node's own by default",
    value: "IPS",
  },
  "proxy-mode": {
    kind: "string",
    help: `what leads to services on the nodes: ${proxyModes.join(", ")}; nftables by default`,
    choices: proxyModes,
    value: "MODE",
  },
  "resource-metrics": {
    kind: "boolean",
    default: true,
    help: "serve metrics.k8s.io, for kubectl top and autoscalers; =false leaves it to others",
  },
  ...upMetricsFlags,
  ...upTracingFlags,
  "feature-gates": {
    kind: "list",
    default: [],
    offers: features.map((feature) => `${feature}=true`),
    help: `features that are off in Kubernetes 1.36 and can be switched on: ${features.join(", ")}`,
    value: "FEATURE=true,…",
  },
  "publish-metrics": {
    kind: "boolean",
    default: false,
    help: "let Prometheus find the metrics of the store, schedulers and controller managers: Services in kube-system name them; with containers they are served, in plain HTTP, at the nodes' bridge too",
  },
  ...upAuditFlags,
  "log-shipping": {
    kind: "string",
    help: "ship logs, Events and the audit log as a file of kind LogShipping says; empty: no more",
    value: "FILE",
  },
  ...dashboardFlags,
  detach: { kind: "boolean", default: false, short: "d", help: "return as soon as the cluster is ready" },
} as const;

const readyTimeoutMs = 60_000;
const envPrefix = "PINTLE_";

export const upCommand = command({
  name: "up",
  summary: "start a local cluster, keep it running and restart what dies, until Ctrl-C",
  flags,
  envPrefix,
  examples: [
    "pintle up                           # 3 store members, 2 of each component, 2 nodes",
    "pintle up --replicas 1 --nodes 1    # the smallest cluster",
    "pintle up --detach && kubectl --kubeconfig ~/.pintle/kubeconfig get nodes",
  ],
  async run({ flags: given, words, given: names }, io) {
    if (words.length > 0) throw new UsageError(`unexpected word "${words[0]}"`);
    const { runtime, "proxy-mode": proxyMode } = given;
    closeInheritedFiles(process.argv, io.env);
    const layout = clusterLayout(defaultFolder(given["data-dir"], io.env));
    if (given.detach) return detach(layout, io);
    const before = readClusterState(layout);
    if (before && isAlive(before.supervisorPid))
      throw new OperatorError(
        `the cluster in ${layout.folder} runs already (process ${before.supervisorPid}); see "pintle status"`,
      );
    const os = systemOs("warn", "text");
    if (before) await endLeftovers(layout, before, os);
    const request = {
      replicas: given.replicas,
      nodes: given.nodes,
      runtime,
      apiPort: given["api-port"],
      dualStack: given["dual-stack"],
      clusterDns: given["cluster-dns"],
      proxyMode,
      resourceMetrics: given["resource-metrics"],
      publishMetrics: given["publish-metrics"],
      customMetrics: await customMetricsWords(given, names, process.cwd()),
      tracing: await tracingPlan(given, names),
      featureGates: given["feature-gates"],
      auditLog: given["audit-log"],
      logShipping: given["log-shipping"],
      given: names,
    } as const;
    const dashboard = await dashboardOf(given, { isInsisted: names.has("dashboard-port"), os });
    const held = await decidePlan(request, before, os);
    try {
      return await runCluster(layout, { plan: held.plan, dashboard }, io);
    } finally {
      held.release();
    }
  },
});

/** Starts `pintle up` again as a background process and relays its progress until the cluster is ready, or its complaint.
 *  The complaint comes through a file: a pipe would break when this process ends, and the other lives on. */
async function detach(layout: Layout, io: CommandIo): Promise<number> {
  await makeFolder(layout.logs, 0o700);
  const argv = process.argv
    .slice(1)
    .filter((word) => word !== "--detach" && word !== "-d" && word !== "--detach=true");
  const complaint = join(layout.logs, "up.err");
  const file = await open(complaint, "w", 0o600);
  const child = spawn(process.execPath, [...process.execArgv, ...argv], {
    detached: true,
    stdio: ["ignore", "ignore", file.fd, "ipc"],
    env: { ...process.env, PINTLE_PROGRESS: "ipc", [flagVariable(envPrefix, "detach")]: undefined },
  });
  await file.close();
  return await new Promise<number>((resolve) => {
    child.on("message", (message: { readonly text?: string; readonly ready?: boolean }) => {
      if (message.text !== undefined) io.stdout(message.text);
      if (message.ready) {
        child.disconnect();
        child.unref();
        resolve(0);
      }
    });
    child.once("exit", async (code) => {
      io.stderr(await readFile(complaint, "utf8"));
      resolve(code ?? 1);
    });
    io.signal.addEventListener("abort", () => child.kill("SIGTERM"), { once: true });
  });
}

/** What was said to `up` is not said to the components, which have flags of the same names. */
function componentEnv(own: NodeJS.ProcessEnv): NodeJS.ProcessEnv {
  const variables = new Set(Object.keys(flags).map((flag) => flagVariable(envPrefix, flag)));
  return Object.fromEntries(Object.entries(own).filter(([variable]) => !variables.has(variable)));
}

interface Wanted {
  readonly plan: ClusterPlan;
  readonly dashboard: DashboardWanted | undefined;
}

async function runCluster(
  layout: Layout,
  { plan, dashboard: wanted }: Wanted,
  io: CommandIo,
): Promise<number> {
  const viaIpc = io.env.PINTLE_PROGRESS === "ipc" && process.send !== undefined;
  const tell = (text: string) => {
    if (viaIpc) process.send?.({ text }, undefined, undefined, () => undefined);
    else io.stdout(text);
  };
  const startedMs = performance.now();
  try {
    await makeFolder(layout.logs, 0o700);
  } catch (error) {
    throw new OperatorError(
      `--data-dir: cannot write to ${layout.folder}: ${error instanceof Error ? error.message : error}`,
    );
  }
  const logFile = createWriteStream(layout.log("up"), { flags: "a", mode: 0o600 });
  logFile.on("error", (error) =>
    io.stderr(`pintle up: cannot log to ${layout.log("up")}: ${error.message}\n`),
  );
  const log = createLog({ format: "text", write: (line) => logFile.write(line) });
  const progress = createProgress({
    write: tell,
    isTerminal: !viaIpc && process.stdout.isTTY === true,
    monotonicMs: () => performance.now(),
  });
  if (plan.runtime === "process")
    tell(
      `pods run as plain processes, not containers (${missingForContainers().join(", ") || "as asked"}): ${ownLacks()}\n`,
    );
  let network: HostNetwork | undefined;
  let dashboard: LocalDashboard | undefined;
  let tracing: LocalTracing | undefined;
  let supervisorPid: number | null = process.pid;
  // The cluster is worth having without.
  const noDashboard = (error: unknown) => {
    tell(`no dashboard: ${error instanceof Error ? error.message : error}\n`);
    return undefined;
  };
  const save = () =>
    writeClusterState(layout, { version: 1, plan, supervisorPid, components: supervisor.states() });
  const supervisor = new Supervisor({
    layout,
    log,
    clock: systemClock,
    random: systemRandom,
    program: [process.execPath, ...process.execArgv, process.argv[1] ?? "pintle"],
    env: componentEnv(process.env),
    // What runs goes on although it cannot be written down; `status` then shows what was last known.
    onChange: () => {
      try {
        save();
      } catch (error) {
        log.error("cannot write the cluster's state", { file: layout.stateFile, error });
      }
    },
  });
  save();
  let isUp = false;
  try {
    network = plan.runtime === "oci" ? await createHostNetwork(plan, layout.folder) : undefined;
    tracing = await prepareTracing(plan, layout, addressing(plan).bridgeAddress);
    await bringUp({ layout, plan, supervisor, progress, signal: io.signal, network });
    isUp = true;
    const readySeconds = (performance.now() - startedMs) / 1000;
    const os = { ...systemOs("warn", "text"), log };
    if (wanted !== undefined) dashboard = await startDashboard(layout, wanted, os).catch(noDashboard);
    tell(summary({ layout, plan, readySeconds, dashboard }));
    if (viaIpc) process.send?.({ ready: true }, undefined, undefined, () => undefined);
    const letBe = settleMemory(systemClock);
    await new Promise<void>((resolve) => {
      if (io.signal.aborted) resolve();
      else io.signal.addEventListener("abort", () => resolve(), { once: true });
    });
    letBe();
    return 0;
  } catch (error) {
    if (io.signal.aborted) return 130;
    if (viaIpc) tell(`pintle up: ${error instanceof Error ? error.message : error}\n`);
    throw error;
  } finally {
    tell("stopping …\n");
    await dashboard?.close();
    await supervisor.stop();
    await removePods(layout, plan, { ...systemOs("info", "text"), log });
    tracing?.close();
    await network?.remove();
    if (isUp) tell('stopped; "pintle up" continues where it was\n');
    supervisorPid = null;
    try {
      save();
    } finally {
      logFile.end();
    }
  }
}

interface BringUp {
  readonly layout: Layout;
  readonly plan: ClusterPlan;
  readonly supervisor: Supervisor;
  readonly progress: Progress;
  readonly signal: AbortSignal;
  readonly network: HostNetwork | undefined;
}

async function bringUp(parts: BringUp): Promise<void> {
  const { layout, plan, supervisor, progress, signal } = parts;
  const net = addressing(plan);
  const hosts = ["127.0.0.1", ...(net.bridgeAddress === undefined ? [] : [net.bridgeAddress])];
  await progress.step("certificates and kubeconfig", () =>
    prepareCredentials(layout, {
      nodes: net.nodes,
      apiAddresses: hosts,
      apiUrls: apiUrls(plan, "127.0.0.1"),
      internalApiUrls: apiUrls(plan, hosts.at(-1) ?? "127.0.0.1"),
      kubernetesServiceIp: (net.serviceRange.split(",")[0] ?? "").replace(/\.0\/\d+$/, ".1"),
    }),
  );
  ensureAuditPolicy(plan, layout);
  const specs = components(plan, layout);
  // Everything starts at once; each part waits for those it needs by itself.
  for (const spec of specs) supervisor.start(spec);
  // The first part that cannot start ends the waiting for all others.
  const giveUp = new AbortController();
  const waiting = {
    clock: systemClock,
    signal: AbortSignal.any([signal, giveUp.signal]),
    timeoutMs: readyTimeoutMs,
  };
  // Every part that is waited for listens.
  setMaxListeners(0, waiting.signal);
  const ready = (spec: ComponentSpec) => untilReady(supervisor, spec, () => answers(spec.readyUrl), waiting);
  const of = (kind: ComponentSpec["kind"]) => specs.filter((spec) => spec.kind === kind);
  const all = async (list: readonly ComponentSpec[]) => {
    await Promise.all(list.map(ready));
  };
  const steps: Promise<void>[] = [];
  if (plan.replicas === 1) steps.push(progress.step("control plane (one process)", () => all(of("server"))));
  else {
    steps.push(
      progress.step(`store: ${plan.replicas} members`, () => all(of("store"))),
      progress.step(`API servers: ${standbys(plan)}`, () => all(of("apiserver"))),
      progress.step(`schedulers: ${standbys(plan)}`, () => all(of("scheduler"))),
      progress.step(`controller-managers: ${standbys(plan)}`, () => all(of("controller-manager"))),
    );
  }
  steps.push(progress.step(`nodes: ${plan.nodes}`, () => untilNodesReady(parts, of("agent"), waiting)));
  let failure: unknown;
  const noteFailure = (error: unknown) => {
    failure ??= error;
    giveUp.abort(error);
  };
  await Promise.all(steps.map((step) => step.catch(noteFailure)));
  if (failure !== undefined) throw failure;
}

async function untilNodesReady(
  parts: BringUp,
  agents: readonly ComponentSpec[],
  waiting: Waiting,
): Promise<void> {
  const { layout, plan, supervisor } = parts;
  const client = new RestClient(loadKubeconfig(layout.kubeconfig));
  const readyNames = new Set<string>();
  const podRanges = new Map<string, readonly string[]>();
  const look = async () => {
    try {
      for (const node of (await client.list(resources.nodes)).items) {
        const ready = node.status?.conditions?.some(
          (condition) => condition.type === "Ready" && condition.status === "True",
        );
        if (ready && node.spec?.podCIDR) readyNames.add(node.metadata.name);
        if (node.spec?.podCIDRs) podRanges.set(node.metadata.name, node.spec.podCIDRs);
      }
    } catch (error) {
      // Until the API answers there is nothing to see; untilReady bounds how long we look.
      if (!(error instanceof Error)) throw error;
    }
  };
  try {
    await Promise.all(
      agents.map((agent) =>
        untilReady(
          supervisor,
          agent,
          async () => {
            await look();
            return readyNames.has(agent.name);
          },
          waiting,
        ),
      ),
    );
    await ensureLocalPathClass(client);
    await ensureIngressClass(client);
    if (plan.publishMetrics !== undefined) await publishMetrics(plan, client);
    await parts.network?.routePods(
      addressing(plan).nodes.map((node) => ({
        addresses: [node.address, node.address6 ?? []].flat(),
        podRanges: podRanges.get(node.name) ?? [],
      })),
    );
  } finally {
    client.close();
  }
}

/** Whether the URL answers with a 2xx; certificates are not the question here. */
function answers(url: string | undefined): Promise<boolean> {
  if (url === undefined) return Promise.resolve(true);
  return new Promise((resolve) => {
    const request = url.startsWith("https:") ? httpsRequest : httpRequest;
    const call = request(url, { rejectUnauthorized: false, agent: false, timeout: 1000 }, (response) => {
      response.resume();
      resolve((response.statusCode ?? 500) < 300);
    });
    call.on("timeout", () => call.destroy());
    call.on("error", () => resolve(false));
    call.end();
  });
}

interface Started {
  readonly layout: Layout;
  readonly plan: ClusterPlan;
  readonly readySeconds: number;
  readonly dashboard: LocalDashboard | undefined;
}

function summary({ layout, plan, readySeconds, dashboard }: Started): string {
  const where = plan.runtime === "oci" ? "containers" : "plain processes";
  return [
    "",
    `Pintle is ready after ${readySeconds.toFixed(1)} s: ${plan.replicas} store member${plan.replicas > 1 ? "s" : ""}, ${plan.nodes} node${plan.nodes > 1 ? "s" : ""}, pods as ${where}.`,
    `  export KUBECONFIG=${layout.kubeconfig}`,
    "  pintle get nodes       # or kubectl get nodes",
    "  pintle status          # who runs, who leads; pintle down stops it",
    ...(dashboard === undefined ? [] : [`  ${dashboard.link}       # the dashboard, signed in; good once`]),
    "The image pintle.local/host is this machine's own files, for pods without a registry; a node that you join has it with --allow-host-image.",
    "",
  ].join("\n");
}
