import { closeSync, fsyncSync, openSync, readFileSync, renameSync, writeSync } from "node:fs";
import type { ProxyMode } from "../../agent/network-seam.ts";
import { OperatorError } from "../command.ts";
import type { Layout } from "./layout.ts";
import type { PlannedShipping } from "./shipping.ts";

/** What was decided when the cluster was made; it stays the same over restarts but for what says otherwise. */
export interface ClusterPlan {
  readonly replicas: number;
  readonly nodes: number;
  /** What they are called; absent: `node-1` and so on. */
  readonly nodeNames?: readonly string[];
  readonly runtime: "oci" | "process";
  /** Distinguishes the networks of clusters of one runtime on one machine (`network-slots.ts`). */
  readonly networkSlot: number;
  readonly ports: Readonly<Record<string, number>>;
  /** Whether nodes, pods and services have IPv6 addresses, too. */
  readonly dualStack?: boolean;
  /** DNS servers that pods are told of; absent or empty: each node's own. A later start may say otherwise. */
  readonly clusterDns?: readonly string[];
  /** What leads to Services on the nodes; absent: nftables, or their agents. */
  readonly proxyMode?: ProxyMode | undefined;
  /** Whether the API servers serve metrics.k8s.io; absent: they do. A later start may say otherwise. */
  readonly resourceMetrics?: boolean;
  /** By what rules the API servers serve custom metrics, as their flags; absent: by none. A later start may say otherwise. */
  readonly customMetrics?: readonly string[];
  /** Where spans go, of how many requests in a million; absent or `off`: nowhere. A later start may say otherwise. */
  readonly tracing?: { readonly endpoint: string; readonly samplingRatePerMillion: number } | "off";
  /** Whether Prometheus finds the control plane's metrics; absent: only this machine's loopback has them, unnamed. A later start
   *  may say otherwise. */
  readonly publishMetrics?: boolean;
  /** Features of Kubernetes that the API servers switch on, as `--feature-gates` takes them. A later start may say otherwise. */
  readonly featureGates?: readonly string[];
  /** Whether API servers write an audit log that nobody ships; absent: they do not. A later start may say otherwise. */
  readonly auditLog?: boolean;
  /** Where logs are shipped; absent: nowhere. A later start may say otherwise. */
  readonly logShipping?: PlannedShipping | undefined;
}

export interface ComponentState {
  readonly name: string;
  readonly kind: ComponentKind;
  readonly pid: number | null;
  readonly restarts: number;
  readonly startedMs: number;
}
export type ComponentKind = "store" | "apiserver" | "scheduler" | "controller-manager" | "server" | "agent";

export interface ClusterState {
  readonly version: 1;
  readonly plan: ClusterPlan;
  /** The process of `pintle up`; null once it ended cleanly. */
  readonly supervisorPid: number | null;
  readonly components: readonly ComponentState[];
}

export function readClusterState(layout: Layout): ClusterState | undefined {
  let content: string;
  try {
    content = readFileSync(layout.stateFile, "utf8");
  } catch (error) {
    if (error instanceof Error && "code" in error && error.code === "ENOENT") return undefined;
    throw error;
  }
  try {
    const state = JSON.parse(content) as ClusterState;
    if (state.version !== 1) throw new Error(`version ${state.version} is not 1`);
    // Clusters of plain processes once had no slot of their own, and the addresses of the first one.
    return { ...state, plan: { ...state.plan, networkSlot: Math.max(0, state.plan.networkSlot) } };
  } catch (error) {
    throw new OperatorError(
      `${layout.stateFile} is damaged (${error instanceof Error ? error.message : error}); move ${layout.folder} away, or restore the file, and start again`,
    );
  }
}

/** Replaces the file as a whole, so that a reader or a crash never sees half of it. */
export function writeClusterState(layout: Layout, state: ClusterState): void {
  const draft = `${layout.stateFile}.tmp`;
  const file = openSync(draft, "w", 0o600);
  try {
    writeSync(file, `${JSON.stringify(state, undefined, 2)}\n`);
    fsyncSync(file);
  } finally {
    closeSync(file);
  }
  renameSync(draft, layout.stateFile);
}

/** The state of a cluster that must exist. */
export function requireClusterState(layout: Layout): ClusterState {
  const state = readClusterState(layout);
  if (state === undefined)
    throw new OperatorError(
      `no cluster in ${layout.folder}; start one with "pintle up", or name its folder with --data-dir`,
    );
  return state;
}

/** Whether a process of that id exists (and has not become a zombie). */
export function isAlive(pid: number | null): boolean {
  if (pid === null) return false;
  try {
    return !/^\d+ \(.*\) Z/s.test(readFileSync(`/proc/${pid}/stat`, "utf8"));
  } catch {
    return signalReaches(pid);
  }
}

function signalReaches(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return error instanceof Error && "code" in error && error.code === "EPERM";
  }
}
