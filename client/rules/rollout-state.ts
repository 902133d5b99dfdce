import type { DaemonSet, Deployment } from "../types.ts";

/** Where a rollout stands, in kubectl's words. */
export type RolloutState =
  | { readonly state: "done"; readonly message: string }
  | { readonly state: "waiting"; readonly message: string }
  | { readonly state: "failed"; readonly message: string };

const waiting = (message: string): RolloutState => ({ state: "waiting", message });

export function deploymentRollout({ metadata, spec, status = {} }: Deployment): RolloutState {
  const { name, generation = 0 } = metadata;
  const {
    observedGeneration = 0,
    replicas = 0,
    updatedReplicas = 0,
    availableReplicas = 0,
    conditions = [],
  } = status;
  if (generation > observedGeneration) return waiting("Waiting for deployment spec update to be observed...");
  const progressing = conditions.find(({ type }) => type === "Progressing");
  if (progressing?.reason === "ProgressDeadlineExceeded")
    return { state: "failed", message: `deployment "${name}" exceeded its progress deadline` };
  const wanted = spec.replicas ?? 1;
  const still = (what: string) => waiting(`Waiting for deployment "${name}" rollout to finish: ${what}...`);
  if (updatedReplicas < wanted)
    return still(`${updatedReplicas} out of ${wanted} new replicas have been updated`);
  if (replicas > updatedReplicas)
    return still(`${replicas - updatedReplicas} old replicas are pending termination`);
  if (availableReplicas < updatedReplicas)
    return still(`${availableReplicas} of ${updatedReplicas} updated replicas are available`);
  return { state: "done", message: `deployment "${name}" successfully rolled out` };
}

export function daemonSetRollout({ metadata, status }: DaemonSet): RolloutState {
  const { name, generation = 0 } = metadata;
  if (status === undefined || generation > (status.observedGeneration ?? 0))
    return waiting("Waiting for daemon set spec update to be observed...");
  const {
    desiredNumberScheduled: wanted,
    updatedNumberScheduled: updated = 0,
    numberAvailable: available = 0,
  } = status;
  const still = (what: string) => waiting(`Waiting for daemon set "${name}" rollout to finish: ${what}...`);
  if (updated < wanted) return still(`${updated} out of ${wanted} new pods have been updated`);
  if (available < wanted) return still(`${available} of ${wanted} updated pods are available`);
  return { state: "done", message: `daemon set "${name}" successfully rolled out` };
}
