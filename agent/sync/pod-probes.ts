import type { Pod } from "../../client/types.ts";
import type { ProbeFailure } from "../probes/probe-standing.ts";
import type { Prober } from "../probes/prober.ts";
import { findContainer, type Observed } from "./observed.ts";
import type { PodContext } from "./pod-context.ts";

/** Probes every container of the pod that runs, and no other. */
export function followProbes(
  pod: Pod,
  { containers }: Observed,
  { prober, runtime, nodeIp }: Pick<PodContext, "prober" | "runtime" | "nodeIp">,
): void {
  const running = new Set<string>();
  for (const one of containers) {
    if (one.state.phase !== "running") continue;
    running.add(one.id);
    const container = findContainer(pod, one.name);
    if (container === undefined) continue;
    const podIp = pod.spec.hostNetwork ? nodeIp : (runtime.podSandboxStatus(one.sandboxId)?.podIp ?? "");
    const known = [
      ...(pod.status?.containerStatuses ?? []),
      ...(pod.status?.initContainerStatuses ?? []),
    ].find((status) => status.containerID?.endsWith(`//${one.id}`));
    const kept = known && { started: known.started ?? false, ready: known.ready };
    prober.watch(pod.metadata.uid, one.id, container, podIp, kept, one.state.startedAtMs);
  }
  prober.keepOnly(pod.metadata.uid, running);
}

/** Which of the containers failed a probe for good. */
export function failedProbes(
  { containers }: Observed,
  prober: Pick<Prober, "failureOf">,
): ReadonlyMap<string, ProbeFailure> {
  const found = new Map<string, ProbeFailure>();
  for (const { id } of containers) {
    const why = prober.failureOf(id);
    if (why !== undefined) found.set(id, why);
  }
  return found;
}

/** Ids of containers that passed their startup probe or have none. */
export const startedContainers = (
  { containers }: Observed,
  prober: Pick<Prober, "isStarted">,
): ReadonlySet<string> => new Set(containers.map(({ id }) => id).filter((id) => prober.isStarted(id)));
