import type { Container, Pod } from "../../client/types.ts";
import type { ProbeFailure } from "../probes/probe-standing.ts";
import type { RuntimeContainer } from "../runtime/seam.ts";
import { type BackoffEntry, backoffUntil } from "./crash-backoff.ts";
import type { Eviction } from "./eviction.ts";
import { podGraceSeconds } from "./grace-seconds.ts";
import { isFinished, isInit, isLive, isSidecar, latest, type Observed, restarts } from "./observed.ts";
import { evicted } from "./pod-phase.ts";
import { isOutdated } from "./restart-rules.ts";

export interface PlanInput {
  readonly pod: Pod;
  readonly observed: Observed;
  readonly nowMs: number;
  readonly backoffs: ReadonlyMap<string, BackoffEntry>;
  /** Probes that failed for good, by the id of the running container: it is to be killed. */
  readonly unhealthy: ReadonlyMap<string, ProbeFailure>;
  /** Ids of running containers that passed their startup probe or have none. */
  readonly started: ReadonlySet<string>;
  /** Ids of running containers that are to start anew, to have the resources that they are granted. */
  readonly toResize?: ReadonlySet<string>;
  /** Set once the pod ended for good (phase Failed or Succeeded): it is not brought up again. */
  readonly terminal: boolean;
  /** That the pod is to be evicted, if it is. */
  readonly eviction?: Pick<Eviction, "reason" | "message" | "graceSeconds"> | undefined;
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
  | Kill
  | { readonly kind: "back-off"; readonly name: string; readonly untilMs: number; readonly delayMs: number };

/** Stop one running container; `replace`: another is to take its place whatever the restart policy says. */
export interface Kill {
  readonly kind: "kill";
  readonly id: string;
  readonly name: string;
  readonly message: string;
  /** The probe that failed, if one did: it may name a grace of its own. */
  readonly probe?: ProbeFailure;
  /** Less than the pod's own. */
  readonly graceSeconds?: number;
  readonly replace: boolean;
}

export interface Plan {
  readonly actions: readonly Action[];
  /** Wall time at which to look again although nothing happened. */
  readonly wakeAtMs?: number;
}

/** What is to be done next for a pod. Actions are done in order; afterwards the pod is observed and planned anew. */
export function planPod(input: PlanInput): Plan {
  const { pod, observed, nowMs, terminal } = input;
  const live = isLive(observed);
  const { eviction } = input;
  if (eviction !== undefined && !terminal)
    return endFor(eviction.reason ?? evicted, eviction.message, eviction.graceSeconds);
  const graceSeconds = podGraceSeconds(pod);
  if (pod.metadata.deletionTimestamp !== undefined) {
    const stop = { kind: "stop-pod", graceSeconds, reason: "", message: "" } as const;
    return { actions: live ? [stop] : [{ kind: "finish" }] };
  }
  if (terminal) {
    const stop = { kind: "stop-pod", graceSeconds, reason: "", message: "" } as const;
    return { actions: live ? [stop] : [] };
  }
  const deadlineMs = deadlineOf(pod);
  if (deadlineMs !== undefined && nowMs >= deadlineMs) {
    const message = "Pod was active on the node longer than the specified deadline";
    return endFor("DeadlineExceeded", message, graceSeconds);
  }
  const plan = planLive(input);
  const wakes = [plan.wakeAtMs, deadlineMs].filter((at) => at !== undefined);
  return wakes.length === 0 ? plan : { ...plan, wakeAtMs: Math.min(...wakes) };
}

/** The agent ends the pod for good; it counts as failed once nothing of it runs. */
function endFor(reason: string, message: string, graceSeconds: number): Plan {
  return {
    actions: [
      { kind: "stop-pod", graceSeconds, reason, message },
      { kind: "fail-pod", reason, message },
    ],
  };
}

function planLive(input: PlanInput): Plan {
  const { pod, observed } = input;
  const newest = [...observed.sandboxes].sort((a, b) => b.attempt - a.attempt)[0];
  const sandbox = newest?.state === "ready" ? newest : undefined;
  if (isFinished(pod, observed)) {
    const graceSeconds = podGraceSeconds(pod);
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
  // Where one ended by the rule that all are to be restarted, nothing is started before the others are gone.
  const outdated = observed.containers.filter(
    (one) => one.state.phase === "running" && isOutdated(pod, observed.containers, one),
  );
  if (outdated.length > 0)
    return {
      actions: outdated.map(({ id, name }) => ({
        kind: "kill",
        id,
        name,
        message: `Stopping container ${name}`,
        graceSeconds: 0,
        replace: true,
      })),
    };
  const ephemeral = mergePlans(
    (pod.spec.ephemeralContainers ?? []).map(({ name }) => planEphemeral(input, name)),
  );
  const inits = planInits(input, sandbox.id);
  if (!inits.done) return mergePlans([{ actions }, inits.plan, ephemeral]);
  const mains = mergePlans(pod.spec.containers.map((one) => planContainer(input, one, sandbox.id)));
  return mergePlans([{ actions }, inits.plan, mains, ephemeral]);
}

/** Init containers run one after the other; sidecars among them (restartPolicy Always) only have to have started. */
function planInits(input: PlanInput, sandboxId: string): { readonly done: boolean; readonly plan: Plan } {
  const plans: Plan[] = [];
  // Once a container of the pod ran in this sandbox, the init containers are done with, whatever is left of them.
  const { pod, observed } = input;
  const isCurrent = (one: RuntimeContainer | undefined) =>
    one !== undefined && !isOutdated(pod, observed.containers, one);
  const past = pod.spec.containers.some(({ name }) => isCurrent(latest(observed, name, sandboxId)));
  for (const container of pod.spec.initContainers ?? []) {
    const last = latest(observed, container.name, sandboxId);
    if (isSidecar(container)) {
      plans.push(planContainer(input, container, sandboxId));
      const up = last?.state.phase === "running" && input.started.has(last.id);
      if (!up && !past) return { done: false, plan: mergePlans(plans) };
      continue;
    }
    if (past) continue;
    if (last?.state.phase === "exited" && last.state.exitCode === 0 && isCurrent(last)) continue;
    return { done: false, plan: mergePlans([...plans, planContainer(input, container, sandboxId)]) };
  }
  return { done: true, plan: mergePlans(plans) };
}

/** Begun once, as soon as there is a sandbox, whatever the others do; never again. */
function planEphemeral({ observed }: PlanInput, name: string): Plan {
  const last = latest(observed, name);
  const isBegun = last !== undefined && last.state.phase !== "created";
  return { actions: isBegun ? [] : [{ kind: "start", name, attempt: last?.attempt ?? 0 }] };
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
      const kill = killOf(input, container, last);
      return { actions: kill === undefined ? [] : [kill] };
    }
    // Made, but the agent died before it was started: its number was not used.
    case "created":
      return { actions: [{ kind: "start", name, attempt: last.attempt }] };
    case "exited": {
      const again = last.sandboxId !== sandboxId && isInit(input.pod, name);
      if (!again && !restarts(input.pod, container, last, input.observed)) return { actions: [] };
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

/** Why a running container has to go, if it has to: its image is no longer the pod's, or a probe failed for good. An init
 *  container that only has to end is left to end. */
function killOf(input: PlanInput, container: Container, last: RuntimeContainer): Kill | undefined {
  const { pod, unhealthy } = input;
  const { name } = container;
  const init = isInit(pod, name);
  if (init && !isSidecar(container)) return undefined;
  if (input.toResize?.has(last.id))
    return {
      kind: "kill",
      id: last.id,
      name,
      message: `Container ${name} resize requires restart`,
      replace: true,
    };
  const probe = unhealthy.get(last.id);
  const changed = last.image !== (container.image ?? "");
  if (!changed && probe === undefined) return undefined;
  const why = changed ? "definition changed" : `failed ${probe?.kind} probe`;
  const policy = container.restartPolicy ?? pod.spec.restartPolicy ?? "Always";
  const replace = changed || policy !== "Never";
  const message = `${init ? "Init container" : "Container"} ${name} ${why}${replace && !init ? ", will be restarted" : ""}`;
  return { kind: "kill", id: last.id, name, message, ...(!changed && probe && { probe }), replace };
}

/** A container that ran here, but of which nothing is left, goes on counting. */
function recordedRestarts(pod: Pod, name: string): number {
  const statuses = [...(pod.status?.containerStatuses ?? []), ...(pod.status?.initContainerStatuses ?? [])];
  return statuses.find((one) => one.name === name)?.restartCount ?? 0;
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
