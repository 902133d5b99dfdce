import type { Clock } from "../../base/os/clock.ts";
import { describeError, type Log } from "../../base/os/log.ts";
import type { Pod } from "../../client/types.ts";
import { isTerminal } from "../sync/pod-phase.ts";
import { type ShutdownPeriod, shutdownGraceSeconds, shutdownRounds } from "./shutdown-rounds.ts";

export interface EndDeps {
  readonly clock: Clock;
  readonly log: Log;
  /** This node's. */
  readonly pods: () => readonly Pod[];
  /** Ends a pod for good within its grace. Resolves once nothing of it runs and the API knows how it ended; rejects when the signal
   *  aborts first. */
  readonly end: (pod: Pod, graceSeconds: number, signal: AbortSignal) => Promise<void>;
}

/** Ends all pods of a node, the critical ones last, each round within its time and no later. What does not end in time is left to
 *  whoever stops the machine. */
export async function endPods(periods: readonly ShutdownPeriod[], deps: EndDeps): Promise<void> {
  const { clock, log, end } = deps;
  const living = deps.pods().filter(({ status }) => !isTerminal(status?.phase));
  for (const { seconds, pods } of shutdownRounds(periods, living)) {
    log.info("ending pods, as the node shuts down", { pods: pods.length, seconds });
    const over = new AbortController();
    const cancel = clock.after(seconds * 1000, () => over.abort(new Error("the round is over")));
    const ends = pods.map(async (pod) => {
      try {
        await end(pod, shutdownGraceSeconds(pod, seconds), over.signal);
      } catch (error) {
        const { namespace, name } = pod.metadata;
        log.warn("a pod did not end in time", { pod: `${namespace}/${name}`, why: describeError(error) });
      }
    });
    await Promise.all(ends);
    cancel();
  }
}
