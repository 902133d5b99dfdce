import { cloneJson } from "../../../base/clone-json.ts";
import type { KubeObject } from "../../../client/types.ts";
import { toKubeObject } from "../json.ts";
import type { Kind } from "../registry/kind.ts";
import { type ServedKind, servedForms } from "../registry/kind-table.ts";
import { rootType, type SchemaType } from "../schema/load.ts";
import type { Forms } from "../schema/managed-update.ts";

/** The types of a served kind's fields. */
export function typeOfServed({ schema, apiVersion, kind }: ServedKind): SchemaType {
  return schema?.type ?? rootType({ apiVersion, kind: kind.kind });
}

/** How objects as they are stored look in each version of the group that serves the kind. */
export function formsOfStored(kind: Kind, group: string): Forms {
  return (apiVersion) => {
    const served = servedForms(kind).find((one) => one.group === group && one.apiVersion === apiVersion);
    if (served === undefined) return "gone";
    // What others convert is not at hand in the middle of a write.
    if (served.slow !== undefined) return undefined;
    const { convert } = served;
    const show = (object: KubeObject) => (convert === undefined ? { ...object } : convert.toServed(object));
    return { type: typeOfServed(served), show };
  };
}

/** How objects as one version serves them look in the others. */
export function formsOfServed(own: ServedKind): Forms {
  const forms = formsOfStored(own.kind, own.group);
  return (apiVersion) => {
    if (apiVersion === own.apiVersion || own.slow !== undefined) return undefined;
    const form = forms(apiVersion);
    if (form === undefined || form === "gone") return form;
    const stored = (object: KubeObject) =>
      own.convert === undefined ? object : toKubeObject(own.convert.fromServed(cloneJson({ ...object })));
    return { type: form.type, show: (object) => form.show(stored(object)) };
  };
}
