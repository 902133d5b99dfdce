import { type Duration, durationMs } from "../../base/duration.ts";
import type { Container, Pod, PodStatus } from "../../client/types.ts";
import type { ProbeFailure } from "../probes/probe-standing.ts";
import type { ContainerState, RuntimeContainer, SandboxStatus } from "../runtime/seam.ts";
import { afterRestart, type BackoffEntry, backOffMessage } from "../sync/crash-backoff.ts";
import type { Eviction, PodFailure } from "../sync/eviction.ts";
import { containerGraceSeconds, evictionGraceSeconds, podGraceSeconds } from "../sync/grace-seconds.ts";
import { findContainer, isInit, isSidecar } from "../sync/observed.ts";
import { type Action, planPod } from "../sync/plan-pod.ts";
import { isTerminal } from "../sync/pod-phase.ts";
import { podStatus } from "../sync/pod-status.ts";
import type { ContainerRun, ExitScript, PodBehaviours } from "./pod-behaviour.ts";
import { SimulatedProbes } from "./simulated-probes.ts";
import { SimulatedPulls, type TellEvent } from "./simulated-pulls.ts";
import { delayOf, type Stage, type Step } from "./stages.ts";

export interface SimulatedNode {
  readonly hostIp: string;
  readonly stages: readonly Stage[];
  readonly behaviours: PodBehaviours;
  /** The images that it has pulled. */
  readonly images: Set<string>;
  /** Tells of a container, or of the pod where none is named. */
  readonly onEvent: (pod: Pod, container: string, ...event: Parameters<TellEvent>) => void;
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
  readonly #pulls: SimulatedPulls;
  /** By container id, of those that a script has something to say of. */
  readonly #probes = new Map<string, SimulatedProbes>();
  /** Containers that wait to be started again, of which an event tells once. */
  readonly #backedOff = new Set<string>();
  /** The node ends it for a reason of its own, which an event has told. */
  #isEnding = false;
  /** Its deletion would take longer than it may. */
  #outlivesGrace = false;
  #failure: PodFailure | undefined;
  #wakeAtMs: number | undefined;

  /** What the pod's status tells runs on: another process simulated it before. */
  constructor(pod: Pod, node: SimulatedNode) {
    this.#node = node;
    this.#pulls = new SimulatedPulls(node.images);
    this.#recall(pod);
  }

  /** Its containers as they are. */
  get containers(): readonly RuntimeContainer[] {
    return [...this.#containers.values()];
  }

  /** Does all that is due. */
  advance(pod: Pod, nowMs: number): Advance {
    this.#wakeAtMs = undefined;
    this.#waiting.clear();
    let isFinished = false;
    for (let moved = true; moved && !isFinished; ) {
      moved = this.#endsByItself(pod, nowMs);
      this.#probe(pod, nowMs);
      const plan = planPod({
        pod,
        observed: this.#observed(),
        nowMs,
        backoffs: this.#backoffs,
        unhealthy: this.#unhealthy(),
        started: this.#running((id) => this.#probes.get(id)?.standing.started ?? true),
        eviction: this.#eviction(pod, nowMs),
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
        if (!this.#backedOff.has(action.name)) {
          const { name, namespace, uid } = pod.metadata;
          const told = `Back-off restarting failed container ${action.name} in pod ${name}_${namespace}(${uid})`;
          this.#node.onEvent(pod, action.name, "Warning", "BackOff", told);
        }
        this.#backedOff.add(action.name);
        return false;
      }
      case "stop-pod": {
        const deleted = pod.metadata.deletionTimestamp !== undefined;
        if (deleted && !this.#isDue(pod, "pod-delete", "", nowMs)) return false;
        if (action.reason !== "" && !this.#isEnding)
          this.#node.onEvent(pod, "", "Warning", action.reason, action.message);
        this.#isEnding ||= action.reason !== "";
        return this.#stopPod(pod, action.graceSeconds, nowMs);
      }
      case "fail-pod":
        // Not before nothing of it runs.
        if (!this.#isLive()) this.#failure ??= { reason: action.reason, message: action.message };
        return false;
      case "stop-sandbox":
        return this.#stopSandbox(action.id, nowMs);
      case "kill": {
        if (action.replace) this.#replaced.add(action.id);
        if (!this.#dues.has(`stop/${action.id}`))
          this.#node.onEvent(pod, action.name, "Normal", "Killing", action.message);
        const graceSeconds = action.graceSeconds ?? containerGraceSeconds(pod, action.name, action.probe);
        return this.#stopOne(pod, action.id, graceSeconds, nowMs);
      }
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
    const container = findContainer(pod, name);
    if (container === undefined || !this.#isPulled(pod, container, attempt, nowMs)) return false;
    if (
      !this.#isOver(`start/${name}/${attempt}`, this.#node.behaviours.of("start", pod, container) ?? 0, nowMs)
    )
      return false;
    if (begins && !this.#isDue(pod, "pod-ready", `${name}/${attempt}`, nowMs)) return false;
    this.#node.onEvent(pod, name, "Normal", "Created", `Created container: ${name}`);
    this.#node.onEvent(pod, name, "Normal", "Started", `Started container ${name}`);
    this.#backedOff.delete(name);
    const id = `${pod.metadata.uid}-${name}-${attempt}`;
    this.#containers.set(id, {
      id,
      sandboxId: this.#sandboxes.at(-1)?.id ?? "",
      pod: identity(pod),
      name,
      attempt,
      image: container.image ?? "",
      imageId: `simulated/${container.image ?? ""}`,
      logPath: "",
      annotations: {},
      createdAtMs: nowMs,
      state: { phase: "running", startedAtMs: nowMs },
    });
    for (const one of this.#containers.values()) {
      if (one.name === name && one.attempt < attempt - 1) this.#containers.delete(one.id);
      if (one.name === name && one.attempt < attempt) this.#probes.delete(one.id);
    }
    this.#beginProbes(pod, container, id, nowMs);
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
      const exit = this.#node.behaviours.of("exit", pod, container);
      if (exit === false) continue;
      if (exit !== undefined && attempt < (exit.times ?? Number.POSITIVE_INFINITY)) {
        const dueMs = state.startedAtMs + durationMs(exit.after ?? 0);
        if (nowMs < dueMs) this.#wakeAt(dueMs);
        else moved = this.#exitAs(id, exit, nowMs) || moved;
        continue;
      }
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
      this.#outlivesGrace ||= step === "pod-delete" && delayMs > graceMs;
      this.#dues.set(key, dueMs);
    }
    if (nowMs >= dueMs) return true;
    this.#wakeAt(dueMs);
    return false;
  }

  /** Whether something that began when first asked for is over. */
  #isOver(key: string, takes: Duration, nowMs: number): boolean {
    let dueMs = this.#dues.get(key);
    if (dueMs === undefined) {
      dueMs = nowMs + durationMs(takes);
      this.#dues.set(key, dueMs);
    }
    if (nowMs >= dueMs) return true;
    this.#wakeAt(dueMs);
    return false;
  }

  #isPulled(pod: Pod, container: Container, attempt: number, nowMs: number): boolean {
    const said = this.#node.behaviours.of("pull", pod, container);
    if (said === undefined) return true;
    const script = typeof said === "object" ? said : { takes: said };
    const tell: TellEvent = (...event) => this.#node.onEvent(pod, container.name, ...event);
    const pulled = this.#pulls.advance(container, { script, attempt, nowMs, tell });
    if (pulled.state === "there") return true;
    if (pulled.untilMs !== undefined) this.#wakeAt(pulled.untilMs);
    if (pulled.state === "failed") this.#waiting.set(container.name, pulled);
    return false;
  }

  #eviction(pod: Pod, nowMs: number): Eviction | undefined {
    const said = this.#node.behaviours.of("evict", pod);
    if (said === undefined || pod.metadata.deletionTimestamp !== undefined) return undefined;
    if (!this.#isOver("evict", said.after ?? 0, nowMs)) return undefined;
    const message = said.message ?? "The node was low on resource: memory.";
    return { message, graceSeconds: evictionGraceSeconds };
  }

  /** Of a container that nothing is said of nothing is probed: it is well at once. */
  #beginProbes(pod: Pod, container: Container, id: string, startedAtMs: number): void {
    const scripts = this.#node.behaviours.of("probe", pod, container);
    if (scripts !== undefined) this.#probes.set(id, new SimulatedProbes(container, scripts, startedAtMs));
  }

  #probe(pod: Pod, nowMs: number): void {
    for (const { id, name, state } of this.#containers.values()) {
      const container = findContainer(pod, name);
      if (state.phase !== "running" || container === undefined) continue;
      const { startedAtMs } = state;
      const readyMs = startedAtMs + durationMs(this.#node.behaviours.of("ready", pod, container) ?? 0);
      if (nowMs < readyMs) this.#wakeAt(readyMs);
      const probes = this.#probes.get(id);
      if (probes === undefined) continue;
      const scripts = this.#node.behaviours.of("probe", pod, container) ?? {};
      const wakeAtMs = probes.advance({
        nowMs,
        startedAtMs,
        scripts,
        runAt: (ms) => this.runOf(pod, id, ms),
        tell: (...event) => this.#node.onEvent(pod, name, ...event),
      });
      if (wakeAtMs !== undefined) this.#wakeAt(wakeAtMs);
    }
  }

  #unhealthy(): ReadonlyMap<string, ProbeFailure> {
    const found = new Map<string, ProbeFailure>();
    for (const [id, { standing }] of this.#probes)
      if (standing.failed !== undefined) found.set(id, standing.failed);
    return found;
  }

  #isReady(pod: Pod, id: string, nowMs: number): boolean {
    const one = this.#containers.get(id);
    const container = one && findContainer(pod, one.name);
    if (one?.state.phase !== "running" || container === undefined) return false;
    const readyMs =
      one.state.startedAtMs + durationMs(this.#node.behaviours.of("ready", pod, container) ?? 0);
    const standing = this.#probes.get(id)?.standing;
    return nowMs >= readyMs && (standing === undefined || (standing.started && standing.ready));
  }

  /** A container as functions of scripts see it. */
  runOf(pod: Pod, id: string, nowMs: number): ContainerRun {
    const one = this.#containers.get(id);
    const startedAtMs = one === undefined || one.state.phase === "created" ? nowMs : one.state.startedAtMs;
    return {
      pod,
      container: one?.name ?? "",
      restarts: one?.attempt ?? 0,
      elapsedMs: Math.max(0, nowMs - startedAtMs),
    };
  }

  #wakeAt(ms: number): void {
    this.#wakeAtMs = Math.min(ms, this.#wakeAtMs ?? ms);
  }

  /** The containers first, which may take their time. */
  #stopPod(pod: Pod, graceSeconds: number, nowMs: number): boolean {
    let moved = false;
    for (const { id } of [...this.#containers.values()])
      moved = this.#stopOne(pod, id, graceSeconds, nowMs) || moved;
    if (this.#running().size > 0) return moved;
    for (const { id } of this.#sandboxes) moved = this.#stopSandbox(id, nowMs) || moved;
    return moved;
  }

  #stopOne(pod: Pod, id: string, graceSeconds: number, nowMs: number): boolean {
    const one = this.#containers.get(id);
    const container = one && findContainer(pod, one.name);
    if (one?.state.phase !== "running") return false;
    const takesMs = durationMs(this.#node.behaviours.of("stop", pod, container) ?? 0);
    const graceMs = graceSeconds * 1000;
    if (!this.#isOver(`stop/${id}`, Math.min(takesMs, graceMs), nowMs)) return false;
    return this.#exit(id, takesMs > graceMs || this.#outlivesGrace ? killed : terminated, nowMs);
  }

  #isLive(): boolean {
    return this.#running().size > 0 || this.#sandboxes.some(({ state }) => state === "ready");
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

  #exitAs(id: string, { code, reason, message = "" }: ExitScript, nowMs: number): boolean {
    if (!this.#exit(id, code ?? (reason === "OOMKilled" ? killed : 0), nowMs)) return false;
    const container = this.#containers.get(id);
    if (container?.state.phase !== "exited") return false;
    const state = { ...container.state, message, ...(reason !== undefined && { reason }) };
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

  #running(isMeant: (id: string) => boolean = () => true): ReadonlySet<string> {
    return new Set(
      [...this.#containers.values()]
        .filter(({ id, state }) => state.phase === "running" && isMeant(id))
        .map(({ id }) => id),
    );
  }

  #status(pod: Pod, nowMs: number): PodStatus {
    return podStatus({
      pod,
      observed: this.#observed(),
      nowMs,
      scheme: "simulated",
      recursiveReadOnly: false,
      hostIp: this.#node.hostIp,
      waiting: this.#waiting,
      ready: this.#running((id) => this.#isReady(pod, id, nowMs)),
      started: this.#running((id) => this.#probes.get(id)?.standing.started ?? true),
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
