import { sleep } from "../../base/os/clock.ts";
import { TaskScope } from "../../base/os/task-scope.ts";
import { EventRecorder } from "../../client/events.ts";
import { resources } from "../../client/resources.ts";
import type { Node } from "../../client/types.ts";
import type { StartServiceProxy } from "../network-seam.ts";
import type { FamilySide } from "./family-sides.ts";
import { HealthChecks } from "./health-checks.ts";
import { ProblemReports } from "./problem-reports.ts";
import type { NodeView } from "./service-endpoints.ts";
import { type HealthCheck, ServicePlanner, type ServiceProblem } from "./service-plan.ts";
import { openServiceWriters } from "./service-writers.ts";

/** Changes arriving within this time are carried out together. */
const gatherMs = 30;
const retryMs = 1000;
/** A timer takes no more. */
const longestMs = 2 ** 31 - 1;
const addressIndex = "service-proxy-address";
/** A change that waits longer to be carried out makes the proxy unhealthy. */
const lateMs = 60_000;

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
  const writers = await openServiceWriters(config, {
    os,
    log,
    isAnotherNodes: (address) => nodes.byIndex(addressIndex, address).some((node) => !isOurs(node)),
  });
  const sides = writers.sides.map((one) => ({ ...one, planner: new ServicePlanner() }));
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

  /** Until something changes, or it is time to look. */
  const untilWoken = (mostMs: number) =>
    new Promise<void>((resolve) => {
      const cancel = os.clock.after(mostMs, resolve);
      wake = () => {
        cancel();
        resolve();
      };
    });
  const areWhole = async () => {
    for (const { writer } of sides) if ((await writer.isWhole?.()) === false) return false;
    return true;
  };
  let isAlone = false;
  const leaveAlone = async () => {
    if (isAlone) return;
    isAlone = true;
    try {
      await writers.removeOthers();
    } catch (error) {
      // Of programs that the kernel has nothing for.
      log.warn("cannot look for what another proxy mode left", { error });
    }
  };

  tasks.run("sync", async (signal) => {
    const stopped = () => wake();
    signal.addEventListener("abort", stopped, { once: true });
    await Promise.all([services.synced(signal), slices.synced(signal), nodes.synced(signal)]);
    while (!signal.aborted) {
      if (!dirty) {
        await untilWoken(Math.min(...sides.map(({ writer }) => writer.lookEveryMs ?? longestMs)));
        if (signal.aborted) return;
        await sleep(os.clock, gatherMs, signal);
      }
      const startedMs = os.clock.monotonicMs();
      try {
        if (!dirty && (await areWhole())) continue;
        dirty = false;
        const problems: ServiceProblem[] = [];
        const checks: HealthCheck[] = [];
        for (const { side, planner, writer } of sides) {
          const plan = planner.plan(services.list(), slices.list(), viewOf(side));
          problems.push(...plan.problems, ...(await writer.update(plan)));
          checks.push(...plan.healthChecks);
        }
        reports.update(problems.map(({ service, message }) => ({ object: service, message })));
        healthChecks.update(onePerPort(checks));
        await leaveAlone();
        if (!dirty) lateSinceMs = undefined;
        syncSeconds.observe((os.clock.monotonicMs() - startedMs) / 1000);
      } catch (error) {
        log.error("cannot carry out the Services' rules; trying again", { error });
        dirty = true;
        await sleep(os.clock, retryMs, signal);
      }
    }
  });

  return {
    done: tasks.untilStopped(),
    async stop() {
      for (const off of unsubscribe) off();
      await tasks.stop();
      healthChecks.stop();
      for (const { writer } of sides) writer.stop();
      writers.close();
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
