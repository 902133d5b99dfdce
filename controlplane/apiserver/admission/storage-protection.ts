import type { Attributes, Plugin } from "./admission.ts";

const finalizers: Readonly<Record<string, string>> = {
  PersistentVolumeClaim: "kubernetes.io/pvc-protection",
  PersistentVolume: "kubernetes.io/pv-protection",
};

/** Kubernetes' StorageObjectInUseProtection: new claims and volumes stay until a controller has seen that nothing uses
 *  them. */
export const storageProtection: Plugin = { mutate: async (attributes) => protect(attributes) };

function protect({ kind, operation, by, object }: Attributes): void {
  if (operation !== "create" || by.subresource !== "" || kind.group !== "") return;
  const finalizer = Object.hasOwn(finalizers, kind.kind) ? finalizers[kind.kind] : undefined;
  if (finalizer === undefined || object.metadata.finalizers?.includes(finalizer)) return;
  object.metadata.finalizers = [...(object.metadata.finalizers ?? []), finalizer];
}
