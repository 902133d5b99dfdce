import { execFileSync } from "node:child_process";
import { isIP } from "node:net";
import type { ProxyMode } from "../../agent/network-seam.ts";
import { freePorts, requireFree } from "../../base/os/free-ports.ts";
import type { Os } from "../../base/os/os.ts";
import { readFeatureGates } from "../../controlplane/apiserver/features.ts";
import { OperatorError } from "../command.ts";
import type { ClusterPlan, ClusterState } from "./cluster-state.ts";
import { clearSlot } from "./leftovers.ts";
import { holdNetworkSlot, slotFamily } from "./network-slots.ts";
import { plannedShipping } from "./shipping.ts";
import { portNames } from "./topology.ts";

export interface PlanRequest {
  readonly replicas: number;
  readonly nodes: number;
  readonly runtime: "auto" | "oci" | "process";
  /** 0 picks a free one. */
  readonly apiPort: number;
  readonly dualStack: boolean;
  readonly clusterDns: readonly string[];
  readonly proxyMode: ProxyMode | undefined;
  readonly resourceMetrics: boolean;
  /** Flags of the API servers; undefined: as before. */
  readonly customMetrics?: readonly string[] | undefined;
  /** Undefined: as before. */
  readonly tracing?: ClusterPlan["tracing"] | undefined;
  readonly publishMetrics: boolean;
  readonly featureGates: readonly string[];
  readonly auditLog?: boolean | undefined;
  /** A file of kind LogShipping; empty: logs are not shipped. */
  readonly logShipping?: string | undefined;
  readonly given: ReadonlySet<string>;
}

/** A plan, and what its supervisor must hold as long as it runs. */
export interface HeldPlan {
  readonly plan: ClusterPlan;
  release(): void;
}

/** Decides once, at the cluster's first start, what stays the same afterwards; checks what was decided on later starts. */
export async function decidePlan(
  request: PlanRequest,
  before: ClusterState | undefined,
  os: Os,
): Promise<HeldPlan> {
  for (const address of request.clusterDns)
    if (isIP(address) === 0) throw new OperatorError(`--cluster-dns: "${address}" is not an IP address`);
  const { problems } = readFeatureGates(request.featureGates);
  if (problems.length > 0) throw new OperatorError(problems.join("\n"));
  const logShipping = await plannedShipping(request.logShipping);
  if (before !== undefined) {
    const { clusterDns, proxyMode, resourceMetrics, customMetrics, tracing, featureGates, given } = request;
    const { publishMetrics, auditLog } = request;
    const changed = {
      ...(given.has("cluster-dns") && { clusterDns }),
      ...(given.has("proxy-mode") && { proxyMode }),
      ...(given.has("resource-metrics") && { resourceMetrics }),
      ...(customMetrics && { customMetrics }),
      ...(tracing && { tracing }),
      ...(given.has("publish-metrics") && { publishMetrics }),
      ...(given.has("feature-gates") && { featureGates }),
      ...(given.has("audit-log") && { auditLog: auditLog ?? false }),
      ...(given.has("log-shipping") && { logShipping }),
    };
    mayProxy(request, before.plan.runtime);
    return keepPlan(request, { ...before.plan, ...changed }, os);
  }
  if (request.replicas < 1 || request.replicas > 7)
    throw new OperatorError(
      `--replicas: ${request.replicas} must be from 1 to 7 (odd numbers tolerate most failures)`,
    );
  if (request.nodes < 1 || request.nodes > 50)
    throw new OperatorError(`--nodes: ${request.nodes} must be from 1 to 50`);
  const runtime = chooseRuntime(request.runtime);
  mayProxy(request, runtime);
  if (request.dualStack && runtime === "process")
    throw new OperatorError("--dual-stack: pods that are plain processes have addresses of IPv4 alone");
  const names = portNames(request);
  const found = await freePorts(names.length);
  const ports = Object.fromEntries(names.map((name, i) => [name, found[i] ?? 0]));
  if (request.apiPort !== 0) {
    let next = request.apiPort;
    for (const name of names.filter((candidate) => candidate.startsWith("api-"))) {
      await requireFree("127.0.0.1", next, "stop it, or choose another with --api-port (0 picks a free one)");
      ports[name] = next++;
    }
  }
  const held = await holdNetworkSlot(
    slotFamily(runtime),
    undefined,
    async (slot) => runtime === "process" || ((await clearSlot(slot, os)) && areAddressesFree(slot)),
  );
  const { replicas, nodes, dualStack, clusterDns, proxyMode } = request;
  const { resourceMetrics, publishMetrics, featureGates } = request;
  return {
    plan: {
      replicas,
      nodes,
      runtime,
      networkSlot: held.slot,
      ports,
      dualStack,
      clusterDns,
      proxyMode,
      resourceMetrics,
      ...(request.customMetrics && { customMetrics: request.customMetrics }),
      ...(request.tracing && { tracing: request.tracing }),
      ...(publishMetrics && { publishMetrics }),
      ...(request.auditLog && { auditLog: true }),
      featureGates,
      logShipping,
    },
    release: () => held.release(),
  };
}

/** Whether its nodes can is for them to say. */
function mayProxy({ proxyMode }: PlanRequest, runtime: ClusterPlan["runtime"]): void {
  if (proxyMode !== undefined && runtime === "process")
    throw new OperatorError(
      `--proxy-mode: ${proxyMode} leads to containers; Services of plain processes are proxied by their agents`,
    );
}

async function keepPlan(request: PlanRequest, plan: ClusterPlan, os: Os): Promise<HeldPlan> {
  if (request.given.has("dual-stack") && request.dualStack !== (plan.dualStack ?? false))
    throw new OperatorError(
      `--dual-stack: this cluster was made ${plan.dualStack ? "with it" : "without it"}; choose another --data-dir for a new one, or "pintle down --purge" to remove this one`,
    );
  for (const name of ["replicas", "nodes"] as const) {
    if (request.given.has(name) && request[name] !== plan[name])
      throw new OperatorError(
        `--${name}: this cluster was made with ${plan[name]}; choose another --data-dir for a new one, or "pintle down --purge" to remove this one`,
      );
  }
  if (plan.runtime === "oci") chooseRuntime("oci");
  for (const [name, number] of Object.entries(plan.ports)) {
    if (plan.runtime === "oci" && name.startsWith("agent-")) continue;
    await requireFree("127.0.0.1", number, `the cluster keeps its ${name} there; stop that program first`);
  }
  const held = await holdNetworkSlot(
    slotFamily(plan.runtime),
    plan.networkSlot,
    async (slot) => plan.runtime === "process" || clearSlot(slot, os),
  );
  return { plan, release: () => held.release() };
}

/** Containers need root, an OCI runtime and iproute2; otherwise pods are plain processes. */
function chooseRuntime(wanted: PlanRequest["runtime"]): "oci" | "process" {
  if (wanted === "process") return "process";
  const missing = missingForContainers();
  if (missing.length === 0) return "oci";
  if (wanted === "oci")
    throw new OperatorError(
      `--runtime: containers cannot run here: ${missing.join(", ")}; install it, or use --runtime process`,
    );
  return "process";
}

/** Why containers cannot run, as short phrases; empty when they can. */
export function missingForContainers(): string[] {
  const missing: string[] = [];
  if (process.getuid?.() !== 0) missing.push("not root");
  if (!isCommand("crun") && !isCommand("runc")) missing.push("no crun or runc (apt-get install crun)");
  if (!isCommand("ip")) missing.push("no ip (apt-get install iproute2)");
  return missing;
}

export function isCommand(name: string): boolean {
  try {
    execFileSync("sh", ["-c", `command -v ${name}`], { stdio: "ignore" });
    return true;
  } catch {
    return false;
  }
}

/** Whether no route of the machine leads to the slot's addresses. */
function areAddressesFree(slot: number): boolean {
  const routes = execFileSync("ip", ["-4", "route", "show"], { encoding: "utf8" });
  return !routes.includes(`10.${200 + slot}.`) && !routes.includes(`10.${220 + slot}.`);
}
