import type { Clock } from "../../../../base/os/clock.ts";
import { ApiRefusal } from "../ask-api.ts";
import { readNodeMetrics, readPodMetrics } from "./read-metrics.ts";
import type { UsageMemory } from "./usage-memory.ts";

export const samplerTimes = {
  /** A cluster that has just begun has measured nothing, and other things to do. */
  firstMs: 20_000,
  /** While somebody looks at charts, and for a while after. */
  busyMs: 15_000,
  lookedMs: 300_000,
  /** While nobody does: agents, who measure for two minutes when asked, rest in between. */
  restMs: 300_000,
} as const;

export interface SamplerDeps {
  /** A list of metrics.k8s.io, by its path within the group; rejects with ApiRefusal where that is not for this user. */
  readonly list: (path: string) => Promise<unknown>;
  readonly memory: UsageMemory;
  readonly clock: Clock;
  /** The namespace that is asked for where all are not for this user. */
  readonly namespace: string;
}

/** Fills a memory from the metrics API, as the user of the dashboard's own configuration: often while somebody looks at charts, and
 *  seldom otherwise. */
export class Sampler {
  readonly #deps: SamplerDeps;
  #lookedMs = Number.NEGATIVE_INFINITY;
  #askedMs = Number.NEGATIVE_INFINITY;
  #round: Promise<void> | undefined;
  #cancel: () => void;
  #isClosed = false;
  #problem = "";
  #narrowedTo = "";

  constructor(deps: SamplerDeps) {
    this.#deps = deps;
    this.#cancel = deps.clock.after(samplerTimes.firstMs, () => this.#next());
  }

  /** Why the last round brought nothing; `""` where it did. */
  get problem(): string {
    return this.#problem;
  }

  /** The only namespace whose pods are remembered; `""` for all. */
  get narrowedTo(): string {
    return this.#narrowedTo;
  }

  /** Somebody looks: resolves when the memory has something of now. */
  async look(): Promise<void> {
    this.#lookedMs = this.#deps.clock.monotonicMs();
    const isOld = this.#lookedMs - this.#askedMs >= samplerTimes.busyMs;
    if (isOld && this.#round === undefined && !this.#isClosed) {
      this.#cancel();
      this.#next();
    }
    await this.#round;
  }

  close(): void {
    this.#isClosed = true;
    this.#cancel();
  }

  #next(): void {
    this.#round = this.#ask().finally(() => {
      this.#round = undefined;
      if (this.#isClosed) return;
      const { clock } = this.#deps;
      const isLookedAt = clock.monotonicMs() - this.#lookedMs < samplerTimes.lookedMs;
      this.#cancel = clock.after(isLookedAt ? samplerTimes.busyMs : samplerTimes.restMs, () => this.#next());
    });
  }

  async #ask(): Promise<void> {
    const { clock, memory } = this.#deps;
    this.#askedMs = clock.monotonicMs();
    const [nodes, pods] = await Promise.allSettled([this.#deps.list("/nodes"), this.#pods()]);
    const failed = [pods, nodes].find((one) => one.status === "rejected");
    this.#problem = failed === undefined ? "" : textOf(failed.reason);
    if (this.#isClosed) return;
    memory.take(clock.wallMs(), {
      nodes: nodes.status === "fulfilled" ? readNodeMetrics(nodes.value) : [],
      pods: pods.status === "fulfilled" ? readPodMetrics(pods.value) : [],
    });
  }

  async #pods(): Promise<unknown> {
    const { namespace, list } = this.#deps;
    const inside = `/namespaces/${encodeURIComponent(namespace)}/pods`;
    try {
      const all = await list("/pods");
      this.#narrowedTo = "";
      return all;
    } catch (error) {
      if (!(error instanceof ApiRefusal) || error.code !== 403) throw error;
      const some = await list(inside);
      this.#narrowedTo = namespace;
      return some;
    }
  }
}

const textOf = (error: unknown): string => (error instanceof Error ? error.message : String(error));
