import type { PluginFactory } from "../cycle/handle.ts";
import type { PodInfo } from "../cycle/pod-info.ts";
import { podClaims, type VolumePlan, volumesOn } from "../storage/plan-volumes.ts";
import { claimNames, isClaimOf } from "./pod-claims.ts";

export interface VolumeBindingArgs {
  /** How long a pod's volumes may take. */
  readonly bindTimeoutSeconds: number;
}

/** Claims: where their volumes can be reached, and where those of classes that wait for a pod can be had. */
export const volumeBinding: PluginFactory = (given, { volumes, client, clock }) => {
  const { bindTimeoutSeconds } = given as VolumeBindingArgs;
  const plans = new Map<string, VolumePlan>();
  const uses = (pod: PodInfo) => claimNames(pod).length > 0;
  return {
    name: "VolumeBinding",
    helpedBy: {
      nodeAdded: () => true,
      nodeChanged: (_pod, { node, before }) => node.metadata.labels !== before.metadata.labels,
      claimChanged: (pod, claim) => isClaimOf(pod, claim),
      volumeChanged: () => true,
      storageClassChanged: () => true,
      csiNodeChanged: () => true,
      csiDriverChanged: () => true,
      storageCapacityChanged: () => true,
    },
    prepareFilter: (pod, { storage }) => {
      if (!uses(pod)) return undefined;
      const claims = podClaims(pod.pod, storage);
      if ("problem" in claims) return { nowhere: claims.problem };
      return {
        filter: (node) => {
          const found = volumesOn(claims, node, storage);
          return "reasons" in found ? { reasons: found.reasons, lasting: true } : undefined;
        },
      };
    },
    reserve: (pod, node) => {
      const plan = uses(pod) ? volumes.assume(pod.pod, node) : undefined;
      if (plan !== undefined) plans.set(pod.key, plan);
      return undefined;
    },
    unreserve: ({ key }) => {
      const plan = plans.get(key);
      if (plan !== undefined) volumes.forget(plan);
      plans.delete(key);
    },
    needsPreBind: ({ key }) => plans.has(key),
    preBind: async ({ key }, node, signal) => {
      const plan = plans.get(key);
      if (plan === undefined) return;
      try {
        const timeoutMs = bindTimeoutSeconds * 1_000;
        await volumes.carryOut(plan, node, { client, clock, signal, timeoutMs });
      } finally {
        volumes.forget(plan);
        plans.delete(key);
      }
    },
  };
};
