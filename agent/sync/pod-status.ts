import { qosClass } from "../../client/rules/pod-qos.ts";
import type { Container, ContainerStatus, Pod, PodStatus } from "../../client/types.ts";
import type { RuntimeContainer } from "../runtime/seam.ts";
import { containerFacts } from "./container-facts.ts";
import type { PodFailure } from "./eviction.ts";
import { isSidecar, latest, type Observed, restarts } from "./observed.ts";
import { conditionsOf, ownConditions } from "./pod-conditions.ts";
import { isTerminal, podPhase } from "./pod-phase.ts";
import type { AsWhole } from "./pod-resize.ts";
import { timeText } from "./time-text.ts";

type ResourceStatus = NonNullable<ContainerStatus["allocatedResourcesStatus"]>[number];
type StatusResizing = NonNullable<Parameters<typeof conditionsOf>[0]["resizing"]>;

export interface StatusInput {
  readonly pod: Pod;
  readonly observed: Observed;
  readonly nowMs: number;
  /** A container with the resources that it is granted; without it they are what the pod asks for. */
  readonly granted?: (container: Container) => Container;
  readonly resizing?: StatusResizing;
  readonly asWhole?: AsWhole | undefined;
  /** `oci`, `process`, or a container runtime's name: the scheme of container ids. */
  readonly scheme: string;
  /** Whether the runtime makes mounts read-only with all that is mounted in them. */
  readonly recursiveReadOnly: boolean;
  /** What device plugins gave to a container, and whether it is well. */
  readonly devicesOf?: (container: string) => readonly ResourceStatus[];
  readonly hostIp: string;
  /** Of the other family. */
  readonly secondHostIp?: string | undefined;
  /** Why a container that is to run does not, by container name. */
  readonly waiting: ReadonlyMap<string, { readonly reason: string; readonly message: string }>;
  readonly ready: ReadonlySet<string>;
  readonly started: ReadonlySet<string>;
  readonly terminationMessages: ReadonlyMap<string, string>;
  /** The agent ended the pod for a reason of its own (deadline, eviction). */
  readonly failure?: PodFailure | undefined;
}

/** The status of a pod as its containers stand. Conditions of other writers are kept; times of ours change only when
 *  their status does. */
export function podStatus(input: StatusInput): PodStatus {
  const { pod, observed, hostIp, secondHostIp, failure } = input;
  const before = pod.status ?? {};
  if (wasRefused(input)) return refusedStatus(input);
  const inits = (pod.spec.initContainers ?? []).map((one) => containerStatus(input, one, true));
  const mains = pod.spec.containers.map((one) => containerStatus(input, one, false));
  const ephemeral = (pod.spec.ephemeralContainers ?? []).map((one) => ephemeralStatus(input, one));
  const phase = failure === undefined ? podPhase(input) : "Failed";
  const sandbox = observed.sandboxes.find(({ state }) => state === "ready");
  const podIp = pod.spec.hostNetwork ? hostIp : (sandbox?.podIp ?? "");
  const keptIp = podIp || (phase === "Pending" ? "" : (before.podIP ?? ""));
  const second = pod.spec.hostNetwork ? secondHostIp : sandbox?.secondIp;
  const podIps =
    podIp === "" && before.podIPs?.length
      ? before.podIPs
      : [keptIp, second ?? []].flat().map((ip) => ({ ip }));
  return {
    ...(pod.metadata.generation !== undefined && { observedGeneration: pod.metadata.generation }),
    phase,
    conditions: conditionsOf(input, phase, inits, mains),
    hostIP: hostIp,
    hostIPs: [hostIp, secondHostIp ?? []].flat().map((ip) => ({ ip })),
    ...(keptIp !== "" && { podIP: keptIp, podIPs: podIps }),
    startTime: before.startTime ?? timeText(input.nowMs),
    ...(inits.length > 0 && { initContainerStatuses: inits }),
    containerStatuses: mains,
    ...(ephemeral.length > 0 && { ephemeralContainerStatuses: ephemeral }),
    qosClass: before.qosClass ?? qosClass(pod.spec),
    ...(input.asWhole ?? kept(before)),
    ...((failure && { reason: failure.reason, message: failure.message }) ??
      (before.reason && isTerminal(before.phase) ? { reason: before.reason, message: before.message } : {})),
  } as PodStatus;
}

/** What a pod had as a whole, of which nothing runs. */
function kept({
  resources,
  allocatedResources,
}: PodStatus): Pick<PodStatus, "resources" | "allocatedResources"> {
  return { ...(resources && { resources }), ...(allocatedResources && { allocatedResources }) };
}

/** The pod failed before anything of it was made: the node did not take it. */
const wasRefused = ({ pod: { status = {} }, observed, failure }: StatusInput): boolean =>
  (failure !== undefined || status.phase === "Failed") &&
  status.containerStatuses === undefined &&
  observed.sandboxes.length === 0 &&
  observed.containers.length === 0;

/** As the kubelet's: it says why, and nothing of containers, which would read as if they were still to come. */
function refusedStatus({ pod, nowMs, failure }: StatusInput): PodStatus {
  const before = pod.status ?? {};
  return {
    ...(pod.metadata.generation !== undefined && { observedGeneration: pod.metadata.generation }),
    phase: "Failed",
    conditions: (before.conditions ?? []).filter(({ type }) => !ownConditions.has(type)),
    startTime: before.startTime ?? timeText(nowMs),
    qosClass: before.qosClass ?? qosClass(pod.spec),
    reason: failure?.reason ?? before.reason,
    message: failure?.message ?? before.message,
  } as PodStatus;
}

function containerStatus(input: StatusInput, container: Container, init: boolean): ContainerStatus {
  const { observed, scheme, waiting, pod } = input;
  const last = latest(observed, container.name);
  const { containerStatuses, initContainerStatuses = [], ephemeralContainerStatuses = [] } = pod.status ?? {};
  const recorded = [
    ...(containerStatuses ?? []),
    ...initContainerStatuses,
    ...ephemeralContainerStatuses,
  ].find(({ name }) => name === container.name);
  const previous =
    last &&
    observed.containers
      .filter((one) => one.name === container.name && one.attempt < last.attempt)
      .sort((a, b) => b.attempt - a.attempt)[0];
  const why = waiting.get(container.name);
  const devices = init ? [] : (input.devicesOf?.(container.name) ?? []);
  const base = {
    name: container.name,
    image: last ? last.image : (container.image ?? ""),
    imageID: last ? (last.annotations.imageRef ?? last.imageId) : "",
    ...(last && { containerID: `${scheme}://${last.id}` }),
    restartCount: last?.attempt ?? recorded?.restartCount ?? 0,
    lastState: previous ? stateOf(input, previous) : (recorded?.lastState ?? {}),
    ...containerFacts(input.granted?.(container) ?? container, last, input),
    ...(devices.length > 0 && { allocatedResourcesStatus: [...devices] }),
  };
  if (last?.state.phase === "running") {
    const started = input.started.has(last.id);
    const ready = init && !isSidecar(container) ? false : started && input.ready.has(last.id);
    return { ...base, state: stateOf(input, last), ready, started };
  }
  // Only what will be started again waits; what ended for good keeps the way it ended.
  const again = last !== undefined && goesOn(input) && restarts(pod, container, last, observed);
  if (last?.state.phase === "exited" && (why === undefined || !again)) {
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

/** Nobody waits for an ephemeral container to start or to be ready. */
function ephemeralStatus(input: StatusInput, container: Container): ContainerStatus {
  const { started: _, ...status } = containerStatus(input, container, false);
  return { ...status, ready: false };
}

/** The pod is neither over nor on its way out. */
const goesOn = ({ pod, failure }: StatusInput): boolean =>
  failure === undefined && pod.metadata.deletionTimestamp === undefined && !isTerminal(pod.status?.phase);

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
