import type { Container, Pod } from "../../client/types.ts";
import type { RuntimeContainer, SandboxStatus } from "../runtime/seam.ts";
import { type BackoffEntry, backoffUntil } from "./crash-backoff.ts";

/** What the runtime shows of one pod. */
export interface Observed {
  readonly sandboxes: readonly SandboxStatus[];
  readonly containers: readonly RuntimeContainer[];
}

export interface PlanInput {
  readonly pod: Pod;
  readonly observed: Observed;
  readonly nowMs: number;
  readonly backoffs: ReadonlyMap<string, BackoffEntry>;
  /** Running containers that are to be killed, by container id: why. */
  readonly unhealthy: ReadonlyMap<string, string>;
  /** Ids of running containers that passed their startup probe or have none. */
  readonly started: ReadonlySet<string>;
  /** Set once the pod ended for good (phase Failed or Succeeded): it is not brought up again. */
  readonly terminal: boolean;
}

export type Action =
  /** Stop every container (with grace) and the sandboxes. */
  | {
      readonly kind: "stop-pod";
      readonly graceSeconds: number;
      readonly reason: string;
      readonly message: string;
    }
  /** Nothing of the pod runs and it is being deleted: free its folders and delete it from the API. */
  | { readonly kind: "finish" }
  | { readonly kind: "fail-pod"; readonly reason: string; readonly message: string }
  | { readonly kind: "make-sandbox"; readonly attempt: number }
  | { readonly kind: "stop-sandbox"; readonly id: string }
  | { readonly kind: "start"; readonly name: string; readonly attempt: number; readonly lastEndMs?: number }
  | { readonly kind: "kill"; readonly id: string; readonly name: string; readonly message: string }
  | { readonly kind: "back-off"; readonly name: string; readonly untilMs: number; readonly delayMs: number };

export interface Plan {
  readonly actions: readonly Action[];
  /** Wall time at which to look again although nothing happened. */
  readonly wakeAtMs?: number;
}

/** What is to be done next for a pod. Actions are done in order; afterwards the pod is observed and planned anew. */
export function planPod(input: PlanInput): Plan {
  const { pod, observed, nowMs, terminal } = input;
  const running = observed.containers.some(({ state }) => state.phase === "running");
  const live = running || observed.sandboxes.some(({ state }) => state === "ready");
  if (pod.metadata.deletionTimestamp !== undefined) {
    const graceSeconds =
      pod.metadata.deletionGracePeriodSeconds ?? pod.spec.terminationGracePeriodSeconds ?? 30;
    const stop = { kind: "stop-pod", graceSeconds, reason: "", message: "" } as const;
    return { actions: live ? [stop] : [{ kind: "finish" }] };
  }
  const graceSeconds = pod.spec.terminationGracePeriodSeconds ?? 30;
  if (terminal) {
    const stop = { kind: "stop-pod", graceSeconds, reason: "", message: "" } as const;
    return { actions: live ? [stop] : [] };
  }
  const deadlineMs = deadlineOf(pod);
  if (deadlineMs !== undefined && nowMs >= deadlineMs) {
    const message = "Pod was active on the node longer than the specified deadline";
    return {
      actions: [
        { kind: "stop-pod", graceSeconds, reason: "DeadlineExceeded", message },
        { kind: "fail-pod", reason: "DeadlineExceeded", message },
      ],
    };
  }
  const plan = planLive(input);
  const wakes = [plan.wakeAtMs, deadlineMs].filter((at) => at !== undefined);
  return wakes.length === 0 ? plan : { ...plan, wakeAtMs: Math.min(...wakes) };
}

function planLive(input: PlanInput): Plan {
  const { pod, observed } = input;
  const newest = [...observed.sandboxes].sort((a, b) => b.attempt - a.attempt)[0];
  const sandbox = newest?.state === "ready" ? newest : undefined;
  if (isFinished(pod, observed)) {
    const graceSeconds = pod.spec.terminationGracePeriodSeconds ?? 30;
    return { actions: sandbox ? [{ kind: "stop-pod", graceSeconds, reason: "", message: "" }] : [] };
  }
  const actions: Action[] = [];
  for (const old of observed.sandboxes) {
    if (old.id === sandbox?.id) continue;
    const still = observed.containers.some(
      (one) => one.sandboxId === old.id && one.state.phase === "running",
    );
    if (still || old.state === "ready") actions.push({ kind: "stop-sandbox", id: old.id });
  }
  if (sandbox === undefined) {
    actions.push({ kind: "make-sandbox", attempt: newest === undefined ? 0 : newest.attempt + 1 });
    return { actions };
  }
  const inits = planInits(input, sandbox.id);
  if (!inits.done) return { ...inits.plan, actions: [...actions, ...inits.plan.actions] };
  const mains = mergePlans(pod.spec.containers.map((one) => planContainer(input, one, sandbox.id)));
  return mergePlans([{ actions }, inits.plan, mains]);
}

/** Init containers run one after the other; sidecars among them (restartPolicy Always) only have to have started. */
function planInits(input: PlanInput, sandboxId: string): { readonly done: boolean; readonly plan: Plan } {
  const plans: Plan[] = [];
  // Once a container of the pod ran in this sandbox, the init containers are done with, whatever is left of them.
  const past = input.pod.spec.containers.some(
    (one) => latest(input.observed, one.name, sandboxId) !== undefined,
  );
  for (const container of input.pod.spec.initContainers ?? []) {
    const last = latest(input.observed, container.name, sandboxId);
    if (isSidecar(container)) {
      plans.push(planContainer(input, container, sandboxId));
      const up = last?.state.phase === "running" && input.started.has(last.id);
      if (!up && !past) return { done: false, plan: mergePlans(plans) };
      continue;
    }
    if (past) continue;
    if (last?.state.phase === "exited" && last.state.exitCode === 0) continue;
    return { done: false, plan: mergePlans([...plans, planContainer(input, container, sandboxId)]) };
  }
  return { done: true, plan: mergePlans(plans) };
}

function planContainer(input: PlanInput, container: Container, sandboxId: string): Plan {
  const { name } = container;
  const last = latest(input.observed, name);
  if (last === undefined)
    return { actions: [{ kind: "start", name, attempt: recordedRestarts(input.pod, name) }] };
  const next = last.attempt + 1;
  switch (last.state.phase) {
    case "running": {
      if (last.sandboxId !== sandboxId) return { actions: [] }; // it ends with its sandbox
      const message = input.unhealthy.get(last.id);
      return { actions: message === undefined ? [] : [{ kind: "kill", id: last.id, name, message }] };
    }
    // Made, but the agent died before it was started: its number was not used.
    case "created":
      return { actions: [{ kind: "start", name, attempt: last.attempt }] };
    case "exited": {
      const again = last.sandboxId !== sandboxId && isInit(input.pod, name);
      if (!again && !restarts(input.pod, container, last)) return { actions: [] };
      const lastEndMs = last.state.finishedAtMs;
      const start = { kind: "start", name, attempt: next, lastEndMs } as const;
      if (last.sandboxId !== sandboxId) return { actions: [start] };
      const entry = input.backoffs.get(name);
      const untilMs = backoffUntil(entry, lastEndMs, input.nowMs);
      if (entry === undefined || untilMs === undefined) return { actions: [start] };
      return { actions: [{ kind: "back-off", name, untilMs, delayMs: entry.delayMs }], wakeAtMs: untilMs };
    }
  }
}

/** True when nothing of the pod will run again: every container ended and none restarts, or an init container failed for
 *  good. */
export function isFinished(pod: Pod, observed: Observed): boolean {
  const sandbox = [...observed.sandboxes].sort((a, b) => b.attempt - a.attempt)[0];
  const failedInit = (pod.spec.initContainers ?? []).some((container) => {
    const last = latest(observed, container.name);
    if (last?.state.phase !== "exited" || last.sandboxId !== sandbox?.id) return false;
    return last.state.exitCode !== 0 && !restarts(pod, container, last);
  });
  if (failedInit) return true;
  return pod.spec.containers.every((container) => {
    const last = latest(observed, container.name);
    return last?.state.phase === "exited" && !restarts(pod, container, last);
  });
}

function restarts(pod: Pod, container: Container, last: RuntimeContainer): boolean {
  if (last.state.phase !== "exited") return false;
  if (isSidecar(container)) return true;
  const policy = pod.spec.restartPolicy ?? "Always";
  if (policy === "Never") return false;
  // An init container that succeeded is done, also where the pod's containers always restart.
  return last.state.exitCode !== 0 || (policy === "Always" && !isInit(pod, container.name));
}

/** The newest container of a name: the highest attempt. */
export function latest(observed: Observed, name: string, sandboxId?: string): RuntimeContainer | undefined {
  let found: RuntimeContainer | undefined;
  for (const one of observed.containers) {
    if (one.name !== name || (sandboxId !== undefined && one.sandboxId !== sandboxId)) continue;
    if (
      found === undefined ||
      one.attempt > found.attempt ||
      (one.attempt === found.attempt && one.createdAtMs > found.createdAtMs)
    )
      found = one;
  }
  return found;
}

export const isSidecar = (container: Container): boolean => container.restartPolicy === "Always";
export const isInit = (pod: Pod, name: string): boolean =>
  (pod.spec.initContainers ?? []).some((one) => one.name === name);

/** A container that ran here, but of which nothing is left, goes on counting. */
function recordedRestarts(pod: Pod, name: string): number {
  const statuses = [...(pod.status?.containerStatuses ?? []), ...(pod.status?.initContainerStatuses ?? [])];
  const status = statuses.find((one) => one.name === name);
  return status?.containerID ? status.restartCount + 1 : 0;
}

function deadlineOf(pod: Pod): number | undefined {
  const { activeDeadlineSeconds } = pod.spec;
  const started = pod.status?.startTime;
  return activeDeadlineSeconds === undefined || started === undefined
    ? undefined
    : Date.parse(started) + activeDeadlineSeconds * 1000;
}

function mergePlans(plans: readonly Plan[]): Plan {
  const actions = plans.flatMap((plan) => plan.actions);
  const wakes = plans.flatMap((plan) => plan.wakeAtMs ?? []);
  return wakes.length === 0 ? { actions } : { actions, wakeAtMs: Math.min(...wakes) };
}
