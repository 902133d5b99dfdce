import { type Duplex, PassThrough } from "node:stream";
import type { Clock } from "../../../base/os/clock.ts";
import {
  type AttachPoint,
  type ContainerConfig,
  type ContainerState,
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

interface Simulated {
  readonly id: string;
  readonly sandboxId: string;
  readonly config: ContainerConfig;
  readonly createdAtMs: number;
  state: ContainerState;
}

/** Containers that are only states, for tests of what stands above: they run until `exit` is called. One that is told to
 *  stop takes its whole grace if `deaf`, else ends at once with 143. */
export class SimulatedRuntime implements Runtime {
  readonly description = "simulated://1";
  readonly #clock: Clock;
  readonly #sandboxes = new Map<string, SandboxStatus>();
  readonly #containers = new Map<string, Simulated>();
  readonly #listeners = new Set<(event: RuntimeEvent) => void>();
  readonly deaf = new Set<string>();
  /** Why a container cannot be started, if it cannot. */
  onStart: (config: ContainerConfig) => string | undefined = () => undefined;
  /** What `execSync` answers. */
  onExec: (id: string, command: readonly string[]) => number = () => 0;
  #made = 0;

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  async runPodSandbox(config: SandboxConfig): Promise<string> {
    const id = `s${++this.#made}`;
    const podIp = config.hostNetwork ? "" : `10.0.0.${this.#made}`;
    const { pod, attempt } = config;
    this.#sandboxes.set(id, { id, pod, attempt, state: "ready", createdAtMs: this.#clock.wallMs(), podIp });
    return id;
  }

  async stopPodSandbox(id: string): Promise<void> {
    const sandbox = this.#sandboxes.get(id);
    if (sandbox === undefined) return;
    for (const one of this.#containers.values()) if (one.sandboxId === id) this.exit(one.id, 137);
    this.#sandboxes.set(id, { ...sandbox, state: "notready" });
  }

  async removePodSandbox(id: string): Promise<void> {
    await this.stopPodSandbox(id);
    this.#sandboxes.delete(id);
    for (const one of [...this.#containers.values()])
      if (one.sandboxId === id) this.#containers.delete(one.id);
  }

  podSandboxStatus(id: string): SandboxStatus | undefined {
    return this.#sandboxes.get(id);
  }

  listPodSandboxes(): readonly SandboxStatus[] {
    return [...this.#sandboxes.values()];
  }

  async createContainer(sandboxId: string, config: ContainerConfig): Promise<string> {
    if (!this.#sandboxes.has(sandboxId)) throw new RuntimeError(`there is no sandbox ${sandboxId}`);
    const id = `c${++this.#made}`;
    this.#containers.set(id, {
      id,
      sandboxId,
      config,
      createdAtMs: this.#clock.wallMs(),
      state: { phase: "created" },
    });
    return id;
  }

  async startContainer(id: string): Promise<void> {
    const container = this.#get(id);
    const startedAtMs = this.#clock.wallMs();
    const message = this.onStart(container.config);
    if (message === undefined) {
      container.state = { phase: "running", startedAtMs };
      return;
    }
    const end = { startedAtMs, finishedAtMs: startedAtMs, exitCode: 128, signal: 0 };
    container.state = { phase: "exited", ...end, reason: "StartError", message };
    throw new RuntimeError(message);
  }

  async stopContainer(id: string, graceSeconds: number, signal?: AbortSignal): Promise<void> {
    const container = this.#containers.get(id);
    if (container?.state.phase !== "running") return;
    if (graceSeconds === 0) return this.exit(id, 137);
    if (!this.deaf.has(container.config.name)) return this.exit(id, 143);
    const cancel = this.#clock.after(graceSeconds * 1000, () => this.exit(id, 137));
    let off = () => {};
    try {
      await new Promise<void>((resolve, reject) => {
        signal?.addEventListener("abort", () => reject(signal.reason), { once: true });
        off = this.subscribe((event) => {
          if (event.id === id) resolve();
        });
      });
    } finally {
      off();
      cancel();
    }
  }

  async updateContainer(
    id: string,
    resources: Resources,
    annotations: Readonly<Record<string, string>>,
  ): Promise<void> {
    const { config, ...rest } = this.#get(id);
    const kept = { ...config.annotations, ...annotations };
    this.#containers.set(id, { ...rest, config: { ...config, resources, annotations: kept } });
  }

  async removeContainer(id: string): Promise<void> {
    if (this.#containers.get(id)?.state.phase === "running")
      throw new RuntimeError(`container ${id} is running`);
    this.#containers.delete(id);
  }

  /** A running container ends by itself. */
  exit(id: string, exitCode: number): void {
    const container = this.#get(id);
    if (container.state.phase !== "running") return;
    const { startedAtMs } = container.state;
    const reason = exitCode === 0 ? "Completed" : "Error";
    container.state = {
      phase: "exited",
      startedAtMs,
      finishedAtMs: this.#clock.wallMs(),
      exitCode,
      signal: 0,
      reason,
      message: "",
    };
    const podUid = container.config.annotations.podUid ?? "";
    for (const listener of [...this.#listeners]) listener({ kind: "container-exited", id, podUid });
  }

  /** What a container was made of. */
  configOf(id: string): ContainerConfig {
    return this.#get(id).config;
  }

  containerStatus(id: string): RuntimeContainer | undefined {
    const container = this.#containers.get(id);
    return container && describe(container);
  }

  listContainers(): readonly RuntimeContainer[] {
    return [...this.#containers.values()].map(describe);
  }

  async execSync(id: string, command: readonly string[]): Promise<ExecResult> {
    const exitCode = this.onExec(id, command);
    return { exitCode, stdout: Buffer.alloc(0), stderr: Buffer.alloc(0), timedOut: false };
  }

  async exec(id: string, options: ExecOptions): Promise<Session> {
    const exited = Promise.resolve(this.onExec(id, options.command));
    const stdout = new PassThrough().end();
    return {
      stdin: undefined,
      stdout,
      stderr: undefined,
      resize: () => undefined,
      exited,
      kill: () => undefined,
    };
  }

  async attach(id: string): Promise<AttachPoint> {
    const { logPath } = this.#get(id).config;
    return { logPath, stdin: undefined, resize: () => undefined, closeStdin: () => undefined };
  }

  /** What answers at a port of a pod. */
  onConnect: (sandboxId: string, port: number) => Promise<Duplex> = async (_, port) => {
    throw new RuntimeError(`nothing listens at port ${port}`);
  };

  connectPort(sandboxId: string, port: number): Promise<Duplex> {
    return this.onConnect(sandboxId, port);
  }

  async containerStats(): Promise<ContainerStats> {
    return { cpuNanos: 0, memoryBytes: 0, workingSetBytes: 0 };
  }

  async writtenBytes(): Promise<undefined> {
    return undefined;
  }

  async writtenInodes(): Promise<undefined> {
    return undefined;
  }

  subscribe(onEvent: (event: RuntimeEvent) => void): () => void {
    this.#listeners.add(onEvent);
    return () => this.#listeners.delete(onEvent);
  }

  async close(): Promise<void> {
    this.#listeners.clear();
  }

  #get(id: string): Simulated {
    const container = this.#containers.get(id);
    if (container === undefined) throw new RuntimeError(`there is no container ${id}`);
    return container;
  }
}

function describe({ id, sandboxId, config, createdAtMs, state }: Simulated): RuntimeContainer {
  const { name, attempt, image, imageId, logPath, annotations } = config;
  const pod = {
    namespace: annotations.podNamespace ?? "",
    name: annotations.podName ?? "",
    uid: annotations.podUid ?? "",
  };
  return { id, sandboxId, pod, name, attempt, image, imageId, logPath, annotations, createdAtMs, state };
}
