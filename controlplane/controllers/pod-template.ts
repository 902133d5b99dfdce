import type { Draft, Pod, PodTemplateSpec } from "../../client/types.ts";
import { controllerReference, type Owner } from "./owners.ts";

/** A pod of the template, owned by `owner`. The caller may add to labels and the like. */
export function podFromTemplate(
  template: PodTemplateSpec,
  owner: Owner,
  name: string,
  extra: { readonly labels?: Readonly<Record<string, string>>; readonly finalizers?: readonly string[] } = {},
): Draft<Pod> {
  const { labels, annotations, finalizers } = template.metadata ?? {};
  const allFinalizers = [...(finalizers ?? []), ...(extra.finalizers ?? [])];
  return {
    metadata: {
      name,
      generateName: `${owner.metadata.name}-`,
      namespace: owner.metadata.namespace ?? "",
      labels: { ...labels, ...extra.labels },
      ...(annotations !== undefined && { annotations }),
      ...(allFinalizers.length > 0 && { finalizers: allFinalizers }),
      ownerReferences: [controllerReference(owner)],
    },
    spec: template.spec ?? { containers: [] },
  };
}
