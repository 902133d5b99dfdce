import type { Pod } from "../../client/types.ts";
import { isFinished, isLive, isSidecar, latest, type Observed } from "./observed.ts";

export const isTerminal = (phase: string | undefined): boolean => phase === "Failed" || phase === "Succeeded";

/** The reason in the status of a pod that this node ended for what it took. */
export const evicted = "Evicted";

export interface PhaseInput {
  readonly pod: Pod;
  readonly observed: Observed;
  /** Ids of running containers that passed their startup probe or have none. */
  readonly started: ReadonlySet<string>;
}

/** A pod's phase, from what the runtime observed of its containers alone: how they are shown (a waiting reason, a message)
 *  never changes it. A phase that ended stays. */
export function podPhase(input: PhaseInput): "Pending" | "Running" | "Succeeded" | "Failed" {
  const { pod, observed } = input;
  const { phase } = pod.status ?? {};
  if (phase === "Failed" || phase === "Succeeded") return phase;
  const mains = pod.spec.containers.map(({ name }) => latest(observed, name)?.state);
  const over =
    (pod.metadata.deletionTimestamp !== undefined && !isLive(observed)) || isFinished(pod, observed);
  if (over) {
    const succeeded = mains.every((state) => state?.phase === "exited" && state.exitCode === 0);
    return succeeded ? "Succeeded" : "Failed";
  }
  const begun = mains.map((state) => state?.phase === "running" || state?.phase === "exited");
  // What restarts does not take a pod back to its beginning.
  if (!begun.includes(true) && !initialized(input)) return "Pending";
  return begun.every(Boolean) ? "Running" : "Pending";
}

function initialized({ pod, observed, started }: PhaseInput): boolean {
  return (pod.spec.initContainers ?? []).every((container) => {
    const last = latest(observed, container.name);
    if (isSidecar(container)) return last?.state.phase === "running" && started.has(last.id);
    return last?.state.phase === "exited" && last.state.exitCode === 0;
  });
}
