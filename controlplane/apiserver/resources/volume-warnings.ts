import type { PodSpec } from "../../../client/types.ts";
import { claimSizeWarnings } from "./amount-warnings.ts";
import { pathWarnings } from "./volume-path-warnings.ts";

type Volume = NonNullable<PodSpec["volumes"]>[number];

/** Kinds of volumes that were given up, in the order in which Kubernetes asks. */
const ofOld = [
  ["photonPersistentDisk", "deprecated in v1.11, non-functional in v1.16+"],
  ["gitRepo", "deprecated in v1.11, and disabled by default in v1.33+"],
  ["scaleIO", "deprecated in v1.16, non-functional in v1.22+"],
  ["flocker", "deprecated in v1.22, non-functional in v1.25+"],
  ["storageos", "deprecated in v1.22, non-functional in v1.25+"],
  ["quobyte", "deprecated in v1.22, non-functional in v1.25+"],
  ["glusterfs", "deprecated in v1.25, non-functional in v1.26+"],
  ["ephemeral", ""],
  ["cephfs", "deprecated in v1.28, non-functional in v1.31+"],
  ["rbd", "deprecated in v1.28, non-functional in v1.31+"],
] as const;

/** Kubernetes' name for the field in messages. */
const shownName = (name: string) => (name === "storageos" ? "storageOS" : name);

export function volumeWarnings(volumes: readonly Volume[], field: string): readonly string[] {
  return [
    ...volumes.flatMap((volume, index) =>
      ofOld.flatMap(([name, text]) => {
        const at = `${field}[${index}]`;
        if (name === "ephemeral")
          return claimSizeWarnings(
            volume.ephemeral?.volumeClaimTemplate?.spec,
            `${at}.ephemeral.volumeClaimTemplate.spec`,
          );
        return volume[name] === undefined ? [] : [`${at}.${shownName(name)}: ${text}`];
      }),
    ),
    ...pathWarnings(volumes),
  ];
}

/** Of a persistent volume's spec. */
export function volumeSourceWarnings(spec: object): readonly string[] {
  const order = ["cephfs", "photonPersistentDisk", "scaleIO", "storageos", "glusterfs", "rbd"];
  return order.flatMap((name) => {
    const text = ofOld.find(([one]) => one === name)?.[1];
    return Object.hasOwn(spec, name) ? [`spec.${shownName(name)}: ${text}`] : [];
  });
}
