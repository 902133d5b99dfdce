import type { PersistentVolume } from "../types.ts";
import { volumeAnnotations } from "./volume-binding.ts";

/** Volumes that are folders of a node: made by the controller manager as objects and by the node's agent as folders, removed by
 *  the agent. */
export const localPath = {
  provisioner: "pintle.dev/local-path",
  className: "local-path",
  /** Of a Node: the folder in which its agent keeps them. */
  folderAnnotation: "pintle.dev/local-volumes",
  /** Of a PersistentVolume: the field by which a node selects those that are its own folders. */
  nodeField: "pintle.dev/local-path-node",
  hostnameLabel: "kubernetes.io/hostname",
} as const;

/** The node that such a volume is on; undefined for all others. */
export function localPathNode({ metadata, spec }: PersistentVolume): string | undefined {
  if (metadata.annotations?.[volumeAnnotations.provisionedBy] !== localPath.provisioner) return undefined;
  const [term, ...others] = spec.nodeAffinity?.required?.nodeSelectorTerms ?? [];
  const [field, ...more] = term?.matchFields ?? [];
  const isPlain = others.length === 0 && more.length === 0 && (term?.matchExpressions ?? []).length === 0;
  if (!isPlain || field?.key !== "metadata.name" || field.operator !== "In") return undefined;
  return field.values?.length === 1 ? field.values[0] : undefined;
}

/** Nobody needs the volume any more, and its node is to remove it. */
export const isToBeRemoved = ({ spec, status }: PersistentVolume): boolean =>
  spec.persistentVolumeReclaimPolicy === "Delete" && status?.phase === "Released";
