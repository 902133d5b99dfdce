import type { Pod, PodStatus } from "../../client/types.ts";
import type { ContainerState, RuntimeContainer, SandboxStatus } from "../runtime/seam.ts";
import { afterRestart, type BackoffEntry, backOffMessage } from "../sync/crash-backoff.ts";
import { podGraceSeconds } from "../sync/grace-seconds.ts";
import { findContainer, isInit, isSidecar } from "../sync/observed.ts";
import { type Action, planPod } from "../sync/plan-pod.ts";
import { isTerminal } from "../sync/pod-phase.ts";
import { podStatus } from "../sync/pod-status.ts";
import { delayOf, type Stage, type Step } from "./stages.ts";

export interface SimulatedNode {
  readonly hostIp: string;
  readonly stages: readonly Stage[];
  /** An address for a pod that has none yet. */
  readonly giveIp: () => string;
}

export interface Advance {
  readonly status: PodStatus;
  /** Wall time at which something happens next; undefined: nothing does until the pod is changed. */
  readonly wakeAtMs: number | undefined;
  /** Nothing of it runs and it is being deleted. */
  readonly isFinished: boolean;
}

type Waiting = { readonly reason: string; readonly message: string };

const killed = 137;
const terminated = 143;

/** A pod whose containers are only states. It does what the agent's plan says, as soon as stages let it. */
export class SimulatedPod {
  readonly #node: SimulatedNode;
  readonly #sandboxes: SandboxStatus[] = [];
  readonly #containers = new Map<string, RuntimeContainer>();
  readonly #backoffs = new Map<string, BackoffEntry>();
  readonly #waiting = new Map<string, Waiting>();
  readonly #replaced = new Set<string>();
  /** Wall times at which steps that have begun are over. */
  readonly #dues = new Map<string, number>();
  #failure: Waiting | undefined;
  #wakeAtMs: number | undefined;

  /** What the pod's status tells runs on: another process simulated it before. */
  constructor(pod: Pod, node: SimulatedNode) {
    this.#node = node;
    this.#recall(pod);
  }

  /** Does all that is due. */
  advance(pod: Pod, nowMs: number): Advance {
    this.#wakeAtMs = undefined;
    this.#waiting.clear();
    let isFinished = false;
    for (let moved = true; moved && !isFinished; ) {
      moved = this.#endsByItself(pod, nowMs);
      const plan = planPod({
        pod,
        observed: this.#observed(),
        nowMs,
        backoffs: this.#backoffs,
        unhealthy: new Map(),
        started: this.#running(),
        terminal: isTerminal(pod.status?.phase) || this.#failure !== undefined,
      });
      if (plan.wakeAtMs !== undefined) this.#wakeAt(plan.wakeAtMs);
      for (const action of plan.actions) {
        if (action.kind === "finish") isFinished = true;
        else if (this.#act(pod, action, nowMs)) moved = true;
      }
    }
    return { status: this.#status(pod, nowMs), wakeAtMs: this.#wakeAtMs, isFinished };
  }

  /** Ends all that runs, without a word to it. */
  stopAll(nowMs: number): void {
    for (const { id } of this.#sandboxes) this.#stopSandbox(id, nowMs);
  }

  /** Does one action if its time has come; true if anything changed. */
  #act(pod: Pod, action: Exclude<Action, { kind: "finish" }>, nowMs: number): boolean {
    switch (action.kind) {
      case "make-sandbox":
        return this.#isDue(pod, "pod-create", "", nowMs) && this.#makeSandbox(pod, action.attempt, nowMs);
      case "start":
        return this.#start(pod, action, nowMs);
      case "back-off": {
        const message = backOffMessage(pod, action.name, action.delayMs);
        this.#waiting.set(action.name, { reason: "CrashLoopBackOff", message });
        return false;
      }
      case "stop-pod": {
        const deleted = pod.metadata.deletionTimestamp !== undefined;
        if (deleted && !this.#isDue(pod, "pod-delete", "", nowMs)) return false;
        return this.#stopPod(nowMs);
      }
      case "fail-pod":
        this.#failure = action;
        return false;
      case "stop-sandbox":
        return this.#stopSandbox(action.id, nowMs);
      case "kill":
        if (action.replace) this.#replaced.add(action.id);
        return this.#exit(action.id, terminated, nowMs);
    }
  }

  #makeSandbox(pod: Pod, attempt: number, nowMs: number): true {
    const podIp = pod.spec.hostNetwork ? "" : this.#node.giveIp();
    const id = `${pod.metadata.uid}-${attempt}`;
    this.#sandboxes.push({ id, pod: identity(pod), attempt, state: "ready", createdAtMs: nowMs, podIp });
    return true;
  }

  #start(pod: Pod, { name, attempt, lastEndMs }: Action & { kind: "start" }, nowMs: number): boolean {
    const begins = !isInit(pod, name);
    if (begins && !this.#isDue(pod, "pod-ready", `${name}/${attempt}`, nowMs)) return false;
    const container = findContainer(pod, name);
    const id = `${pod.metadata.uid}-${name}-${attempt}`;
    this.#containers.set(id, {
      id,
      sandboxId: this.#sandboxes.at(-1)?.id ?? "",
      pod: identity(pod),
      name,
      attempt,
      image: container?.image ?? "",
      imageId: `simulated/${container?.image ?? ""}`,
      logPath: "",
      annotations: {},
      createdAtMs: nowMs,
      state: { phase: "running", startedAtMs: nowMs },
    });
    for (const one of this.#containers.values())
      if (one.name === name && one.attempt < attempt - 1) this.#containers.delete(one.id);
    if (lastEndMs !== undefined)
      this.#backoffs.set(name, afterRestart(this.#backoffs.get(name), lastEndMs, nowMs));
    return true;
  }

  /** Init containers do their work; others fail or complete where a stage says so. */
  #endsByItself(pod: Pod, nowMs: number): boolean {
    let moved = false;
    for (const { id, name, attempt, state } of [...this.#containers.values()]) {
      const container = findContainer(pod, name);
      if (state.phase !== "running" || container === undefined) continue;
      const at = `${name}/${attempt}`;
      if (isInit(pod, name)) {
        if (!isSidecar(container) && this.#isDue(pod, "pod-init-complete", at, nowMs))
          moved = this.#exit(id, 0, nowMs) || moved;
      } else if (this.#isDue(pod, "pod-fail", at, nowMs)) moved = this.#exit(id, 1, nowMs) || moved;
      else if (this.#isDue(pod, "pod-complete", at, nowMs)) moved = this.#exit(id, 0, nowMs) || moved;
    }
    return moved;
  }

  /** Whether a step that began when first asked for is over. */
  #isDue(pod: Pod, step: Step, of: string, nowMs: number): boolean {
    const key = `${step}/${of}`;
    let dueMs = this.#dues.get(key);
    if (dueMs === undefined) {
      const delayMs = delayOf(this.#node.stages, step, pod.metadata);
      if (delayMs === undefined) return false;
      const graceMs = podGraceSeconds(pod) * 1000;
      dueMs = nowMs + (step === "pod-delete" ? Math.min(delayMs, graceMs) : delayMs);
      this.#dues.set(key, dueMs);
    }
    if (nowMs >= dueMs) return true;
    this.#wakeAt(dueMs);
    return false;
  }

  #wakeAt(ms: number): void {
    this.#wakeAtMs = Math.min(ms, this.#wakeAtMs ?? ms);
  }

  #stopPod(nowMs: number): boolean {
    let moved = false;
    for (const { id } of this.#sandboxes) moved = this.#stopSandbox(id, nowMs) || moved;
    for (const { id } of [...this.#containers.values()]) moved = this.#exit(id, terminated, nowMs) || moved;
    return moved;
  }

  #stopSandbox(id: string, nowMs: number): boolean {
    let moved = false;
    for (const one of [...this.#containers.values()])
      if (one.sandboxId === id) moved = this.#exit(one.id, killed, nowMs) || moved;
    const at = this.#sandboxes.findIndex((one) => one.id === id && one.state === "ready");
    const sandbox = this.#sandboxes[at];
    if (sandbox === undefined) return moved;
    this.#sandboxes[at] = { ...sandbox, state: "notready" };
    return true;
  }

  #exit(id: string, exitCode: number, nowMs: number): boolean {
    const container = this.#containers.get(id);
    if (container?.state.phase !== "running") return false;
    const state = endedState(container.state.startedAtMs, exitCode, nowMs);
    this.#containers.set(id, { ...container, state });
    return true;
  }

  #observed() {
    return {
      sandboxes: this.#sandboxes,
      containers: [...this.#containers.values()],
      replaced: this.#replaced,
    };
  }

  #running(): ReadonlySet<string> {
    return new Set(
      [...this.#containers.values()].filter(({ state }) => state.phase === "running").map(({ id }) => id),
    );
  }

  #status(pod: Pod, nowMs: number): PodStatus {
    const running = this.#running();
    return podStatus({
      pod,
      observed: this.#observed(),
      nowMs,
      scheme: "simulated",
      recursiveReadOnly: false,
      hostIp: this.#node.hostIp,
      waiting: this.#waiting,
      ready: running,
      started: running,
      terminationMessages: new Map(),
      failure: this.#failure,
    });
  }

  #recall(pod: Pod): void {
    const { podIP, containerStatuses = [], initContainerStatuses = [], phase } = pod.status ?? {};
    const all = [...initContainerStatuses, ...containerStatuses];
    const hasSandbox = pod.status?.conditions?.some(
      ({ type, status }) => type === "PodReadyToStartContainers" && status === "True",
    );
    if (!hasSandbox && !all.some(({ containerID }) => containerID)) return;
    const id = `${pod.metadata.uid}-0`;
    const state = isTerminal(phase) ? "notready" : "ready";
    this.#sandboxes.push({
      id,
      pod: identity(pod),
      attempt: 0,
      state,
      createdAtMs: timeMs(pod.status?.startTime),
      podIp: pod.spec.hostNetwork ? "" : (podIP ?? ""),
    });
    for (const one of all) {
      const containerId = one.containerID?.replace(/^\w+:\/\//, "") ?? "";
      const shown = one.state?.waiting === undefined ? one.state : one.lastState;
      if (containerId === "" || shown === undefined) continue;
      const { running, terminated: ended } = shown;
      if (running === undefined && ended === undefined) continue;
      const startedAtMs = timeMs(running?.startedAt ?? ended?.startedAt);
      this.#containers.set(containerId, {
        id: containerId,
        sandboxId: id,
        pod: identity(pod),
        name: one.name,
        attempt: one.restartCount,
        image: one.image,
        imageId: one.imageID,
        logPath: "",
        annotations: {},
        createdAtMs: startedAtMs,
        state:
          ended === undefined
            ? { phase: "running", startedAtMs }
            : endedState(startedAtMs, ended.exitCode, timeMs(ended.finishedAt)),
      });
    }
  }
}

function identity({ metadata: { namespace = "", name, uid } }: Pod): RuntimeContainer["pod"] {
  return { namespace, name, uid };
}

function endedState(startedAtMs: number, exitCode: number, finishedAtMs: number): ContainerState {
  const reason = exitCode === 0 ? "Completed" : "Error";
  return { phase: "exited", startedAtMs, finishedAtMs, exitCode, signal: 0, reason, message: "" };
}

const timeMs = (text: string | Date | undefined): number => Date.parse(String(text ?? "")) || 0;
