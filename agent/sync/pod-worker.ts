import { deferred } from "../../base/deferred.ts";
import { describeError } from "../../base/os/log.ts";
import { keyOf } from "../../client/object-cache.ts";
import type { Pod } from "../../client/types.ts";
import { readNodeResolvConf } from "../dns/node-resolv-conf.ts";
import { ImageUnavailable } from "../images/image-manager.ts";
import { networkNotReady } from "../network-seam.ts";
import type { RuntimeContainer } from "../runtime/seam.ts";
import type { PodStatuses } from "../status/pod-statuses.ts";
import { ApiVolumes } from "./api-volumes.ts";
import { sandboxConfig } from "./container-config.ts";
import { afterRestart, type BackoffEntry, backOffMessage } from "./crash-backoff.ts";
import { EndedPod } from "./ended-pod.ts";
import { ConfigError } from "./environment.ts";
import type { Eviction, PodFailure } from "./eviction.ts";
import { containerGraceSeconds, podGraceSeconds } from "./grace-seconds.ts";
import { findContainer, isFinished, isLive, latest, type Observed } from "./observed.ts";
import { type Action, type Kill, planPod } from "./plan-pod.ts";
import { fieldPathOf, type PodContext } from "./pod-context.ts";
import { podDns } from "./pod-dns.ts";
import { evicted, isTerminal } from "./pod-phase.ts";
import { failedProbes, followProbes, startedContainers } from "./pod-probes.ts";
import { PodReport } from "./pod-report.ts";
import { PodResize } from "./pod-resize.ts";
import { actionSpan, syncSpan } from "./pod-spans.ts";
import { recalledContainers } from "./recalled.ts";
import { deleteFromApi, dropOldContainers, observePod, removePod } from "./remove-pod.ts";
import { rung } from "./rung.ts";
import { runtimeHandler } from "./runtime-handler.ts";
import { StartRefused, startContainer } from "./start-container.ts";
import { StepTimer } from "./step-times.ts";
import { StopGrace } from "./stop-grace.ts";
import { type Stop, stopOne, stopPod } from "./stop-pod.ts";
import { effectlessText } from "./unisolated-fields.ts";
import { unsupportedFields, unsupportedText } from "./unsupported-fields.ts";

export const workerLimits = { retryMs: 10_000, soonMs: 2_000 } as const;

/** Brings one pod to what it is to be, step by step, until it is gone. Only its own loop changes its fields, except
 *  `update`, `evict` and `wake`, which only leave word. */
export class PodWorker {
  readonly #context: PodContext;
  readonly #report: PodReport;
  readonly #backoffs = new Map<string, BackoffEntry>();
  readonly #waiting = new Map<string, { reason: string; message: string; untilMs: number }>();
  /** Containers of the pod that the runtime has no more: they were lost when we began, or were freed. */
  #recalled: readonly RuntimeContainer[];
  /** Ids of containers that were killed for another to take their place. */
  readonly #replaced = new Set<string>();
  readonly #abort = new AbortController();
  /** Aborted when the pod is to go: an image pull then is not waited for. */
  readonly #starting = new AbortController();
  /** What is being stopped has this long; a deletion may shorten it. */
  #stopping: StopGrace | undefined;
  #pod: Pod;
  #gone = false;
  #woken = false;
  readonly #steps: StepTimer;
  #bell = deferred<void>();
  #failure: PodFailure | undefined;
  #terminal: boolean;
  readonly #ended: EndedPod;
  #eviction: Eviction | undefined;
  readonly #volumes: ApiVolumes;
  readonly #resize: PodResize;
  #volumesError = "";
  #sandboxRetryMs = 0;
  #sandboxFailures = 0;
  /** The event that tells of fields which this node cannot honour was sent. */
  #refused = false;

  constructor(pod: Pod, context: PodContext, statuses: PodStatuses) {
    this.#pod = pod;
    this.#context = context;
    this.#steps = new StepTimer(context);
    this.#report = new PodReport(context, statuses);
    this.#recalled = this.#recall();
    this.#volumes = new ApiVolumes(context);
    this.#resize = new PodResize(context);
    this.#ended = new EndedPod(context);
    this.#terminal = isTerminal(pod.status?.phase);
  }

  get pod(): Pod {
    return this.#pod;
  }

  /** The pod as the API now has it; a pod that is gone from there is killed at once. */
  update(pod: Pod, gone = false): void {
    if (labelled(pod) !== labelled(this.#pod)) this.#volumes.invalidate(); // they may show them
    for (const { name, image } of [...pod.spec.containers, ...(pod.spec.initContainers ?? [])])
      if (findContainer(this.#pod, name)?.image !== image) this.#forgetFailures(name);
    this.#pod = pod;
    this.#gone ||= gone;
    if (gone || pod.metadata.deletionTimestamp !== undefined) {
      this.#starting.abort(new Error("the pod is being deleted"));
      this.#stopping?.shorten(podGraceSeconds(pod, gone));
    }
    if (gone) this.#report.forget(pod);
    this.wake();
  }

  /** Something about the pod may have changed. */
  wake(): void {
    this.#woken = true;
    this.#bell.resolve();
  }

  /** Ends the pod for good, and soon. False when it is over, or being evicted already: then it may just have less time. */
  evict(eviction: Eviction): boolean {
    if (this.#terminal || isFinished(this.#pod, this.#observe())) return false;
    this.#stopping?.shorten(eviction.graceSeconds);
    if (this.#eviction !== undefined) return false;
    this.#eviction = eviction;
    const { reason = evicted, message, annotations } = eviction;
    const event = { type: "Warning", reason, message, ...(annotations && { annotations }) } as const;
    this.#context.events.record(this.#pod, event);
    this.#starting.abort(new Error("the pod is being evicted"));
    this.wake();
    return true;
  }

  get isFreed(): boolean {
    return this.#ended.isFreed;
  }

  /** The node needs the room of what an ended pod left. Resolves once that is gone; at once where the pod goes on. */
  async reclaim(): Promise<void> {
    const done = this.#ended.reclaim(this.#pod);
    if (done !== undefined) this.wake();
    await done;
  }

  /** Resolves once nothing of the pod runs, nor will, and the API knows how it ended. Rejects when the signal aborts. */
  async ended(signal: AbortSignal): Promise<void> {
    await this.#ended.untilOver(signal);
    await this.#report.delivered(this.#pod, signal);
  }

  /** Another image has another chance. */
  #forgetFailures(container: string): void {
    this.#waiting.delete(container);
    this.#backoffs.delete(container);
  }

  /** A config map or secret of the pod came, changed or went. */
  objectsChanged(): void {
    this.#volumes.invalidate();
    this.#sandboxRetryMs = 0;
    for (const [name, { reason }] of this.#waiting)
      if (reason === "CreateContainerConfigError") this.#waiting.delete(name);
    this.wake();
  }

  /** Resolves once nothing of the pod is left, or `signal` aborts; containers then go on running. */
  async run(signal: AbortSignal): Promise<void> {
    const stop = () => {
      this.#abort.abort(signal.reason);
      this.#starting.abort(signal.reason);
      this.#bell.resolve();
    };
    signal.addEventListener("abort", stop, { once: true });
    try {
      await this.#beAdmitted();
      while (!signal.aborted) {
        this.#woken = false;
        this.#bell = deferred();
        const step = () => syncSpan(this.#context, this.#pod, () => this.#step());
        const next = await this.#steps.time(step).catch((error: unknown) => {
          if (signal.aborted) return undefined;
          this.#context.os.log.error("pod step failed", { pod: keyOf(this.#pod), error });
          return { wakeAtMs: this.#now() + workerLimits.retryMs };
        });
        if (next === "finished") return;
        if (this.#woken || signal.aborted) continue;
        await rung(this.#bell, next?.wakeAtMs, this.#context.os.clock);
      }
    } finally {
      signal.removeEventListener("abort", stop);
      this.#ended.gone();
    }
  }

  /** A pod that the node does not take fails before anything of it is made. */
  async #beAdmitted(): Promise<void> {
    if (this.#terminal || this.#gone || this.#pod.metadata.deletionTimestamp !== undefined) return;
    const rejection = await this.#context.admission?.admit(this.#pod);
    if (rejection === undefined) return;
    this.#event("Warning", rejection.reason, rejection.message);
    this.#failure = { reason: rejection.reason, message: `Pod was rejected: ${rejection.message}` };
    this.#terminal = true;
  }

  async #step(): Promise<"finished" | { readonly wakeAtMs?: number }> {
    if (this.#gone) return this.#removeAll();
    for (let rounds = 0; ; rounds++) {
      followProbes(this.#pod, this.#observe(), this.#context);
      if (!this.#terminal) await this.#resize.follow(this.#pod, this.#observe());
      const plan = planPod({
        pod: this.#report.known(this.#pod),
        observed: this.#observe(),
        nowMs: this.#now(),
        backoffs: this.#backoffs,
        unhealthy: failedProbes(this.#observe(), this.#context.prober),
        started: startedContainers(this.#observe(), this.#context.prober),
        toResize: this.#resize.toRestart,
        terminal: this.#terminal,
        eviction: this.#eviction,
      });
      if (rounds > 0 || plan.actions.length === 0) await this.#tell();
      let acted = false;
      for (const action of plan.actions) {
        if (this.#abort.signal.aborted) return {};
        if (action.kind === "finish") {
          await this.#tell();
          return this.#finish();
        }
        acted = (await actionSpan(action, () => this.#act(action))) || acted;
      }
      followProbes(this.#pod, this.#observe(), this.#context);
      await this.#tell();
      if (acted && !this.#woken) continue;
      if (acted) return {};
      if (this.#terminal && !isLive(this.#observe())) this.#ended.over();
      await this.#refreshVolumes();
      // Once the API itself knows how it ended.
      if (!isLive(this.#observe()) && (await this.#ended.free(this.#pod))) this.#recalled = this.#recall();
      const wakes = [
        plan.wakeAtMs,
        ...[...this.#waiting.values()].map(({ untilMs }) => untilMs),
        this.#sandboxRetryMs || this.#resize.retryAtMs || undefined,
      ];
      const known = wakes.filter((at) => at !== undefined && at > 0);
      return known.length === 0 ? {} : { wakeAtMs: Math.min(...known.map(Number)) };
    }
  }

  /** Answers whether anything was done; then the pod is looked at anew. */
  async #act(action: Action): Promise<boolean> {
    const { runtime } = this.#context;
    switch (action.kind) {
      case "stop-pod":
        if (action.reason !== "") this.#fail(action.reason, action.message);
        await this.#stopWithin(action.graceSeconds, (stop) =>
          stopPod(this.#pod, this.#observe(), stop, this.#context),
        );
        // Ordered meanwhile, perhaps.
        if (this.#eviction !== undefined)
          this.#fail(this.#eviction.reason ?? evicted, this.#eviction.message);
        return true;
      case "fail-pod":
        this.#fail(action.reason, action.message);
        this.#terminal = true;
        return true;
      case "make-sandbox":
        return this.#makeSandbox(action.attempt);
      case "stop-sandbox":
        await runtime.stopPodSandbox(action.id);
        return true;
      case "kill":
        return this.#kill(action);
      case "back-off":
        return this.#backOff(action);
      case "start":
        return this.#start(action);
      case "finish":
        return false;
    }
  }

  /** The agent ends the pod for a reason of its own. An eviction was told of when it was ordered. */
  #fail(reason: string, message: string): void {
    if (this.#eviction === undefined && this.#failure?.reason !== reason)
      this.#event("Normal", reason, message);
    const disrupts = this.#eviction?.disrupts ?? false;
    this.#failure = { reason, message, ...(disrupts && { disrupts }) };
  }

  async #kill({ id, name, message, probe, replace, graceSeconds }: Kill): Promise<boolean> {
    const running = this.#context.runtime.containerStatus(id);
    if (running === undefined) return false;
    if (replace) this.#replaced.add(id);
    await this.#stopWithin(graceSeconds ?? containerGraceSeconds(this.#pod, name, probe), (stop) =>
      stopOne(this.#pod, running, stop, this.#context, message),
    );
    return true;
  }

  /** Stops something within a grace that a deletion of the pod can shorten, and that ends with this agent. */
  async #stopWithin(seconds: number, act: (stop: Stop) => Promise<void>): Promise<void> {
    const grace = new StopGrace(this.#context.os.clock, seconds);
    this.#stopping = grace;
    try {
      await act({ grace, signal: this.#abort.signal });
    } finally {
      this.#stopping = undefined;
    }
  }

  #backOff(action: Action & { kind: "back-off" }): boolean {
    const { name, namespace, uid } = this.#pod.metadata;
    const where = `pod ${name}_${namespace}(${uid})`;
    if (this.#waiting.get(action.name)?.reason !== "CrashLoopBackOff")
      this.#event(
        "Warning",
        "BackOff",
        `Back-off restarting failed container ${action.name} in ${where}`,
        action.name,
      );
    const message = backOffMessage(this.#pod, action.name, action.delayMs);
    this.#waiting.set(action.name, { reason: "CrashLoopBackOff", message, untilMs: action.untilMs });
    return false;
  }

  /** Once in a pod's life: what it asks for in vain. */
  #tellUnisolated(): void {
    const text = effectlessText(this.#pod, this.#context, process.getuid?.() ?? 0);
    if (text !== undefined) this.#event("Warning", "NotIsolated", text);
  }

  /** A pod that asks for what this node cannot do is not begun: it waits, saying why. */
  #asksTooMuch(): boolean {
    const fields = unsupportedFields(this.#pod, this.#context.able);
    if (fields.length === 0) return false;
    const message = unsupportedText(fields);
    if (!this.#refused) {
      const mounting = fields.every(({ field }) => field.startsWith("spec.volumes["));
      this.#sandboxFailed(mounting, message);
    }
    this.#refused = true;
    const { containers, initContainers = [] } = this.#pod.spec;
    for (const { name } of [...containers, ...initContainers])
      this.#waiting.set(name, { reason: "CreateContainerConfigError", message, untilMs: 0 });
    return true;
  }

  #sandboxFailed(mounting: boolean, message: string): void {
    this.#event(
      "Warning",
      mounting ? "FailedMount" : "FailedCreatePodSandBox",
      `${mounting ? "MountVolume.SetUp failed" : "Failed to create pod sandbox"}: ${message}`,
    );
  }

  async #makeSandbox(attempt: number): Promise<boolean> {
    if (this.#now() < this.#sandboxRetryMs || this.#asksTooMuch()) return false;
    try {
      await this.#volumes.prepare(this.#pod, "", this.#starting.signal);
      const { dns, runtime } = this.#context;
      const { config, warnings } = podDns(this.#pod, dns, await readNodeResolvConf(dns.resolvConf));
      const way = await runtimeHandler(this.#pod, this.#context);
      await runtime.runPodSandbox(sandboxConfig(this.#pod, attempt, dns.domain, config, way));
      for (const { reason, message } of warnings) this.#event("Warning", reason, message);
      this.#sandboxRetryMs = this.#sandboxFailures = 0;
      if (attempt === 0) this.#tellUnisolated();
      return true;
    } catch (error) {
      if (this.#abort.signal.aborted) throw error;
      if (this.#starting.signal.aborted) return false;
      const mounting = error instanceof Error && error.name === "ConfigError";
      const message = describeError(error);
      this.#sandboxFailed(mounting, message);
      const doublings = mounting || message.includes(networkNotReady) ? 0 : this.#sandboxFailures++;
      this.#sandboxRetryMs =
        this.#now() + Math.min(workerLimits.soonMs * 2 ** doublings, workerLimits.retryMs);
      return false;
    }
  }

  async #start(action: Action & { kind: "start" }): Promise<boolean> {
    const container = findContainer(this.#pod, action.name);
    const sandbox = this.#observe().sandboxes.find(({ state }) => state === "ready");
    const held = this.#waiting.get(action.name);
    if (container === undefined || sandbox === undefined) return false;
    if (held !== undefined && held.untilMs > this.#now() && held.reason !== "CrashLoopBackOff") {
      if (held.reason === "ErrImagePull") {
        const message = `Back-off pulling image "${container.image}"`;
        this.#event("Normal", "BackOff", message, action.name);
        this.#waiting.set(action.name, {
          ...held,
          reason: "ImagePullBackOff",
          message: `${message}: ErrImagePull: ${held.message}`,
        });
      }
      return false;
    }
    if (this.#starting.signal.aborted) return false;
    const podIp = this.#pod.spec.hostNetwork ? this.#context.nodeIp : sandbox.podIp;
    // What an agent that died made but never started is made anew.
    const half = latest(this.#observe(), action.name);
    if (half?.state.phase === "created") await this.#context.runtime.removeContainer(half.id);
    try {
      await this.#refreshVolumes();
      await startContainer(
        {
          pod: this.#resize.grantedPod(this.#pod),
          container: this.#resize.granted(container),
          attempt: action.attempt,
          sandboxId: sandbox.id,
          podIp,
          secondIp: this.#pod.spec.hostNetwork ? this.#context.secondNodeIp : sandbox.secondIp,
          signal: this.#starting.signal,
        },
        this.#context,
      );
      this.#waiting.delete(action.name);
    } catch (error) {
      if (this.#starting.signal.aborted) return false;
      if (!(error instanceof ImageUnavailable || error instanceof StartRefused)) throw error;
      // What failed is no longer asked for.
      if (findContainer(this.#pod, action.name)?.image !== container.image) return true;
      const untilMs =
        error instanceof ImageUnavailable ? error.retryAtMs : this.#now() + workerLimits.retryMs;
      this.#waiting.set(action.name, { reason: error.reason, message: error.message, untilMs });
      const running =
        error instanceof StartRefused && error.runningId !== undefined
          ? this.#context.runtime.containerStatus(error.runningId)
          : undefined;
      if (running !== undefined)
        await this.#stopWithin(containerGraceSeconds(this.#pod, action.name), (stop) =>
          stopOne(this.#pod, running, stop, this.#context, "FailedPostStartHook"),
        );
      // A container that exists and failed to start is an exit like any other, with its back-off.
      if (!(error instanceof StartRefused && error.isExit)) return false;
    }
    if (action.lastEndMs !== undefined)
      this.#backoffs.set(
        action.name,
        afterRestart(this.#backoffs.get(action.name), action.lastEndMs, this.#now()),
      );
    await dropOldContainers(this.#pod, action.name, action.attempt, this.#context);
    return true;
  }

  /** Brings the volumes of a pod that has its sandbox up to date; those it has stay as they are when that fails. */
  async #refreshVolumes(): Promise<void> {
    const sandbox = this.#observe().sandboxes.find(({ state }) => state === "ready");
    if (sandbox === undefined || this.#terminal || this.#pod.metadata.deletionTimestamp !== undefined) return;
    try {
      const podIp = this.#pod.spec.hostNetwork ? this.#context.nodeIp : sandbox.podIp;
      await this.#volumes.prepare(this.#pod, podIp, this.#starting.signal);
      this.#volumesError = "";
    } catch (error) {
      if (this.#starting.signal.aborted && !this.#abort.signal.aborted) return;
      if (!(error instanceof ConfigError)) throw error;
      if (error.message !== this.#volumesError)
        this.#event("Warning", "FailedMount", `MountVolume.SetUp failed: ${error.message}`);
      this.#volumesError = error.message;
    }
  }

  #recall(): readonly RuntimeContainer[] {
    const seen = observePod(this.#pod.metadata.uid, this.#context.runtime);
    return recalledContainers(this.#pod, seen, { logsDir: this.#context.logsDir, nowMs: this.#now() });
  }

  async #tell(): Promise<void> {
    if (this.#gone) return;
    for (const [name, { untilMs, reason }] of this.#waiting)
      if (reason === "CrashLoopBackOff" && untilMs <= this.#now()) this.#waiting.delete(name);
    const seen = { waiting: this.#waiting, failure: this.#failure, ...this.#resize.shown(this.#pod) };
    const status = await this.#report.send(this.#pod, this.#observe(), seen);
    if (isTerminal(status.phase)) this.#terminal = true;
  }

  /** Nothing runs: frees what the pod had and lets the API forget it, once it knows how the pod ended. */
  async #finish(): Promise<"finished"> {
    await this.#report.delivered(this.#pod, this.#abort.signal);
    await this.#removeAll();
    await deleteFromApi(this.#pod, this.#context);
    return "finished";
  }

  async #removeAll(): Promise<"finished"> {
    await this.#stopWithin(podGraceSeconds(this.#pod, this.#gone), (stop) =>
      removePod(this.#pod, stop, this.#context),
    );
    this.#report.forget(this.#pod);
    return "finished";
  }

  #observe(): Observed {
    const seen = observePod(this.#pod.metadata.uid, this.#context.runtime);
    const containers = [...this.#recalled, ...seen.containers];
    return { sandboxes: seen.sandboxes, containers, replaced: this.#replaced };
  }

  #event(type: "Normal" | "Warning", reason: string, message: string, container?: string): void {
    const fieldPath = container === undefined ? {} : { fieldPath: fieldPathOf(this.#pod, container) };
    this.#context.events.record(this.#pod, { type, reason, message, ...fieldPath });
  }

  #now(): number {
    return this.#context.os.clock.wallMs();
  }
}

const labelled = ({ metadata }: Pod): string => JSON.stringify([metadata.labels, metadata.annotations]);
