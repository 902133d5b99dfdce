import type { Container, ContainerStatus, Pod, PodStatus } from "../../client/types.ts";
import type { RuntimeContainer } from "../runtime/seam.ts";
import { isFinished, isSidecar, latest, type Observed } from "./plan-pod.ts";

type PodCondition = NonNullable<PodStatus["conditions"]>[number];

export interface StatusInput {
  readonly pod: Pod;
  readonly observed: Observed;
  readonly nowMs: number;
  /** `oci` or `process`: the scheme of container ids. */
  readonly scheme: string;
  readonly hostIp: string;
  /** Why a container that is to run does not, by container name. */
  readonly waiting: ReadonlyMap<string, { readonly reason: string; readonly message: string }>;
  readonly ready: ReadonlySet<string>;
  readonly started: ReadonlySet<string>;
  readonly terminationMessages: ReadonlyMap<string, string>;
  /** The agent ended the pod for a reason of its own (deadline, eviction). */
  readonly failure?: { readonly reason: string; readonly message: string } | undefined;
}

/** The status of a pod as its containers stand. Conditions of other writers are kept; times of ours change only when
 *  their status does. */
export function podStatus(input: StatusInput): PodStatus {
  const { pod, observed, hostIp, failure } = input;
  const before = pod.status ?? {};
  const inits = (pod.spec.initContainers ?? []).map((one) => containerStatus(input, one, true));
  const mains = pod.spec.containers.map((one) => containerStatus(input, one, false));
  const phase = failure === undefined ? phaseOf(input, inits, mains) : "Failed";
  const sandbox = observed.sandboxes.find(({ state }) => state === "ready");
  const podIp = pod.spec.hostNetwork ? hostIp : (sandbox?.podIp ?? "");
  const keptIp = podIp || (phase === "Pending" ? "" : (before.podIP ?? ""));
  return {
    ...(pod.metadata.generation !== undefined && { observedGeneration: pod.metadata.generation }),
    phase,
    conditions: conditionsOf(input, phase, inits, mains),
    hostIP: hostIp,
    hostIPs: [{ ip: hostIp }],
    ...(keptIp !== "" && { podIP: keptIp, podIPs: [{ ip: keptIp }] }),
    startTime: before.startTime ?? timeText(input.nowMs),
    ...(inits.length > 0 && { initContainerStatuses: inits }),
    containerStatuses: mains,
    qosClass: before.qosClass ?? qosClassOf(pod),
    ...(failure ??
      (before.reason && isTerminal(before.phase) ? { reason: before.reason, message: before.message } : {})),
  } as PodStatus;
}

export const isTerminal = (phase: string | undefined): boolean => phase === "Failed" || phase === "Succeeded";

function containerStatus(input: StatusInput, container: Container, init: boolean): ContainerStatus {
  const { observed, scheme, waiting, pod } = input;
  const last = latest(observed, container.name);
  const lists = init ? pod.status?.initContainerStatuses : pod.status?.containerStatuses;
  const recorded = lists?.find(({ name }) => name === container.name);
  const previous =
    last &&
    observed.containers
      .filter((one) => one.name === container.name && one.attempt < last.attempt)
      .sort((a, b) => b.attempt - a.attempt)[0];
  const why = waiting.get(container.name);
  const base = {
    name: container.name,
    image: last ? last.image : (container.image ?? ""),
    imageID: last ? (last.annotations.imageRef ?? last.imageId) : "",
    ...(last && { containerID: `${scheme}://${last.id}` }),
    restartCount: last?.attempt ?? recorded?.restartCount ?? 0,
    lastState: previous ? stateOf(input, previous) : (recorded?.lastState ?? {}),
  };
  if (last?.state.phase === "running") {
    const started = input.started.has(last.id);
    const ready = init && !isSidecar(container) ? false : started && input.ready.has(last.id);
    return { ...base, state: stateOf(input, last), ready, started };
  }
  if (last?.state.phase === "exited" && why === undefined) {
    // An init container that did its work counts as ready.
    const ready = init && !isSidecar(container) && last.state.exitCode === 0;
    return { ...base, state: stateOf(input, last), ready, started: false };
  }
  const lastState = last?.state.phase === "exited" ? stateOf(input, last) : base.lastState;
  const initializing = init || (pod.spec.initContainers ?? []).length > 0;
  const reason = why ?? { reason: initializing ? "PodInitializing" : "ContainerCreating", message: "" };
  const state = {
    waiting: { reason: reason.reason, ...(reason.message !== "" && { message: reason.message }) },
  };
  return { ...base, lastState, state, ready: false, started: false };
}

function stateOf(
  input: StatusInput,
  { id, state, createdAtMs }: RuntimeContainer,
): NonNullable<ContainerStatus["state"]> {
  if (state.phase === "created") return { waiting: { reason: "ContainerCreating" } };
  if (state.phase === "running") return { running: { startedAt: timeText(state.startedAtMs) } };
  const message = input.terminationMessages.get(id) || state.message;
  return {
    terminated: {
      exitCode: state.exitCode,
      reason: state.reason,
      ...(message !== "" && { message }),
      startedAt: timeText(state.startedAtMs || createdAtMs),
      finishedAt: timeText(state.finishedAtMs),
      containerID: `${input.scheme}://${id}`,
    },
  };
}

function phaseOf(
  input: StatusInput,
  inits: readonly ContainerStatus[],
  mains: readonly ContainerStatus[],
): string {
  const { pod, observed } = input;
  if (isTerminal(pod.status?.phase)) return pod.status?.phase ?? "";
  const ended = (one: ContainerStatus) => one.state?.terminated;
  if (
    pod.metadata.deletionTimestamp !== undefined &&
    mains.every((one) => ended(one) || one.state?.waiting) &&
    mains.some(ended)
  )
    return mains.every((one) => ended(one)?.exitCode === 0) ? "Succeeded" : "Failed";
  if (isFinished(pod, observed)) {
    const failed = [...mains, ...inits].some(
      (one) => ended(one) !== undefined && ended(one)?.exitCode !== 0 && !sidecarNamed(pod, one.name),
    );
    return failed ? "Failed" : "Succeeded";
  }
  const begun = (one: ContainerStatus) =>
    one.state?.running ?? one.state?.terminated ?? one.lastState?.terminated;
  // A sidecar that restarts does not take a pod back to its beginning.
  if (
    !initialized(
      pod,
      inits,
      mains.some((one) => begun(one) !== undefined),
    )
  )
    return "Pending";
  return mains.every(begun) ? "Running" : "Pending";
}

const sidecarNamed = (pod: Pod, name: string): boolean =>
  (pod.spec.initContainers ?? []).some((one) => one.name === name && isSidecar(one));

function initialized(pod: Pod, inits: readonly ContainerStatus[], begun: boolean): boolean {
  return inits.every((one) =>
    sidecarNamed(pod, one.name) ? begun || one.started === true : one.state?.terminated?.exitCode === 0,
  );
}

function conditionsOf(
  input: StatusInput,
  phase: string,
  inits: readonly ContainerStatus[],
  mains: readonly ContainerStatus[],
): PodCondition[] {
  const { pod, observed } = input;
  const sidecars = inits.filter((one) => sidecarNamed(pod, one.name));
  const unready = [...sidecars, ...mains].filter((one) => !one.ready).map(({ name }) => name);
  const uninitialized = inits.filter(
    (one) =>
      !one.ready && !(one.started && sidecarNamed(pod, one.name)) && one.state?.terminated?.exitCode !== 0,
  );
  const notReady = isTerminal(phase)
    ? { reason: phase === "Succeeded" ? "PodCompleted" : "PodFailed", message: "" }
    : { reason: "ContainersNotReady", message: `containers with unready status: [${unready.join(" ")}]` };
  const containersReady = !isTerminal(phase) && unready.length === 0;
  const gates = pod.spec.readinessGates ?? [];
  const held = (type: string) =>
    (pod.status?.conditions ?? []).find((one) => one.type === type)?.status === "True";
  const openGate = gates.find(({ conditionType }) => !held(conditionType));
  const gated = {
    reason: "ReadinessGatesNotReady",
    message: `corresponding condition of pod readiness gate "${openGate?.conditionType}" does not exist.`,
  };
  const own: Draft[] = [
    { type: "PodReadyToStartContainers", ok: observed.sandboxes.some(({ state }) => state === "ready") },
    {
      type: "Initialized",
      ok: uninitialized.length === 0 || phase === "Succeeded",
      no: {
        reason: "ContainersNotInitialized",
        message: `containers with incomplete status: [${uninitialized.map(({ name }) => name).join(" ")}]`,
      },
      ...(phase === "Succeeded" && { yes: { reason: "PodCompleted", message: "" } }),
    },
    { type: "Ready", ok: containersReady && openGate === undefined, no: containersReady ? gated : notReady },
    { type: "ContainersReady", ok: containersReady, no: notReady },
    { type: "PodScheduled", ok: true },
  ];
  const ours = new Set(own.map(({ type }) => type));
  const others = (pod.status?.conditions ?? []).filter(({ type }) => !ours.has(type));
  return [...own.map((one) => condition(input, one)), ...others];
}

interface Draft {
  readonly type: string;
  readonly ok: boolean;
  readonly no?: { readonly reason: string; readonly message: string };
  readonly yes?: { readonly reason: string; readonly message: string };
}

function condition({ pod, nowMs }: StatusInput, { type, ok, no, yes }: Draft): PodCondition {
  const status = ok ? "True" : "False";
  const before = pod.status?.conditions?.find((one) => one.type === type);
  const why = ok ? yes : no;
  const unchanged = before?.status === status && before.lastTransitionTime;
  return {
    type,
    status,
    lastTransitionTime: unchanged ? before.lastTransitionTime : timeText(nowMs),
    ...(why && { reason: why.reason, ...(why.message !== "" && { message: why.message }) }),
  } as PodCondition;
}

/** Guaranteed: limits equal requests for cpu and memory everywhere. BestEffort: neither anywhere. */
export function qosClassOf(pod: Pod): "Guaranteed" | "Burstable" | "BestEffort" {
  const all = [...pod.spec.containers, ...(pod.spec.initContainers ?? [])];
  const amounts = all.map(({ resources }) => ({
    limits: resources?.limits ?? {},
    requests: resources?.requests ?? {},
  }));
  const named = (from: { [name: string]: string }) => from.cpu !== undefined || from.memory !== undefined;
  if (!amounts.some(({ limits, requests }) => named(limits) || named(requests))) return "BestEffort";
  const equal = amounts.every(({ limits, requests }) =>
    (["cpu", "memory"] as const).every(
      (name) => limits[name] !== undefined && (requests[name] ?? limits[name]) === limits[name],
    ),
  );
  return equal ? "Guaranteed" : "Burstable";
}

export const timeText = (ms: number): string =>
  new Date(Math.floor(ms / 1000) * 1000).toISOString().replace(".000Z", "Z");
