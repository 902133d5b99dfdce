import type { Stored } from "../../../client/object-cache.ts";
import { allowedLabels, allowedNames } from "./allow-lists.ts";
import { type Family, info } from "./series.ts";

/** `kube_KIND_labels` and `kube_KIND_annotations`: there only where the flags say of which. Pure. */
export function labelFamilies<T extends Stored>(
  kind: string,
  plural: string,
  { labels = true, annotations = false }: { readonly labels?: boolean; readonly annotations?: boolean } = {},
): readonly Family<T>[] {
  const family = (what: "label" | "annotation", isStable: boolean): Family<T> => ({
    name: `kube_${kind}_${what}s`,
    help: `Kubernetes ${what}s converted to Prometheus labels.`,
    type: "gauge",
    isStable,
    of({ metadata }, allowed) {
      const names = allowedNames(allowed[`${what}s`], plural);
      return names.length === 0 ? [] : info(allowedLabels(what, metadata[`${what}s`], names));
    },
  });
  return [family("annotation", annotations), family("label", labels)];
}
