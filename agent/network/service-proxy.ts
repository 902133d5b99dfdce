import { parseIpv4 } from "../../base/ipv4.ts";
import { isInSpans } from "../../base/ipv4-spans.ts";
import { sleep } from "../../base/os/clock.ts";
import { TaskScope } from "../../base/os/task-scope.ts";
import { EventRecorder } from "../../client/events.ts";
import { resources } from "../../client/resources.ts";
import type { Node } from "../../client/types.ts";
import type { NodeNetworkConfig, StartServiceProxy } from "../network-seam.ts";
import { openUdpFlowCleaner } from "./conntrack.ts";
import { type FamilySide, familySides } from "./family-sides.ts";
import { HealthChecks } from "./health-checks.ts";
import { KernelProxy } from "./kernel-proxy.ts";
import { openNftSocket } from "./nfnetlink/nft-socket.ts";
import { openLiveApplier } from "./nft-applier.ts";
import { isInRange } from "./parsed-input.ts";
import { ProblemReports } from "./problem-reports.ts";
import { hasProgram, runProgram } from "./programs.ts";
import type { NodeView } from "./service-endpoints.ts";
import { type HealthCheck, type ServicePlan, ServicePlanner, type ServiceProblem } from "./service-plan.ts";
import { UserSpaceProxy } from "./user-space-proxy.ts";

/** What carries out a plan: nftables or this process. */
interface Proxy {
  /** Answers what it could not carry out, having carried out the rest. */
  update(plan: ServicePlan): Promise<readonly ServiceProblem[]>;
  stop(): void;
}

/** Changes arriving within this time are carried out together. */
const gatherMs = 30;
const retryMs = 1000;
const addressIndex = "service-proxy-address";
/** A change that waits longer to be carried out makes the proxy unhealthy. */
const lateMs = 60_000;

/** Whether node ports are to be had at the node's address, where no kernel serves them at the others. */
function isServed({ nodeIp, nodePortRanges = [] }: NodeNetworkConfig): boolean {
  return nodePortRanges.length === 0 || nodePortRanges.some((range) => isInRange(range, nodeIp));
}

export const startServiceProxy: StartServiceProxy = async (config, { os, client, informers }) => {
  const log = os.log.child("service-proxy");
  const services = informers.informer(resources.services);
  const slices = informers.informer(resources.endpointslices);
  const nodes = informers.informer(resources.nodes);
  nodes.addIndex(addressIndex, ({ status }) => (status?.addresses ?? []).map(({ address }) => address));
  const zoneOf = ({ metadata }: Node) => metadata.labels?.["topology.kubernetes.io/zone"];
  const isOurs = ({ metadata }: Node) => metadata.name === config.nodeName;
  const viewOf = ({ family, dnsAddress }: FamilySide): NodeView => {
    const ours = nodes.list().find(isOurs);
    return {
      nodeName: config.nodeName,
      family: family.version,
      zone: ours && zoneOf(ours),
      loopbackPods: config.mode === "loopback",
      ...(dnsAddress !== undefined && { dnsAddress }),
    };
  };
  const inKernel = config.mode !== "loopback" && (await hasProgram("nft"));
  // In user space only IPv4.
  const socket = inKernel ? openNftSocket(log) : undefined;
  const sides = await Promise.all(
    familySides(config)
      .filter(({ family }) => inKernel || family.version === 4)
      .map(async (side) => ({ side, planner: new ServicePlanner(), proxy: await proxyOf(side) })),
  );
  if (!inKernel && config.v6 !== undefined)
    log.warn("Services' IPv6 addresses need nftables, and are not reachable here");
  const tasks = new TaskScope(log);
  const events = new EventRecorder(
    { component: "kube-proxy", host: config.nodeName },
    { client, clock: os.clock, random: os.random, log },
  );
  tasks.run("events", (signal) => events.run(signal));
  const reports = new ProblemReports(events, "ServiceNotProgrammed");
  const syncSeconds = os.metrics.histogram(
    "kubeproxy_sync_proxy_rules_duration_seconds",
    "Time to carry out a change of Services.",
  );
  let lateSinceMs: number | undefined = os.clock.monotonicMs();
  const healthChecks = new HealthChecks({
    clock: os.clock,
    hosts: sides.flatMap(({ side }) => side.nodeIp ?? []),
    isHealthy: () => lateSinceMs === undefined || os.clock.monotonicMs() - lateSinceMs < lateMs,
    onFailure: ({ service, port }, error) =>
      events.record(service, {
        type: "Warning",
        reason: "FailedToStartServiceHealthcheck",
        message: `node ${config.nodeName} failed to start healthcheck "${service.metadata.namespace}/${service.metadata.name}" on port ${port}: ${error.message}`,
      }),
  });
  let dirty = true;
  let wake: () => void = () => undefined;
  const touch = () => {
    dirty = true;
    lateSinceMs ??= os.clock.monotonicMs();
    wake();
  };
  const handler = { onAdd: touch, onUpdate: touch, onDelete: touch };
  const onNode = (node: Node) => isOurs(node) && touch();
  const unsubscribe = [
    services.subscribe(handler),
    slices.subscribe(handler),
    nodes.subscribe({
      onAdd: onNode,
      onUpdate: (next, previous) => zoneOf(next) !== zoneOf(previous) && onNode(next),
    }),
  ];

  tasks.run("sync", async (signal) => {
    const stopped = () => wake();
    signal.addEventListener("abort", stopped, { once: true });
    await Promise.all([services.synced(signal), slices.synced(signal), nodes.synced(signal)]);
    while (!signal.aborted) {
      if (!dirty) {
        await new Promise<void>((resolve) => {
          wake = resolve;
        });
        if (signal.aborted) return;
        await sleep(os.clock, gatherMs, signal);
      }
      dirty = false;
      const startedMs = os.clock.monotonicMs();
      try {
        const problems: ServiceProblem[] = [];
        const checks: HealthCheck[] = [];
        for (const { side, planner, proxy } of sides) {
          const plan = planner.plan(services.list(), slices.list(), viewOf(side));
          problems.push(...plan.problems, ...(await proxy.update(plan)));
          checks.push(...plan.healthChecks);
        }
        reports.update(problems.map(({ service, message }) => ({ object: service, message })));
        healthChecks.update(onePerPort(checks));
        if (!dirty) lateSinceMs = undefined;
        syncSeconds.observe((os.clock.monotonicMs() - startedMs) / 1000);
      } catch (error) {
        log.error("cannot carry out the Services' rules; trying again", { error });
        dirty = true;
        await sleep(os.clock, retryMs, signal);
      }
    }
  });

  async function proxyOf(side: FamilySide): Promise<Proxy> {
    if (inKernel)
      return new KernelProxy(side, {
        openApplier: (table) => openLiveApplier("pintle-services", table, side.family, socket),
        flows: await openUdpFlowCleaner(log, side.family),
        log,
      });
    log.info("services are proxied in user space", {
      why: config.mode === "loopback" ? "pods are plain processes" : "nft is not installed",
    });
    return new UserSpaceProxy({
      clock: os.clock,
      log,
      nodePortHost: config.nodeIp,
      servesNodePorts: isServed(config),
      isAnotherNodes: (address) => nodes.byIndex(addressIndex, address).some((node) => !isOurs(node)),
      // Every address of 127/8 is local already; elsewhere the node takes a Service's address as its own, if it may.
      claimAddress: async (address) => {
        if (config.mode === "loopback") return address.startsWith("127.");
        // The kernel would answer for it on every node.
        if (isInSpans(config.balancerPool ?? [], parseIpv4(address) ?? 0))
          throw new Error("a load balancer's address of the pool needs nftables");
        await runProgram("ip", ["addr", "replace", `${address}/32`, "dev", "lo"]);
        return true;
      },
    });
  }

  return {
    done: tasks.untilStopped(),
    async stop() {
      for (const off of unsubscribe) off();
      await tasks.stop();
      healthChecks.stop();
      for (const { proxy } of sides) proxy.stop();
      socket?.close();
    },
  };
};

/** A pod that serves in both families is one. */
function onePerPort(checks: readonly HealthCheck[]): readonly HealthCheck[] {
  const found = new Map<number, HealthCheck>();
  for (const check of checks) {
    const known = found.get(check.port);
    if (known === undefined || known.localEndpoints < check.localEndpoints) found.set(check.port, check);
  }
  return [...found.values()];
}
