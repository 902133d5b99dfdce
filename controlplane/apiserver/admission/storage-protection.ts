import type { Attributes, Plugin } from "./admission.ts";

const finalizers: Readonly<Record<string, string>> = {
  "/PersistentVolumeClaim": "kubernetes.io/pvc-protection",
  "/PersistentVolume": "kubernetes.io/pv-protection",
  "storage.k8s.io/VolumeAttributesClass": "kubernetes.io/vac-protection",
};

/** Kubernetes' StorageObjectInUseProtection: new claims, volumes and classes of volume attributes stay until a controller has
 *  seen that nothing uses them. */
export const storageProtection: Plugin = { mutate: protect };

function protect({ kind, operation, by, object }: Attributes): void {
  if (operation !== "create" || by.subresource !== "") return;
  const finalizer = finalizers[`${kind.group}/${kind.kind}`];
  if (finalizer === undefined || object.metadata.finalizers?.includes(finalizer)) return;
  object.metadata.finalizers = [...(object.metadata.finalizers ?? []), finalizer];
}
