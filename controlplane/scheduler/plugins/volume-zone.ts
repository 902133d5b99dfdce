import { classOf, waitsForConsumer } from "../../../client/rules/volume-binding.ts";
import type { PersistentVolume } from "../../../client/types.ts";
import type { PluginFactory } from "../cycle/handle.ts";
import type { PodInfo } from "../cycle/pod-info.ts";
import type { Storage } from "../storage/storage.ts";
import { claimMissing, isClaimOf } from "./pod-claims.ts";

const refusal = { reasons: ["node(s) had no available volume zone"], lasting: true };

/** Labels of volumes that say where they are; the older ones are also met by the node's newer ones. */
const newerLabel: ReadonlyMap<string, string> = new Map([
  ["failure-domain.beta.kubernetes.io/zone", "topology.kubernetes.io/zone"],
  ["failure-domain.beta.kubernetes.io/region", "topology.kubernetes.io/region"],
  ["topology.kubernetes.io/zone", "topology.kubernetes.io/zone"],
  ["topology.kubernetes.io/region", "topology.kubernetes.io/region"],
]);

/** Volumes with a zone or region on their labels are reached only from there. */
export const volumeZone: PluginFactory = () => ({
  name: "VolumeZone",
  helpedBy: {
    nodeAdded: () => true,
    nodeChanged: () => true,
    claimChanged: isClaimOf,
    volumeChanged: () => true,
    storageClassChanged: () => true,
  },
  prepareFilter: (pod, { storage }) => {
    const found = zonesOf(pod, storage);
    if ("nowhere" in found) return found;
    if (found.zones.length === 0) return undefined;
    return {
      filter: ({ labels }) => {
        // A node that says nothing of zones belongs to a cluster of one.
        if (![...newerLabel.keys()].some((label) => labels[label] !== undefined)) return undefined;
        const isReached = ({ label, values }: Zone) => {
          const value = labels[label] ?? labels[newerLabel.get(label) ?? label];
          return value !== undefined && values.has(value);
        };
        return found.zones.every(isReached) ? undefined : refusal;
      },
    };
  },
});

interface Zone {
  readonly label: string;
  readonly values: ReadonlySet<string>;
}

function zonesOf(
  { pod, namespace }: PodInfo,
  storage: Storage,
): { readonly zones: readonly Zone[] } | { readonly nowhere: string } {
  const zones: Zone[] = [];
  for (const { persistentVolumeClaim } of pod.spec.volumes ?? []) {
    if (persistentVolumeClaim === undefined) continue;
    const name = persistentVolumeClaim.claimName;
    const claim = storage.claim(namespace, name);
    if (claim === undefined) return { nowhere: claimMissing(name) };
    const { volumeName } = claim.spec;
    if (!volumeName) {
      const className = classOf(claim);
      if (className === "") return { nowhere: "PersistentVolumeClaim had no pv name and storageClass name" };
      const storageClass = storage.storageClass(className);
      if (storageClass === undefined)
        return { nowhere: `storageclass.storage.k8s.io ${JSON.stringify(className)} not found` };
      if (waitsForConsumer(storageClass)) continue;
      return { nowhere: "PersistentVolume had no name" };
    }
    const volume = storage.volume(volumeName);
    if (volume === undefined) return { nowhere: `persistentvolume ${JSON.stringify(volumeName)} not found` };
    zones.push(...labelsOf(volume));
  }
  return { zones };
}

/** A volume in several zones names them with `__` between. */
function labelsOf({ metadata }: PersistentVolume): readonly Zone[] {
  return [...newerLabel.keys()].flatMap((label) => {
    const value = metadata.labels?.[label];
    return value === undefined ? [] : [{ label, values: new Set(value.split("__")) }];
  });
}
