import { isDefaultStorageClass } from "../../../client/rules/default-storage-class.ts";
import type { Ingress, KubeObject, PersistentVolumeClaim } from "../../../client/types.ts";
import { isDefaultIngressClass } from "../resources/ingressclasses.ts";
import { type Attributes, type Plugin, where } from "./admission.ts";
import { type LookupDeps, storedObjects } from "./stored-lookup.ts";

const storageAnnotation = "volume.beta.kubernetes.io/storage-class";
const ingressAnnotation = "kubernetes.io/ingress.class";

/** Kubernetes' DefaultStorageClass: a new claim that says nothing of a class gets the default one, if there is one. A claim
 *  that names the empty class wants none. */
export function defaultStorageClass(deps: LookupDeps): Plugin {
  return {
    mutate: where(creates("", "PersistentVolumeClaim"), async (attributes) => {
      const claim = attributes.object as PersistentVolumeClaim;
      const annotated = claim.metadata.annotations?.[storageAnnotation] !== undefined;
      if (annotated || claim.spec.storageClassName !== undefined) return;
      const all = await storedObjects(deps, {
        group: "storage.k8s.io",
        plural: "storageclasses",
        namespace: "",
      });
      const name = newest(all.filter(isDefaultStorageClass));
      if (name !== undefined) claim.spec.storageClassName = name;
    }),
  };
}

/** Kubernetes' DefaultIngressClass: the same for ingresses. */
export function defaultIngressClass(deps: LookupDeps): Plugin {
  return {
    mutate: where(creates("networking.k8s.io", "Ingress"), async (attributes) => {
      const ingress = attributes.object as Ingress;
      const annotated = ingress.metadata.annotations?.[ingressAnnotation] !== undefined;
      if (annotated || ingress.spec.ingressClassName !== undefined) return;
      const all = await storedObjects(deps, {
        group: "networking.k8s.io",
        plural: "ingressclasses",
        namespace: "",
      });
      const name = newest(all.filter(isDefaultIngressClass));
      if (name !== undefined) ingress.spec.ingressClassName = name;
    }),
  };
}

const creates =
  (group: string, kind: string) =>
  ({ operation, by, kind: { group: itsGroup, kind: itsKind } }: Attributes): boolean =>
    itsGroup === group && itsKind === kind && operation === "create" && by.subresource === "";

/** Of several defaults the newest counts; of those of the same second the first by name. */
function newest(classes: readonly KubeObject[]): string | undefined {
  const order = classes
    .map(({ metadata }) => metadata)
    .sort(
      (a, b) =>
        Date.parse(b.creationTimestamp) - Date.parse(a.creationTimestamp) || (a.name < b.name ? -1 : 1),
    );
  return order[0]?.name;
}
