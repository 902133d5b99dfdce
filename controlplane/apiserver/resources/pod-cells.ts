import type { Container, ContainerStatus, Pod } from "../../../client/types.ts";
import type { Cell } from "../registry/kind.ts";
import { age } from "./cell-text.ts";

/** The cells of one pod, as Kubernetes' printer makes them. */
export function podCells(pod: Pod, nowMs: number): readonly Cell[] {
  const summary = summarize(pod);
  const { spec, status } = pod;
  return [
    `${summary.ready}/${summary.total}`,
    summary.reason,
    restartsText(summary, nowMs),
    age(pod.metadata.creationTimestamp, nowMs),
    status?.podIP || "<none>",
    spec.nodeName || "<none>",
    status?.nominatedNodeName || "<none>",
    gatesText(pod),
  ];
}

interface Summary {
  ready: number;
  total: number;
  reason: string;
  restarts: number;
  /** RFC 3339 of the last restart counted. */
  lastRestartAt: string;
}

function summarize(pod: Pod): Summary {
  const { spec, status, metadata } = pod;
  const sidecars = (spec.initContainers ?? []).filter(isSidecar);
  const summary: Summary = {
    ready: 0,
    total: (spec.containers ?? []).length + sidecars.length,
    reason: status?.reason || status?.phase || "",
    restarts: 0,
    lastRestartAt: "",
  };
  const gated = status?.conditions?.some(
    (one) => one.type === "PodScheduled" && one.reason === "SchedulingGated",
  );
  if (gated) summary.reason = "SchedulingGated";
  const initializing = addInitContainers(pod, summary);
  const initialized = status?.conditions?.some((one) => one.type === "Initialized" && one.status === "True");
  if (!initializing || initialized) addContainers(pod, summary);
  if (metadata.deletionTimestamp !== undefined) {
    if (status?.reason === "NodeLost") summary.reason = "Unknown";
    else if (status?.phase !== "Failed" && status?.phase !== "Succeeded") summary.reason = "Terminating";
  }
  return summary;
}

const isSidecar = (container: Container) => container.restartPolicy === "Always";

/** Counts init containers; true while one of them still has to finish or start. */
function addInitContainers({ spec, status }: Pod, summary: Summary): boolean {
  const byName = new Map((spec.initContainers ?? []).map((container) => [container.name, container]));
  const statuses = status?.initContainerStatuses ?? [];
  let restarts = 0;
  let lastRestartAt = "";
  let initializing = false;
  for (const [index, one] of statuses.entries()) {
    const container = byName.get(one.name);
    const sidecar = container !== undefined && isSidecar(container);
    restarts += one.restartCount;
    lastRestartAt = later(lastRestartAt, finishedAt(one));
    if (sidecar) {
      summary.restarts += one.restartCount;
      summary.lastRestartAt = later(summary.lastRestartAt, finishedAt(one));
    }
    const { waiting, terminated } = one.state ?? {};
    if (terminated?.exitCode === 0) continue;
    if (sidecar && one.started === true) {
      if (one.ready) summary.ready++;
      continue;
    }
    if (terminated !== undefined) summary.reason = `Init:${terminated.reason || exitText(terminated)}`;
    else if (waiting?.reason && waiting.reason !== "PodInitializing")
      summary.reason = `Init:${waiting.reason}`;
    else summary.reason = `Init:${index}/${spec.initContainers?.length ?? 0}`;
    initializing = true;
    break;
  }
  if (initializing) {
    // While they run, all restarts are theirs.
    summary.restarts = restarts;
    summary.lastRestartAt = lastRestartAt;
  }
  return initializing;
}

function addContainers({ status }: Pod, summary: Summary): void {
  let running = false;
  // Back to front, so that the first container's reason wins.
  for (const one of [...(status?.containerStatuses ?? [])].reverse()) {
    summary.restarts += one.restartCount;
    summary.lastRestartAt = later(summary.lastRestartAt, finishedAt(one));
    const { waiting, terminated } = one.state ?? {};
    if (waiting?.reason) summary.reason = waiting.reason;
    else if (terminated !== undefined) summary.reason = terminated.reason || exitText(terminated);
    else if (one.ready && one.state?.running !== undefined) {
      running = true;
      summary.ready++;
    }
  }
  if (summary.reason === "Completed" && running) {
    const ready = status?.conditions?.some(({ type, status: value }) => type === "Ready" && value === "True");
    summary.reason = ready ? "Running" : "NotReady";
  }
}

function exitText({ signal, exitCode }: { signal?: number; exitCode: number }): string {
  return signal ? `Signal:${signal}` : `ExitCode:${exitCode}`;
}

const finishedAt = (one: ContainerStatus) => one.lastState?.terminated?.finishedAt ?? "";
const later = (a: string, b: string) => (Date.parse(b) > (Date.parse(a) || 0) ? b : a);

function restartsText({ restarts, lastRestartAt }: Summary, nowMs: number): string {
  if (restarts === 0 || lastRestartAt === "") return String(restarts);
  return `${restarts} (${age(lastRestartAt, nowMs)} ago)`;
}

function gatesText({ spec, status }: Pod): string {
  const gates = spec.readinessGates ?? [];
  if (gates.length === 0) return "<none>";
  const open = gates.filter(({ conditionType }) =>
    status?.conditions?.some((one) => one.type === conditionType && one.status === "True"),
  );
  return `${open.length}/${gates.length}`;
}
