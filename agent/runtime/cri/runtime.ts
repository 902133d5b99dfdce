import { rm, writeFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import type { Duplex } from "node:stream";
import { sleep } from "../../../base/os/clock.ts";
import { describeError } from "../../../base/os/log.ts";
import { makeFolder } from "../../../base/os/make-folder.ts";
import type { Os } from "../../../base/os/os.ts";
import { TaskScope } from "../../../base/os/task-scope.ts";
import type { KnownAttachment, PodNetwork } from "../../network-seam.ts";
import type { LogRotation } from "../log-files.ts";
import { hostsFile } from "../oci/hosts-file.ts";
import { localhostProfile } from "../oci/seccomp-profile.ts";
import {
  type AttachPoint,
  type ContainerConfig,
  type ContainerStats,
  type ExecOptions,
  type ExecResult,
  execSyncBytesMost,
  type Resources,
  type Runtime,
  type RuntimeContainer,
  RuntimeError,
  type RuntimeEvent,
  type SandboxConfig,
  type SandboxStatus,
  type Session,
} from "../seam.ts";
import { readOptional } from "../supervised/records.ts";
import { containerOf, isId, listedSandbox, textOf } from "./answers.ts";
import { type CniPlaces, type CniPlugin, openCniPlugin } from "./cni-plugin.ts";
import { containerUse, statsOf } from "./container-use.ts";
import { criLimits, isGone, isLate, isUnknownCall, type RuntimeClient } from "./cri-client.ts";
import { keptContainer, keptKeys } from "./kept.ts";
import { KnownPods } from "./known.ts";
import { rotateLogs } from "./log-rotation.ts";
import { ContainerNotes } from "./notes.ts";
import { PodConnections } from "./pod-connections.ts";
import type { PodGroups } from "./pod-groups.ts";
import { containerRequest, resourcesMessage, sandboxRequest } from "./requests.ts";
import { StopTimers } from "./stop-timers.ts";
import { attachInput, execSession, portStream } from "./streaming.ts";
import { refuseUnheard, refuseUnknownDevices } from "./unheard-fields.ts";

export interface CriConfig {
  /** The agent's. */
  readonly rootDir: string;
  readonly nodeName: string;
  /** `containerd://1.7.2`. */
  readonly description: string;
  readonly cni: Pick<CniPlaces, "confDir" | "binDir">;
  readonly logs: LogRotation;
  /** The runtime knows devices of the Container Device Interface. */
  readonly cdi: boolean;
}

export interface CriDeps {
  readonly client: RuntimeClient;
  readonly network: PodNetwork;
  readonly groups: PodGroups;
  readonly os: Os;
}

export const criTimes = {
  /** Between two looks at what there is, where the runtime does not tell of ends; as the kubelet. */
  lookMs: 1_000,
  /** Where it does. */
  lookBesideEventsMs: 30_000,
  rotationMs: 10_000,
  /** How long what was killed may take to be gone. */
  killWaitMs: 10_000,
} as const;

/** Containers of a runtime that speaks the CRI. What it has is known here and looked at again, by its events or by time. */
export class CriRuntime implements Runtime {
  readonly description: string;
  readonly #config: CriConfig;
  readonly #client: RuntimeClient;
  readonly #network: PodNetwork;
  readonly #groups: PodGroups;
  readonly #os: Os;
  readonly #tasks: TaskScope;
  readonly #known = new KnownPods();
  readonly #connections: PodConnections;
  readonly #notes: ContainerNotes;
  readonly #stops: StopTimers;
  #plugin: CniPlugin | undefined;

  private constructor(config: CriConfig, { client, network, groups, os }: CriDeps) {
    this.description = config.description;
    this.#config = config;
    this.#client = client;
    this.#network = network;
    this.#groups = groups;
    this.#os = os;
    this.#tasks = new TaskScope(os.log);
    this.#connections = new PodConnections(network);
    this.#notes = new ContainerNotes(join(config.rootDir, "cri", "notes"));
    this.#stops = new StopTimers(os.clock);
  }

  /** Takes over what an earlier agent left. Rejects when the runtime does not answer. */
  static async open(config: CriConfig, deps: CriDeps): Promise<CriRuntime> {
    const runtime = new CriRuntime(config, deps);
    await runtime.#restore();
    return runtime;
  }

  async #restore(): Promise<void> {
    const { rootDir, cni } = this.#config;
    await this.#notes.open();
    await this.#look(this.#tasks.signal);
    for (const { id, config, podIp } of this.#known.sandboxes()) await this.#writeHosts(id, config, podIp);
    const attached = this.#known.sandboxes().filter(({ isReady, config }) => isReady && !config.hostNetwork);
    const known = attached.map(({ id, config: { pod, hostPorts }, podIp }): KnownAttachment => {
      return { ...pod, sandboxId: id, hostPorts, podIp, gateway: "" };
    });
    for (const id of await this.#network.restore(known)) await this.stopPodSandbox(id);
    const stateDir = join(rootDir, "cri");
    this.#plugin = await openCniPlugin({ ...cni, stateDir }, (request) => this.#connections.answer(request));
    this.#tasks.run("container events", (signal) => this.#follow(signal));
    this.#tasks.run("container logs", (signal) => this.#rotate(signal));
  }

  async runPodSandbox(config: SandboxConfig): Promise<string> {
    const places = { nodeName: this.#config.nodeName, cgroupParent: this.#groups.parentOf(config.pod.uid) };
    const request = sandboxRequest(config, places);
    const { podSandboxId: id } = await this.#connections.during(config, () =>
      this.#client.ask("RunPodSandbox", request),
    );
    if (!isId(id))
      throw new RuntimeError(`the container runtime names a sandbox ${JSON.stringify(id.slice(0, 100))}`);
    const podIp = config.hostNetwork ? "" : await this.#podIpOf(id);
    await this.#writeHosts(id, config, podIp);
    this.#known.takeSandbox({ id, config, createdAtMs: this.#os.clock.wallMs(), isReady: true, podIp });
    return id;
  }

  async #podIpOf(id: string): Promise<string> {
    const found = await this.#client.ask("PodSandboxStatus", { podSandboxId: id }).catch(unlessGone);
    return this.#connections.addressOf(id) ?? found?.status?.network?.ip ?? "";
  }

  async #writeHosts(id: string, config: SandboxConfig, podIp: string): Promise<void> {
    await makeFolder(this.#sandboxDir(id), 0o711);
    const nodeHosts = config.hostNetwork ? ((await readOptional("/etc/hosts")) ?? "") : "";
    const podIps = [podIp || [], this.#connections.secondOf(id).secondIp ?? []].flat();
    await writeFile(this.#hostsPath(id), hostsFile(config, podIps, nodeHosts), { mode: 0o644 });
  }

  async stopPodSandbox(id: string): Promise<void> {
    const sandbox = this.#known.sandbox(id);
    if (sandbox === undefined) return;
    for (const container of this.#known.containers())
      if (container.sandboxId === id) await this.stopContainer(container.id, 0);
    await this.#client.ask("StopPodSandbox", { podSandboxId: id }).catch(unlessGone);
    // The plugin was asked to; a runtime that lost the sandbox asks for nothing.
    await this.#network.detach({ sandboxId: id, uid: sandbox.config.pod.uid });
    this.#known.takeSandbox({ ...sandbox, isReady: false });
  }

  async removePodSandbox(id: string): Promise<void> {
    const sandbox = this.#known.sandbox(id);
    if (sandbox === undefined) return;
    await this.stopPodSandbox(id);
    for (const container of this.#known.containers())
      if (container.sandboxId === id) await this.removeContainer(container.id);
    await this.#client.ask("RemovePodSandbox", { podSandboxId: id }).catch(unlessGone);
    await this.#groups.remove(sandbox.config.pod.uid);
    await rm(this.#sandboxDir(id), { recursive: true, force: true });
    this.#known.forget(id);
  }

  podSandboxStatus(id: string): SandboxStatus | undefined {
    return this.listPodSandboxes().find((one) => one.id === id);
  }

  listPodSandboxes(): readonly SandboxStatus[] {
    return this.#known.sandboxes().map(({ id, config, createdAtMs, isReady, podIp }) => ({
      id,
      pod: config.pod,
      attempt: config.attempt,
      state: isReady && (config.hostNetwork || podIp !== "") ? "ready" : "notready",
      createdAtMs,
      podIp,
      ...this.#connections.secondOf(id),
    }));
  }

  async createContainer(sandboxId: string, config: ContainerConfig): Promise<string> {
    const sandbox = this.#known.sandbox(sandboxId);
    if (sandbox === undefined) throw new RuntimeError(`there is no sandbox ${sandboxId}`);
    if (config.pidOf !== undefined) this.#running(config.pidOf);
    refuseUnknownDevices(config, this.#config.cdi);
    const { seccomp } = config.security;
    const profile =
      seccomp.type === "Localhost"
        ? await localhostProfile(seccomp.path, join(this.#config.rootDir, "seccomp"))
        : undefined;
    await makeFolder(dirname(config.logPath), 0o755);
    const { containerId: id } = await this.#client.ask(
      "CreateContainer",
      containerRequest(config, {
        nodeName: this.#config.nodeName,
        cgroupParent: this.#groups.parentOf(sandbox.config.pod.uid),
        ...{ sandboxId, sandbox: sandbox.config },
        hostsFile: this.#hostsPath(sandboxId),
        seccompFile: profile?.file,
        hugePageSizes: this.#groups.hugePageSizes,
      }),
    );
    if (!isId(id))
      throw new RuntimeError(`the container runtime names a container ${JSON.stringify(id.slice(0, 100))}`);
    await refuseUnheard(this.#client, id, config);
    await this.#lookAt(id, sandboxId);
    if (this.#known.container(id) === undefined)
      throw new RuntimeError(`the container runtime does not know container ${id}, which it made`);
    return id;
  }

  async startContainer(id: string): Promise<void> {
    const { sandboxId } = this.#get(id);
    try {
      await this.#client.ask("StartContainer", { containerId: id });
    } catch (error) {
      const program = this.description.split("://")[0];
      throw new RuntimeError(`${program} cannot start the container: ${describeError(error)}`, {
        cause: error,
      });
    } finally {
      await this.#lookAt(id, sandboxId);
    }
  }

  async stopContainer(id: string, graceSeconds: number, signal?: AbortSignal): Promise<void> {
    const container = this.#known.container(id);
    if (container?.state.phase !== "running") return;
    const stop = (seconds: number) => this.#stop(id, seconds);
    await this.#stops.stop(id, {
      graceSeconds,
      signal,
      // A little later than our own timer: what the runtime kills, should this agent be gone by then.
      ask: () => stop(Math.ceil(graceSeconds) + 1),
      kill: () => stop(0),
      isOver: () => this.#known.container(id)?.state.phase !== "running",
    });
  }

  /** Resolves once the container has ended. */
  async #stop(id: string, seconds: number): Promise<void> {
    const timeoutMs = seconds === 0 ? criTimes.killWaitMs : seconds * 1000 + criLimits.callMs;
    await this.#client
      .ask("StopContainer", { containerId: id, timeout: seconds }, { timeoutMs, signal: this.#tasks.signal })
      .catch(unlessGone);
    await this.#lookAt(id, this.#known.container(id)?.sandboxId ?? "");
  }

  async updateContainer(
    id: string,
    resources: Resources,
    annotations: Readonly<Record<string, string>>,
  ): Promise<void> {
    const { oomScoreAdj: _, ...linux } = resourcesMessage(this.#running(id) && resources);
    await this.#client.ask("UpdateContainerResources", { containerId: id, linux });
    await this.#notes.add(id, annotations);
    this.#known.annotate(id, annotations);
  }

  async removeContainer(id: string): Promise<void> {
    const container = this.#known.container(id);
    if (container === undefined) return;
    if (container.state.phase === "running") throw new RuntimeError(`container ${id} is running`);
    await this.#client.ask("RemoveContainer", { containerId: id }).catch(unlessGone);
    await this.#notes.remove(id);
    this.#known.forget(id);
  }

  containerStatus(id: string): RuntimeContainer | undefined {
    return this.#known.container(id);
  }

  listContainers(): readonly RuntimeContainer[] {
    return this.#known.containers();
  }

  async execSync(
    id: string,
    command: readonly string[],
    timeoutMs: number,
    signal?: AbortSignal,
  ): Promise<ExecResult> {
    this.#running(id);
    const late = { exitCode: 137, stdout: new Uint8Array(), stderr: new Uint8Array(), timedOut: true };
    const timeout = Math.ceil(timeoutMs / 1000);
    try {
      const answer = await this.#client.ask(
        "ExecSync",
        { containerId: id, cmd: command, timeout },
        { timeoutMs: Math.max(1, Math.round(timeoutMs)), signal },
      );
      const { exitCode, stdout, stderr } = answer;
      const cut = (bytes: Uint8Array) => Uint8Array.prototype.slice.call(bytes, 0, execSyncBytesMost);
      return { exitCode, stdout: cut(stdout), stderr: cut(stderr), timedOut: false };
    } catch (error) {
      if (signal?.aborted || isLate(error)) return late;
      throw error;
    }
  }

  async exec(id: string, options: ExecOptions): Promise<Session> {
    this.#running(id);
    const { command, stdin, tty } = options;
    const asked = { containerId: id, cmd: command, tty, stdin, stdout: true, stderr: !tty };
    const { url } = await this.#client.ask("Exec", asked);
    return execSession(url, options, this.#os.clock);
  }

  async attach(id: string): Promise<AttachPoint> {
    const { logPath } = this.#running(id);
    const { status } = await this.#client.ask("ContainerStatus", { containerId: id });
    const kept = keptContainer(textOf(status?.annotations ?? [], keptKeys.container));
    const { stdin = false, tty = false } = kept ?? {};
    if (!stdin && !tty)
      return { logPath, stdin: undefined, resize: () => undefined, closeStdin: () => undefined };
    const asked = { containerId: id, stdin, tty, stdout: !stdin, stderr: false };
    const { url } = await this.#client.ask("Attach", asked);
    const input = await attachInput(url, { stdin, tty }, this.#os.clock);
    // The runtime itself ends the input of a container with `stdinOnce`, with the first that is attached.
    return { logPath, stdin: input.stdin, resize: input.resize, closeStdin: () => undefined };
  }

  async connectPort(sandboxId: string, port: number): Promise<Duplex> {
    const sandbox = this.#known.sandbox(sandboxId);
    if (sandbox === undefined) throw new RuntimeError("sandbox not found");
    if (!sandbox.isReady) throw new RuntimeError(`sandbox container "${sandboxId}" is not running`);
    const { url } = await this.#client.ask("PortForward", { podSandboxId: sandboxId, port: [port] });
    return portStream(url, port, this.#os.clock);
  }

  async containerStats(id: string): Promise<ContainerStats> {
    const { pod } = this.#running(id);
    const stats = await statsOf(this.#client, id);
    return containerUse(stats, await this.#groups.processes(pod.uid, id));
  }

  async writtenBytes(id: string, signal: AbortSignal): Promise<number | undefined> {
    if (this.#known.container(id) === undefined) return undefined;
    return (await statsOf(this.#client, id, signal))?.writableLayer?.usedBytes?.value;
  }

  async writtenInodes(id: string, signal: AbortSignal): Promise<number | undefined> {
    if (this.#known.container(id) === undefined) return undefined;
    return (await statsOf(this.#client, id, signal))?.writableLayer?.inodesUsed?.value;
  }

  subscribe(onEvent: (event: RuntimeEvent) => void): () => void {
    return this.#known.subscribe(onEvent);
  }

  async close(): Promise<void> {
    this.#known.clearListeners();
    this.#stops.clearAll();
    await this.#tasks.stop();
    await this.#plugin?.close();
    this.#client.close();
  }

  /** Ends are told of by the runtime, where it can; what it does not tell is found by looking. */
  async #follow(signal: AbortSignal): Promise<void> {
    let tells = true;
    let events: Promise<void> | undefined;
    for (;;) {
      if (tells && events === undefined)
        events = this.#client
          .followEvents((id) => void this.#lookAgain(id), signal)
          .then((error) => {
            tells = !isUnknownCall(error);
            events = undefined;
          });
      await sleep(this.#os.clock, events === undefined ? criTimes.lookMs : this.#eventsLookMs(), signal);
      await this.#look(signal).catch((error: unknown) => {
        signal.throwIfAborted();
        this.#os.log.warn("cannot look at the containers", { error });
      });
    }
  }

  /** A runtime that knows events may not have them switched on, and then says nothing: until it said something it is looked at. */
  #eventsLookMs(): number {
    return this.#hasHeard ? criTimes.lookBesideEventsMs : criTimes.lookMs;
  }

  #hasHeard = false;

  async #lookAgain(id: string): Promise<void> {
    this.#hasHeard = true;
    const known = this.#known.container(id);
    if (known !== undefined) {
      await this.#lookAt(id, known.sandboxId).catch((error: unknown) =>
        this.#os.log.warn("cannot look at a container", { id, error }),
      );
      return;
    }
    if (this.#known.sandbox(id) !== undefined)
      await this.#look(this.#tasks.signal).catch((error: unknown) =>
        this.#os.log.warn("cannot look at the containers", { error }),
      );
  }

  /** All that there is of this node. */
  async #look(signal: AbortSignal): Promise<void> {
    const question = this.#known.question();
    const options = { timeoutMs: criLimits.lookMs, signal };
    const labelSelector = [{ key: keptKeys.nodeLabel, value: this.#config.nodeName }];
    const [{ items }, { containers }] = await Promise.all([
      this.#client.ask("ListPodSandbox", { filter: { labelSelector } }, options),
      this.#client.ask("ListContainers", { filter: { labelSelector } }, options),
    ]);
    const ids = new Set<string>();
    for (const item of items) {
      const sandbox = listedSandbox(item, this.#config.nodeName);
      if (sandbox === undefined) continue;
      ids.add(sandbox.id);
      const known = this.#known.sandbox(sandbox.id);
      const asks = known === undefined && !sandbox.config.hostNetwork && sandbox.isReady;
      const podIp = asks ? await this.#podIpOf(sandbox.id) : (known?.podIp ?? "");
      this.#known.takeSandbox({ ...sandbox, podIp });
    }
    for (const { id, podSandboxId, state } of containers) {
      if (!isId(id) || this.#known.sandbox(podSandboxId) === undefined) continue;
      ids.add(id);
      const known = this.#known.container(id)?.state.phase;
      const isSame =
        (known === "running" && state === "CONTAINER_RUNNING") ||
        (known === "created" && state === "CONTAINER_CREATED") ||
        known === "exited";
      if (!isSame) await this.#lookAt(id, podSandboxId);
    }
    this.#known.keepOnly(question, ids);
  }

  async #lookAt(id: string, sandboxId: string): Promise<void> {
    const sandbox = this.#known.sandbox(sandboxId);
    if (sandbox === undefined) return;
    const options = { timeoutMs: criLimits.lookMs };
    const { status } = await this.#client
      .ask("ContainerStatus", { containerId: id }, options)
      .catch((error: unknown) => {
        if (!isGone(error)) throw error;
        const known = this.#known.container(id);
        if (known !== undefined) this.#known.lose(known);
        return { status: undefined };
      });
    const container = status && containerOf(status, sandboxId, sandbox.config);
    if (container === undefined || container.id !== id) return;
    this.#known.takeContainer(this.#notes.apply(container));
  }

  async #rotate(signal: AbortSignal): Promise<void> {
    for (;;) {
      await sleep(this.#os.clock, criTimes.rotationMs, signal);
      for (const { id, logPath, state } of this.listContainers())
        if (state.phase === "running")
          await rotateLogs(
            logPath,
            () => this.#client.ask("ReopenContainerLog", { containerId: id }, { signal }),
            this.#config.logs,
          ).catch((error: unknown) => {
            signal.throwIfAborted();
            this.#os.log.warn("cannot rotate a container's log", { id, error });
          });
    }
  }

  #get(id: string): RuntimeContainer {
    const container = this.#known.container(id);
    if (container === undefined) throw new RuntimeError(`there is no container ${id}`);
    return container;
  }

  #running(id: string): RuntimeContainer {
    const container = this.#get(id);
    if (container.state.phase !== "running")
      throw new RuntimeError(`container ${container.name} is not running`);
    return container;
  }

  #sandboxDir(id: string): string {
    return join(this.#config.rootDir, "cri", "sandboxes", id);
  }

  #hostsPath(id: string): string {
    return join(this.#sandboxDir(id), "hosts");
  }
}

function unlessGone(error: unknown): void {
  if (!isGone(error)) throw error;
}
