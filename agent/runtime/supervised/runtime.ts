import { randomUUID } from "node:crypto";
import { createWriteStream, type FSWatcher, watch } from "node:fs";
import { rm } from "node:fs/promises";
import { basename, dirname, join } from "node:path";
import { describeError } from "../../../base/os/log.ts";
import { makeFolder } from "../../../base/os/make-folder.ts";
import type { Os } from "../../../base/os/os.ts";
import { unlessFull } from "../../../base/os/unless-full.ts";
import { folderBytes, folderInodes } from "../../eviction/folder-size.ts";
import type { KnownAttachment, PodNetwork } from "../../network-seam.ts";
import { removeTree } from "../../remove-tree.ts";
import { type LogRotation, usualLogRotation } from "../log-files.ts";
import {
  type AttachPoint,
  type ContainerConfig,
  type ContainerStats,
  type ExecOptions,
  type ExecResult,
  type Resources,
  type Runtime,
  type RuntimeContainer,
  RuntimeError,
  type RuntimeEvent,
  type SandboxConfig,
  type SandboxStatus,
  type Session,
} from "../seam.ts";
import { stopSignalNumber } from "../stop-signal.ts";
import { describe, type Supervised, takeIn, withResources } from "./container-state.ts";
import { KillTimers } from "./kill-timers.ts";
import type { Launcher } from "./launcher.ts";
import { podPorts } from "./pod-port.ts";
import { isAlive, type ProcessId, signalProcess } from "./process-birth.ts";
import {
  attachmentOf,
  bootId,
  type ContainerRecord,
  networkOf,
  readOptional,
  readRecords,
  type SandboxRecord,
  type StartedRecord,
  writeRecord,
} from "./records.ts";
import { mustRun } from "./run-command.ts";
import { execToEnd, pipeSession, terminalSession } from "./session.ts";
import { shimOptions, startShim } from "./start-shim.ts";

type Annotations = Readonly<Record<string, string>>;

export interface SupervisedConfig {
  /** Absolute. */
  readonly rootDir: string;
  /** Absent: as usual. */
  readonly logs?: LogRotation;
}

export const supervisedLimits = {
  deadShimCheckMs: 10_000,
  /** How long a killed container may take to be gone. */
  killWaitMs: 10_000,
  startMs: 120_000,
} as const;

/** Sandboxes and containers as folders, each container under a shim. The kind of container is the launcher's. */
export class SupervisedRuntime implements Runtime {
  readonly #root: string;
  readonly #logs: LogRotation;
  readonly #launcher: Launcher;
  readonly #network: PodNetwork;
  readonly #os: Os;
  readonly #boot = bootId();
  readonly #sandboxes = new Map<string, SandboxRecord>();
  readonly #containers = new Map<string, Supervised>();
  readonly #listeners = new Set<(event: RuntimeEvent) => void>();
  /** Containers whose process was gone at the last look, while their shim had not noted it. */
  readonly #endUnnoted = new Set<string>();
  #watcher: FSWatcher | undefined;
  #cancelCheck: () => void = () => undefined;
  readonly #kills: KillTimers;
  /** Told of a container that SIGKILL did not end. */
  readonly #stuck = new Set<(id: string) => void>();

  private constructor(config: SupervisedConfig, deps: SupervisedDeps) {
    this.#root = config.rootDir;
    this.#logs = config.logs ?? usualLogRotation;
    this.#launcher = deps.launcher;
    this.#network = deps.network;
    this.#os = deps.os;
    this.#kills = new KillTimers(deps.os.clock);
  }

  /** Takes over what an earlier agent left: running containers run on, exits are learnt, half-made things go. */
  static async open(config: SupervisedConfig, deps: SupervisedDeps): Promise<SupervisedRuntime> {
    const runtime = new SupervisedRuntime(config, deps);
    await runtime.#restore();
    return runtime;
  }

  get description(): string {
    return this.#launcher.description;
  }

  async #restore(): Promise<void> {
    const exits = join(this.#root, "exits");
    await makeFolder(exits, 0o700);
    this.#watcher = watch(exits, (_kind, name) => {
      if (name !== null && !name.endsWith(".new")) void this.#noteExit(name);
    });
    const sandboxes = await readRecords<SandboxRecord>(join(this.#root, "sandboxes"), "sandbox.json");
    const containers = await readRecords<ContainerRecord>(join(this.#root, "containers"), "container.json");
    for (const record of sandboxes.records) this.#sandboxes.set(record.id, record);
    for (const record of containers.records)
      this.#containers.set(record.id, await takeIn(record, this.#dir(record.id), this.#boot, this.#launcher));
    for (const id of sandboxes.broken) await rm(this.#sandboxDir(id), { recursive: true, force: true });
    for (const id of containers.broken) await this.#launcher.abandon(this.#dir(id));
    for (const id of containers.broken) await removeTree(this.#dir(id));
    const known = [...this.#sandboxes.values()].flatMap((record): KnownAttachment[] =>
      record.address !== undefined && this.#isReady(record)
        ? [{ ...attachmentOf(record), ...record.address }]
        : [],
    );
    for (const id of await this.#network.restore(known)) await this.#markStopped(id);
    this.#scheduleCheck();
  }

  async runPodSandbox(config: SandboxConfig): Promise<string> {
    const id = randomUUID().replaceAll("-", "");
    const dir = this.#sandboxDir(id);
    await makeFolder(dir, 0o711);
    let record: SandboxRecord = { id, config, createdAtMs: this.#os.clock.wallMs(), bootId: this.#boot };
    try {
      const pause = await this.#launcher.startPause(record, dir);
      if (pause !== undefined) record = { ...record, pause };
      // Written before it is connected: an agent dying here finds and removes it.
      await writeRecord(join(dir, "sandbox.json"), record);
      if (!config.hostNetwork)
        record = { ...record, address: await this.#network.attach(attachmentOf(record)) };
      await writeRecord(join(dir, "sandbox.json"), record);
    } catch (error) {
      if (record.pause !== undefined) signalProcess(record.pause, "SIGKILL");
      // What went wrong first is to be told.
      await this.#network.detach({ sandboxId: id, uid: config.pod.uid }).catch((failure: unknown) => {
        this.#os.log.warn("cannot disconnect a sandbox", { id, error: failure });
      });
      await rm(dir, { recursive: true, force: true });
      throw error;
    }
    this.#sandboxes.set(id, record);
    return id;
  }

  async stopPodSandbox(id: string): Promise<void> {
    const record = this.#sandboxes.get(id);
    if (record === undefined) return;
    for (const { record: container } of [...this.#containers.values()])
      if (container.sandboxId === id) await this.stopContainer(container.id, 0);
    if (record.pause !== undefined) signalProcess(record.pause, "SIGKILL");
    await this.#network.detach({ sandboxId: id, uid: record.config.pod.uid });
    await this.#markStopped(id);
  }

  async removePodSandbox(id: string): Promise<void> {
    const record = this.#sandboxes.get(id);
    if (record === undefined) return;
    await this.stopPodSandbox(id);
    for (const { record: container } of [...this.#containers.values()])
      if (container.sandboxId === id) await this.removeContainer(container.id);
    await this.#launcher.removeSandbox(record, this.#sandboxDir(id));
    await rm(this.#sandboxDir(id), { recursive: true, force: true });
    this.#sandboxes.delete(id);
  }

  /** Ends all that runs and gives back what it had of the kernel (mounts, cgroups, namespaces). The records stay, with how
   *  everything ended, and so do the containers' folders. */
  async shutDown(): Promise<void> {
    const ends = await Promise.allSettled(
      [...this.#sandboxes.values()].map(async (record) => {
        await this.stopPodSandbox(record.id);
        for (const { record: container } of [...this.#containers.values()])
          if (container.sandboxId === record.id)
            await this.#launcher.remove(container, this.#dir(container.id));
        await this.#launcher.removeSandbox(record, this.#sandboxDir(record.id));
      }),
    );
    const failed = ends.find((end) => end.status === "rejected");
    if (failed !== undefined) throw failed.reason; // the others are gone all the same
  }

  podSandboxStatus(id: string): SandboxStatus | undefined {
    const record = this.#sandboxes.get(id);
    return record && this.#sandboxStatus(record);
  }

  listPodSandboxes(): readonly SandboxStatus[] {
    return [...this.#sandboxes.values()].map((record) => this.#sandboxStatus(record));
  }

  async createContainer(sandboxId: string, config: ContainerConfig): Promise<string> {
    const sandbox = this.#sandboxes.get(sandboxId);
    if (sandbox === undefined) throw new RuntimeError(`there is no sandbox ${sandboxId}`);
    const seen = config.pidOf === undefined ? undefined : this.#processOf(config.pidOf);
    const id = randomUUID().replaceAll("-", "");
    const dir = this.#dir(id);
    await makeFolder(dir, 0o711);
    await makeFolder(dirname(config.logPath), 0o755);
    const createdAtMs = this.#os.clock.wallMs();
    const record: ContainerRecord = { id, sandboxId, config, createdAtMs, bootId: this.#boot };
    try {
      const place = { record: sandbox, dir: this.#sandboxDir(sandboxId) };
      await this.#launcher.prepare(record, dir, place, seen);
      if (config.stdin) await mustRun(["mkfifo", "-m", "600", join(dir, "stdin")]);
      await writeRecord(join(dir, "container.json"), record);
    } catch (error) {
      await this.#launcher.remove(record, dir);
      await rm(dir, { recursive: true, force: true });
      throw error;
    }
    this.#containers.set(id, { record, state: { phase: "created" } });
    return id;
  }

  async startContainer(id: string): Promise<void> {
    const { record } = this.#get(id);
    const dir = this.#dir(id);
    const options = shimOptions(record.config, this.#launcher.kind, this.#logs);
    const argv = [dir, join(this.#root, "exits"), record.config.logPath, options];
    const command = this.#launcher.command(record, dir);
    const { startMs: timeoutMs } = supervisedLimits;
    const failure = await startShim({ argv: [...argv, ...command], dir, timeoutMs }).then(
      async (started) => (started ? undefined : this.#launcher.startFailure(dir)),
      async (error: unknown) => {
        // What was started without a word of it is not kept: nobody would write its log or note its end.
        const begun = (await readOptional(join(dir, "started"))) !== undefined;
        return begun ? undefined : describeError(error);
      },
    );
    if (failure !== undefined) {
      const nowMs = this.#os.clock.wallMs();
      const ended = { exitCode: 128, signal: 0, finishedAtMs: nowMs, startedAtMs: nowMs };
      const state = { phase: "exited", ...ended, reason: "StartError", message: failure } as const;
      await writeRecord(join(dir, "failed.json"), state);
      this.#containers.set(id, { record, state });
      throw new RuntimeError(failure);
    }
    // It may have ended already. Whoever sees the end first tells of it: here, or the watcher below.
    const now = await takeIn(record, dir, this.#boot, this.#launcher);
    const isNews = now.state.phase === "exited" && this.#containers.get(id)?.state.phase !== "exited";
    this.#containers.set(id, now);
    if (isNews) this.#emit({ kind: "container-exited", id, podUid: record.config.annotations.podUid ?? "" });
  }

  async stopContainer(id: string, graceSeconds: number, signal?: AbortSignal): Promise<void> {
    const container = this.#containers.get(id);
    if (container?.state.phase !== "running" || container.started === undefined) return;
    const { record, started } = container;
    const send = (number: number) =>
      this.#launcher.signal(record, this.#dir(id), started, number).catch((error: unknown) => {
        this.#os.log.warn("cannot signal container", { container: record.config.name, number, error });
      });
    const kill = () => {
      void send(stopSignalNumber("SIGKILL"));
      this.#kills.afterKill(id, supervisedLimits.killWaitMs, () => this.#endUnnotedKill(id, started));
    };
    const exited = this.#exitOf(id, signal);
    exited.catch(() => undefined); // heard below
    const isFirst = this.#kills.set(id, graceSeconds * 1000, kill);
    try {
      if (isFirst && graceSeconds > 0) await send(stopSignalNumber(record.config.stopSignal));
      if (this.#isRunning(id)) await exited;
    } finally {
      this.#kills.clear(id);
    }
  }

  /** Killed, and nobody noted its end: its shim hangs, or the kernel cannot end it. */
  #endUnnotedKill(id: string, started: StartedRecord): void {
    if (isAlive(started.process)) {
      for (const give of [...this.#stuck]) give(id);
      return;
    }
    signalProcess(started.shim, "SIGKILL");
    void this.#noteExit(id);
  }

  /** Resolves at the container's next exit; rejects with the signal's reason, and when killing does not end it. */
  #exitOf(id: string, signal: AbortSignal | undefined): Promise<void> {
    return new Promise((resolve, reject) => {
      if (signal?.aborted) return reject(signal.reason);
      const end = (settle: () => void) => {
        off();
        this.#stuck.delete(onStuck);
        signal?.removeEventListener("abort", onAbort);
        settle();
      };
      const onAbort = () => end(() => reject(signal?.reason));
      const onStuck = (stuckId: string) => {
        if (stuckId === id) end(() => reject(new RuntimeError(`container ${id} does not end`)));
      };
      const off = this.subscribe((event) => {
        if (event.id === id) end(resolve);
      });
      this.#stuck.add(onStuck);
      signal?.addEventListener("abort", onAbort, { once: true });
    });
  }

  async updateContainer(id: string, resources: Resources, annotations: Annotations): Promise<void> {
    const { record } = this.#get(id);
    this.#processOf(id);
    await this.#launcher.update(record, this.#dir(id), resources);
    const updated = withResources(record, resources, annotations);
    await writeRecord(join(this.#dir(id), "container.json"), updated);
    this.#containers.set(id, { ...this.#get(id), record: updated }); // it may have ended meanwhile
  }

  async removeContainer(id: string): Promise<void> {
    const container = this.#containers.get(id);
    if (container === undefined) return;
    if (container.state.phase === "running") throw new RuntimeError(`container ${id} is running`);
    await this.#launcher.remove(container.record, this.#dir(id));
    await removeTree(this.#dir(id));
    await rm(join(this.#root, "exits", id), { force: true });
    this.#containers.delete(id);
    this.#endUnnoted.delete(id);
  }

  containerStatus(id: string): RuntimeContainer | undefined {
    const container = this.#containers.get(id);
    return container && describe(container);
  }

  listContainers(): readonly RuntimeContainer[] {
    return [...this.#containers.values()].map(describe);
  }

  async execSync(
    id: string,
    command: readonly string[],
    timeoutMs: number,
    signal?: AbortSignal,
  ): Promise<ExecResult> {
    return execToEnd(await this.#execPlan(id, command, false), timeoutMs, signal);
  }

  async exec(id: string, options: ExecOptions): Promise<Session> {
    const plan = await this.#execPlan(id, options.command, options.tty);
    return options.tty ? terminalSession(plan) : pipeSession(plan, options.stdin);
  }

  readonly connectPort = podPorts(this.#sandboxes, (sandbox) => this.#isReady(sandbox));

  async attach(id: string): Promise<AttachPoint> {
    const { record, started } = this.#get(id);
    const dir = this.#dir(id);
    const terminal = await readOptional(join(dir, "tty"));
    return {
      logPath: record.config.logPath,
      stdin: record.config.stdin ? createWriteStream(join(dir, "stdin"), { flags: "r+" }) : undefined,
      resize: (columns, rows) => {
        if (terminal === undefined) return;
        const size = ["cols", String(columns), "rows", String(rows)];
        mustRun(["stty", "-F", terminal, ...size]).catch((error: unknown) => {
          this.#os.log.debug("cannot resize terminal", { error });
        });
      },
      closeStdin: () => {
        if (record.config.stdinOnce && started !== undefined) signalProcess(started.shim, "SIGUSR1");
      },
    };
  }

  async containerStats(id: string): Promise<ContainerStats> {
    const { record, started } = this.#get(id);
    if (started === undefined) throw new RuntimeError(`container ${id} does not run`);
    return this.#launcher.stats(record, started);
  }

  readonly writtenBytes = (id: string, signal: AbortSignal) => folderBytes(this.#written(id), { signal });
  readonly writtenInodes = (id: string, signal: AbortSignal) => folderInodes(this.#written(id), { signal });
  readonly #written = (id: string): string => this.#launcher.writableFolder(this.#dir(id));

  subscribe(onEvent: (event: RuntimeEvent) => void): () => void {
    this.#listeners.add(onEvent);
    return () => this.#listeners.delete(onEvent);
  }

  async close(): Promise<void> {
    this.#watcher?.close();
    this.#cancelCheck();
    this.#kills.clearAll();
    this.#listeners.clear();
  }

  #processOf(id: string): ProcessId {
    const { record, started, state } = this.#get(id);
    if (state.phase === "running" && started !== undefined) return started.process;
    throw new RuntimeError(`container ${record.config.name} is not running`);
  }

  #execPlan(id: string, command: readonly string[], tty: boolean) {
    const { record, started, state } = this.#get(id);
    if (state.phase !== "running" || started === undefined)
      throw new RuntimeError(`container ${record.config.name} is not running`);
    return this.#launcher.execCommand(record, this.#dir(id), { command, tty });
  }

  async #noteExit(id: string): Promise<void> {
    const before = this.#containers.get(basename(id));
    if (before === undefined || before.state.phase === "exited") return;
    try {
      const after = await takeIn(before.record, this.#dir(id), this.#boot, this.#launcher);
      const held = this.#containers.get(id);
      if (held === undefined || held.state.phase === "exited" || after.state.phase !== "exited") return;
      this.#containers.set(id, after);
      this.#emit({ kind: "container-exited", id, podUid: after.record.config.annotations.podUid ?? "" });
    } catch (error) {
      this.#os.log.error("cannot read how a container ended", { id, error });
    }
  }

  /** Shims and pause processes that died themselves tell nobody. */
  #scheduleCheck(): void {
    this.#cancelCheck = this.#os.clock.after(supervisedLimits.deadShimCheckMs, () => {
      for (const one of this.#containers.values())
        if (one.state.phase === "running" && one.started !== undefined) this.#checkShim(one, one.started);
      for (const record of this.#sandboxes.values())
        if (record.stopped === undefined && record.pause !== undefined && !isAlive(record.pause))
          this.#markStopped(record.id).then(
            () => this.#emit({ kind: "sandbox-ended", id: record.id, podUid: record.config.pod.uid }),
            (error: unknown) => this.#os.log.error("cannot note a sandbox' end", { id: record.id, error }),
          );
      this.#scheduleCheck();
    });
  }

  #checkShim({ record }: Supervised, started: StartedRecord): void {
    const ended = !isAlive(started.process);
    if (isAlive(started.shim)) {
      // Its shim has until our next look to write that down: it may still be reading the last output.
      if (!ended || !this.#endUnnoted.delete(record.id)) {
        if (ended) this.#endUnnoted.add(record.id);
        return;
      }
      signalProcess(started.shim, "SIGKILL");
    } else if (!ended) signalProcess(started.process, "SIGKILL");
    void this.#noteExit(record.id);
  }

  async #markStopped(id: string): Promise<void> {
    const record = this.#sandboxes.get(id);
    if (record === undefined || record.stopped) return;
    const stopped: SandboxRecord = { ...record, stopped: true };
    this.#sandboxes.set(id, stopped);
    // On a full disk the next agent finds out anew: what ends a pod must not need room.
    await unlessFull(writeRecord(join(this.#sandboxDir(id), "sandbox.json"), stopped));
  }

  #emit(event: RuntimeEvent): void {
    for (const listener of [...this.#listeners]) listener(event);
  }

  #isRunning(id: string): boolean {
    return this.#containers.get(id)?.state.phase === "running";
  }

  #isReady(record: SandboxRecord): boolean {
    if (record.stopped || record.bootId !== this.#boot) return false;
    return record.pause === undefined || isAlive(record.pause);
  }

  #sandboxStatus(record: SandboxRecord): SandboxStatus {
    const { id, config, createdAtMs, address } = record;
    const state =
      this.#isReady(record) && (config.hostNetwork || address !== undefined) ? "ready" : "notready";
    return { id, pod: config.pod, attempt: config.attempt, state, createdAtMs, ...networkOf(record) };
  }

  #get(id: string): Supervised {
    const container = this.#containers.get(id);
    if (container === undefined) throw new RuntimeError(`there is no container ${id}`);
    return container;
  }

  #dir(id: string): string {
    return join(this.#root, "containers", id);
  }

  #sandboxDir(id: string): string {
    return join(this.#root, "sandboxes", id);
  }
}

export interface SupervisedDeps {
  readonly launcher: Launcher;
  readonly network: PodNetwork;
  readonly os: Os;
}
