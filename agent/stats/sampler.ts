import type { Clock } from "../../base/os/clock.ts";
import type { Log } from "../../base/os/log.ts";
import { statsTimes } from "../../client/rules/stats-summary.ts";
import { type ContainerStats, type Runtime, type RuntimeContainer, RuntimeError } from "../runtime/seam.ts";
import type { MachineUse } from "./machine-use.ts";

/** Sampling ends when nobody has asked for so long. */
export const idleMs = 120_000;

/** What was measured at one moment. */
export interface Measured<T> {
  readonly atMs: number;
  readonly use: T;
  /** Nanoseconds of CPU per second since the sample before; absent where there is none. */
  readonly cpuNanosPerSecond?: number;
}

export interface NodeSample {
  readonly machine: Measured<MachineUse>;
  readonly containers: ReadonlyMap<string, Measured<ContainerStats>>;
  /** Those that ran then. */
  readonly running: readonly RuntimeContainer[];
}

export interface SamplerDeps {
  readonly runtime: Pick<Runtime, "listContainers" | "containerStats">;
  readonly machine: () => Promise<MachineUse>;
  readonly clock: Clock;
  readonly log: Log;
}

/** Measures machine and containers regularly while somebody wants to know, and not at all otherwise. */
export class StatsSampler {
  readonly #deps: SamplerDeps;
  #latest: NodeSample | undefined;
  #under: Promise<NodeSample> | undefined;
  #askedMs = 0;
  #cancel: (() => void) | undefined;
  #closed = false;

  constructor(deps: SamplerDeps) {
    this.#deps = deps;
  }

  /** The last sample; waits for one where sampling begins only now. */
  async current(): Promise<NodeSample> {
    this.#askedMs = this.#deps.clock.monotonicMs();
    if (this.#cancel !== undefined && this.#latest !== undefined) return this.#latest;
    this.#under ??= this.#begin();
    return this.#under;
  }

  close(): void {
    this.#closed = true;
    this.#cancel?.();
  }

  async #begin(): Promise<NodeSample> {
    // What was measured long ago says nothing of how much is used now.
    this.#latest = undefined;
    try {
      return await this.#sample();
    } finally {
      this.#under = undefined;
    }
  }

  async #sample(): Promise<NodeSample> {
    const sample = await takeSample(this.#deps, this.#latest);
    this.#latest = sample;
    if (!this.#closed) this.#cancel = this.#deps.clock.after(statsTimes.sampleMs, () => this.#next());
    return sample;
  }

  #next(): void {
    const { clock, log } = this.#deps;
    this.#cancel = undefined;
    if (this.#closed || clock.monotonicMs() - this.#askedMs >= idleMs) return;
    this.#under = this.#sample().finally(() => {
      this.#under = undefined;
    });
    // Whoever asks next begins anew.
    this.#under.catch((error: unknown) => log.warn("statistics not read", { error }));
  }
}

async function takeSample(
  { runtime, machine, clock }: SamplerDeps,
  before: NodeSample | undefined,
): Promise<NodeSample> {
  const measured = <T extends { readonly cpuNanos: number }>(
    use: T,
    previous: Measured<T> | undefined,
  ): Measured<T> => {
    const atMs = clock.wallMs();
    const spanMs = previous === undefined ? 0 : atMs - previous.atMs;
    const spent = use.cpuNanos - (previous?.use.cpuNanos ?? 0);
    // A clock that was set, or processes that are gone: no rate.
    return spanMs <= 0 || spent < 0
      ? { atMs, use }
      : { atMs, use, cpuNanosPerSecond: Math.round((spent * 1000) / spanMs) };
  };
  const running = runtime.listContainers().filter(({ state }) => state.phase === "running");
  const containers = new Map<string, Measured<ContainerStats>>();
  for (const { id } of running)
    try {
      containers.set(id, measured(await runtime.containerStats(id), before?.containers.get(id)));
    } catch (error) {
      if (!(error instanceof RuntimeError)) throw error; // it ended meanwhile
    }
  return { machine: measured(await machine(), before?.machine), containers, running };
}
