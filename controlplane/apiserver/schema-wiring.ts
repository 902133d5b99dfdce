import { recordUpdate, serverSideApply } from "./schema/apply.ts";
import { checkFields, dropUnknownFields } from "./schema/check-fields.ts";
import { normalizeObject } from "./schema/normalize.ts";
import { decodeKubernetesProtobuf } from "./schema/protobuf-envelope.ts";
import { strategicMergePatch } from "./schema/strategic-merge.ts";
import type { Schemas } from "./schemas.ts";

/** The handlers' view of `schema/`. */
export function schemas(): Schemas {
  return {
    decodeProtobuf: (body) => decodeKubernetesProtobuf(body),
    checkFields: (gvk, object) => checkFields(gvk, object),
    normalize: (gvk, object) => {
      dropUnknownFields(gvk, object);
      normalizeObject(object);
    },
    strategicMerge: (gvk, current, patch) => strategicMergePatch(gvk, current, patch),
    serverSideApply,
    recordUpdate,
  };
}
