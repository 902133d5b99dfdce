import { type Deferred, deferred } from "../../base/deferred.ts";
import { unlessAborted } from "../../base/unless-aborted.ts";
import type { Pod } from "../../client/types.ts";
import type { PodContext } from "./pod-context.ts";
import { evicted, isTerminal } from "./pod-phase.ts";
import { freeEndedPod } from "./remove-pod.ts";

/** What a pod that ended for good still holds of its node. */
export class EndedPod {
  readonly #context: PodContext;
  readonly #over = deferred<void>();
  #isFreed = false;
  /** Asked for: that all of it goes. */
  #reclaiming: Deferred<void> | undefined;

  constructor(context: PodContext) {
    this.#context = context;
  }

  /** All that a pod gives back at its end is given back. */
  get isFreed(): boolean {
    return this.#isFreed;
  }

  /** The node needs the room of what is kept for people to look at: containers with what they wrote and logged. Undefined where
   *  there is nothing of that; otherwise the next `free` does it, and the promise then resolves. */
  reclaim(pod: Pod): Promise<void> | undefined {
    if (!this.#isFreed || pod.status?.reason === evicted) return undefined;
    this.#reclaiming ??= deferred();
    return this.#reclaiming.promise;
  }

  /** Frees what is to be freed by now of a pod of which nothing runs; answers whether that was anything. */
  async free(pod: Pod): Promise<boolean> {
    const reclaiming = this.#reclaiming;
    if ((this.#isFreed && reclaiming === undefined) || !isTerminal(pod.status?.phase)) return false;
    await freeEndedPod(pod, this.#context, { entirely: reclaiming !== undefined });
    this.#isFreed = true;
    if (reclaiming !== undefined) this.gone();
    return true;
  }

  /** Nothing of the pod runs any more, nor will. */
  over(): void {
    this.#over.resolve();
  }

  /** Rejects when the signal aborts. */
  untilOver(signal: AbortSignal): Promise<void> {
    return unlessAborted(this.#over.promise, signal);
  }

  /** There is nothing left to wait for. */
  gone(): void {
    this.over();
    this.#reclaiming?.resolve();
    this.#reclaiming = undefined;
  }
}
