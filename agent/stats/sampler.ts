import { type Clock, sleep } from "../../base/os/clock.ts";
import type { Log } from "../../base/os/log.ts";
import { statsTimes } from "../../client/rules/stats-summary.ts";
import { type ContainerStats, type Runtime, type RuntimeContainer, RuntimeError } from "../runtime/seam.ts";
import type { MachineUse } from "./machine-use.ts";

/** Sampling ends when nobody has asked for so long. */
export const idleMs = 120_000;

/** What was measured at one moment. */
export interface Measured<T> {
  readonly atMs: number;
  /** The same moment on the clock that nobody sets. */
  readonly monotonicMs: number;
  readonly use: T;
  /** Nanoseconds of CPU per second since the sample before, and how long ago that was in whole milliseconds; absent where
   *  there is none. */
  readonly rate?: { readonly cpuNanosPerSecond: number; readonly spanMs: number };
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
  readonly #closing = new AbortController();
  #latest: NodeSample | undefined;
  #under: Promise<NodeSample> | undefined;
  #askedMs = 0;
  #cancel: (() => void) | undefined;

  constructor(deps: SamplerDeps) {
    this.#deps = deps;
  }

  /** The last sample; where sampling begins only now, the second one, of which usage is known. */
  async current(): Promise<NodeSample> {
    this.#askedMs = this.#deps.clock.monotonicMs();
    if (this.#cancel !== undefined && this.#latest !== undefined) return this.#latest;
    this.#under ??= this.#ended(this.#begin());
    return this.#under;
  }

  close(): void {
    this.#closing.abort(new Error("the agent ends"));
    this.#cancel?.();
  }

  async #begin(): Promise<NodeSample> {
    // What was measured long ago says nothing of how much is used now.
    this.#latest = undefined;
    const { clock } = this.#deps;
    this.#latest = await takeSample(this.#deps, undefined);
    await sleep(clock, statsTimes.firstSampleMs, this.#closing.signal);
    return this.#sample();
  }

  async #sample(): Promise<NodeSample> {
    const sample = await takeSample(this.#deps, this.#latest);
    this.#latest = sample;
    const isNew = [...sample.containers.values()].some(({ rate }) => rate === undefined);
    const waitMs = isNew ? statsTimes.firstSampleMs : statsTimes.sampleMs;
    if (!this.#closing.signal.aborted) this.#cancel = this.#deps.clock.after(waitMs, () => this.#next());
    return sample;
  }

  #next(): void {
    const { clock, log } = this.#deps;
    this.#cancel = undefined;
    if (this.#closing.signal.aborted || clock.monotonicMs() - this.#askedMs >= idleMs) return;
    this.#under = this.#ended(this.#sample());
    // Whoever asks next begins anew.
    this.#under.catch((error: unknown) => log.warn("statistics not read", { error }));
  }

  #ended(sample: Promise<NodeSample>): Promise<NodeSample> {
    return sample.finally(() => {
      this.#under = undefined;
    });
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
    const at = { atMs: clock.wallMs(), monotonicMs: clock.monotonicMs() };
    const spanMs = previous === undefined ? 0 : at.monotonicMs - previous.monotonicMs;
    const spent = use.cpuNanos - (previous?.use.cpuNanos ?? 0);
    // Processes that are gone: no rate.
    return spanMs <= 0 || spent < 0
      ? { ...at, use }
      : {
          ...at,
          use,
          rate: { cpuNanosPerSecond: Math.round((spent * 1000) / spanMs), spanMs: Math.round(spanMs) },
        };
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
