import type { ContainerStatus, Pod, PodStatus } from "../../client/types.ts";
import type { PodFailure } from "./eviction.ts";
import { isSidecar, latest, type Observed } from "./observed.ts";
import { isTerminal } from "./pod-phase.ts";
import { isOutdated, mayRestartAll } from "./restart-rules.ts";
import { timeText } from "./time-text.ts";

export type PodCondition = NonNullable<PodStatus["conditions"]>[number];

interface ConditionInput {
  readonly pod: Pod;
  readonly observed: Observed;
  readonly nowMs: number;
  /** How it stands with a change of resources. */
  readonly resizing?: readonly PodCondition[];
  /** Why the agent ended the pod. */
  readonly failure?: PodFailure | undefined;
}

/** The conditions that are the node's to write. */
export const ownConditions: ReadonlySet<string> = new Set([
  "PodReadyToStartContainers",
  "Initialized",
  "Ready",
  "ContainersReady",
  "PodScheduled",
  "AllContainersRestarting",
  "PodResizePending",
  "PodResizeInProgress",
]);

const sidecarNamed = (pod: Pod, name: string): boolean =>
  (pod.spec.initContainers ?? []).some((one) => one.name === name && isSidecar(one));

const hasStarted = ({ state }: ContainerStatus): boolean =>
  state?.running !== undefined || state?.terminated !== undefined;

/** The node's conditions, and those of other writers as they stand. */
export function conditionsOf(
  input: ConditionInput,
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
      // What was initialized stays so, though a sidecar or all containers start anew.
      ok:
        uninitialized.length === 0 || phase === "Succeeded" || mains.some(hasStarted) || held("Initialized"),
      no: {
        reason: "ContainersNotInitialized",
        message: `containers with incomplete status: [${uninitialized.map(({ name }) => name).join(" ")}]`,
      },
      ...(phase === "Succeeded" && { yes: { reason: "PodCompleted", message: "" } }),
    },
    { type: "Ready", ok: containersReady && openGate === undefined, no: containersReady ? gated : notReady },
    { type: "ContainersReady", ok: containersReady, no: notReady },
    { type: "PodScheduled", ok: true },
    ...(mayRestartAll(pod) ? [restartingAll(input, phase)] : []),
  ];
  const disruption = disruptionOf(input);
  const others = (pod.status?.conditions ?? []).filter(
    ({ type }) => !ownConditions.has(type) && type !== disruption[0]?.type,
  );
  return [...own.map((one) => condition(input, one)), ...(input.resizing ?? []), ...others, ...disruption];
}

/** Others say so too, of what they delete: it is not the node's alone. */
function disruptionOf(input: ConditionInput): readonly PodCondition[] {
  const { failure } = input;
  if (failure?.disrupts !== true) return [];
  const yes = { reason: "TerminationByKubelet", message: failure.message };
  return [condition(input, { type: "DisruptionTarget", ok: true, yes })];
}

function restartingAll({ pod, observed }: ConditionInput, phase: string): Draft {
  const names = [...pod.spec.containers, ...(pod.spec.initContainers ?? [])].map(({ name }) => name);
  const outdated = names
    .flatMap((name) => latest(observed, name) ?? [])
    .some((one) => isOutdated(pod, observed.containers, one));
  return {
    type: "AllContainersRestarting",
    ok: outdated && !isTerminal(phase),
    yes: { reason: "RestartAllContainersStarted", message: "container exited with restart policy rule" },
    ...(isTerminal(phase) && {
      no: { reason: phase === "Succeeded" ? "PodCompleted" : "PodFailed", message: "" },
    }),
  };
}

interface Draft {
  readonly type: string;
  readonly ok: boolean;
  readonly no?: { readonly reason: string; readonly message: string };
  readonly yes?: { readonly reason: string; readonly message: string };
}

function condition({ pod, nowMs }: ConditionInput, { type, ok, no, yes }: Draft): PodCondition {
  const status = ok ? "True" : "False";
  const before = pod.status?.conditions?.find((one) => one.type === type);
  const why = ok ? yes : no;
  const unchanged = before?.status === status && before.lastTransitionTime;
  return {
    type,
    status,
    ...(pod.metadata.generation !== undefined && { observedGeneration: pod.metadata.generation }),
    lastTransitionTime: unchanged ? before.lastTransitionTime : timeText(nowMs),
    ...(why && { reason: why.reason, ...(why.message !== "" && { message: why.message }) }),
  } as PodCondition;
}
