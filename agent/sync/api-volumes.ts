import type { Pod } from "../../client/types.ts";
import type { PodContext } from "./pod-context.ts";

/** Knows whether a pod's volumes show what the cluster says, and brings them up to date when not. */
export class ApiVolumes {
  readonly #context: Pick<PodContext, "volumes" | "nodeIp" | "allocatable">;
  #stale = true;
  #shownIp: string | undefined;

  constructor(context: Pick<PodContext, "volumes" | "nodeIp" | "allocatable">) {
    this.#context = context;
  }

  /** Something that they show may have changed. */
  invalidate(): void {
    this.#stale = true;
  }

  /** Makes what lacks, replaces what changed; nothing when they are up to date. Rejects with ConfigError, or with the signal's
   *  reason. */
  async prepare(pod: Pod, podIp: string, signal: AbortSignal): Promise<void> {
    if (!this.#stale && this.#shownIp === podIp) return;
    const { nodeIp, allocatable, volumes } = this.#context;
    // First, so that a change that comes meanwhile is not lost.
    this.#stale = false;
    this.#shownIp = podIp;
    try {
      await volumes.prepare(pod, { nodeIp, podIp, allocatable }, signal);
    } catch (error) {
      this.#stale = true;
      throw error;
    }
  }
}
