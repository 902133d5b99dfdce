import type { Plugin } from "../cycle/plugin.ts";
import { podClaims, volumesOn } from "../storage/plan-volumes.ts";

/** Claims: where their volumes can be reached, and where those of classes that wait for a pod can be had. */
export const volumeBinding: Plugin = {
  name: "VolumeBinding",
  weight: 0,
  helpedBy: ["nodeAdded", "nodeChanged", "storageChanged"],
  prepare({ pod }, { storage }) {
    const uses = (pod.spec.volumes ?? []).some(
      ({ persistentVolumeClaim, ephemeral }) =>
        persistentVolumeClaim !== undefined || ephemeral !== undefined,
    );
    if (!uses) return undefined;
    const claims = podClaims(pod, storage);
    if ("problem" in claims) return { nowhere: claims.problem };
    return {
      filter: (node) => {
        const found = volumesOn(claims, node, storage);
        return "reasons" in found ? { reasons: found.reasons, lasting: true } : undefined;
      },
    };
  },
};
