import type { ContainerState, RuntimeContainer, RuntimeEvent, SandboxConfig } from "../seam.ts";

export interface KnownSandbox {
  readonly id: string;
  readonly config: SandboxConfig;
  readonly createdAtMs: number;
  readonly isReady: boolean;
  readonly podIp: string;
}

const phases = { created: 0, running: 1, exited: 2 } as const;

/** What the runtime is known to have. It is asked from many places at once, and answers do not come in the order of the
 *  questions: a container's life goes one way, and what came after a question was asked is not gone because the answer lacks it.
 *  Invariant: of every end that was not there when the agent came, listeners are told once. */
export class KnownPods {
  readonly #sandboxes = new Map<string, KnownSandbox>();
  readonly #containers = new Map<string, RuntimeContainer>();
  /** When each came to be known, in questions. */
  readonly #since = new Map<string, number>();
  readonly #listeners = new Set<(event: RuntimeEvent) => void>();
  #questions = 0;

  /** To be called before the runtime is asked for a list; what it answers belongs to the number that is given. */
  question(): number {
    this.#questions += 1;
    return this.#questions;
  }

  sandbox(id: string): KnownSandbox | undefined {
    return this.#sandboxes.get(id);
  }

  sandboxes(): readonly KnownSandbox[] {
    return [...this.#sandboxes.values()];
  }

  container(id: string): RuntimeContainer | undefined {
    return this.#containers.get(id);
  }

  containers(): readonly RuntimeContainer[] {
    return [...this.#containers.values()];
  }

  /** A sandbox that ended does not come back. */
  takeSandbox(sandbox: KnownSandbox): void {
    const before = this.#sandboxes.get(sandbox.id);
    if (before === undefined) this.#since.set(sandbox.id, this.#questions);
    const isReady = sandbox.isReady && (before?.isReady ?? true);
    this.#sandboxes.set(sandbox.id, { ...sandbox, isReady, podIp: sandbox.podIp || (before?.podIp ?? "") });
    if (before?.isReady && !isReady)
      this.#tell({ kind: "sandbox-ended", id: sandbox.id, podUid: sandbox.config.pod.uid });
  }

  takeContainer(container: RuntimeContainer): void {
    const before = this.#containers.get(container.id);
    if (before === undefined) this.#since.set(container.id, this.#questions);
    if (before !== undefined && phases[container.state.phase] < phases[before.state.phase]) return;
    if (before?.state.phase === "exited") return;
    this.#containers.set(container.id, container);
    if (before !== undefined && container.state.phase === "exited") this.#tellEnd(container);
  }

  /** Keeps other annotations of a container that the runtime does not keep. */
  annotate(id: string, annotations: Readonly<Record<string, string>>): void {
    const before = this.#containers.get(id);
    if (before === undefined) return;
    this.#containers.set(id, { ...before, annotations: { ...before.annotations, ...annotations } });
  }

  /** The answer to that question names these, and no others. */
  keepOnly(question: number, ids: ReadonlySet<string>): void {
    const isGone = (id: string) => !ids.has(id) && (this.#since.get(id) ?? 0) < question;
    for (const sandbox of this.sandboxes())
      if (isGone(sandbox.id)) {
        this.takeSandbox({ ...sandbox, isReady: false });
        this.forget(sandbox.id);
      }
    for (const container of this.containers()) if (isGone(container.id)) this.lose(container);
  }

  /** A container that the runtime has no more, without our doing. */
  lose(container: RuntimeContainer): void {
    const { state } = container;
    if (state.phase === "running") {
      const lost: ContainerState = {
        phase: "exited",
        startedAtMs: state.startedAtMs,
        finishedAtMs: state.startedAtMs,
        exitCode: 137,
        signal: 0,
        reason: "ContainerStatusUnknown",
        message: "The container could not be located when the agent looked for it",
      };
      this.takeContainer({ ...container, state: lost });
    }
    this.forget(container.id);
  }

  forget(id: string): void {
    this.#sandboxes.delete(id);
    this.#containers.delete(id);
    this.#since.delete(id);
  }

  subscribe(onEvent: (event: RuntimeEvent) => void): () => void {
    this.#listeners.add(onEvent);
    return () => this.#listeners.delete(onEvent);
  }

  clearListeners(): void {
    this.#listeners.clear();
  }

  #tellEnd({ id, pod }: RuntimeContainer): void {
    this.#tell({ kind: "container-exited", id, podUid: pod.uid });
  }

  #tell(event: RuntimeEvent): void {
    for (const listener of [...this.#listeners]) listener(event);
  }
}
