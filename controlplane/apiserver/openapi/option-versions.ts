import type { GroupVersion } from "./definitions.ts";

/** The groups and versions of which Kubernetes' programs know DeleteOptions and the events of watches, served or not: a client
 *  may send options in any of them. */
export const optionVersions: readonly GroupVersion[] = versionsOf(`
v1
admission.k8s.io/v1 v1beta1
admissionregistration.k8s.io/v1 v1alpha1 v1beta1
apiextensions.k8s.io/v1 v1beta1
apiregistration.k8s.io/v1 v1beta1
apps/v1 v1beta1 v1beta2
authentication.k8s.io/v1 v1alpha1 v1beta1
authorization.k8s.io/v1 v1beta1
autoscaling/v1 v2
batch/v1 v1beta1
certificates.k8s.io/v1 v1alpha1 v1beta1
coordination.k8s.io/v1 v1alpha2 v1beta1
discovery.k8s.io/v1 v1beta1
events.k8s.io/v1 v1beta1
extensions/v1beta1
flowcontrol.apiserver.k8s.io/v1 v1beta1 v1beta2 v1beta3
imagepolicy.k8s.io/v1alpha1
internal.apiserver.k8s.io/v1alpha1
networking.k8s.io/v1 v1beta1
node.k8s.io/v1 v1alpha1 v1beta1
policy/v1 v1beta1
rbac.authorization.k8s.io/v1 v1alpha1 v1beta1
resource.k8s.io/v1 v1alpha3 v1beta1 v1beta2
scheduling.k8s.io/v1 v1alpha2 v1beta1
storage.k8s.io/v1 v1alpha1 v1beta1
storagemigration.k8s.io/v1beta1`);

/** Of those that the programs of custom resources' documents know. */
export const customOptionVersions: readonly GroupVersion[] = optionVersions.filter(
  ({ group }) => !/^(admission|apiextensions|apiregistration|imagepolicy)\.k8s\.io$/.test(group),
);

function versionsOf(lines: string): readonly GroupVersion[] {
  return lines
    .trim()
    .split("\n")
    .flatMap((line) => {
      const [first = "", ...others] = line.split(" ");
      const [group, version] = first.includes("/") ? first.split("/") : ["", first];
      return [version ?? "", ...others].map((one) => ({ group: group ?? "", version: one }));
    });
}
