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
    of: (gvk) => ({
      checkFields: (object) => checkFields(gvk, object),
      normalize: (object) => {
        dropUnknownFields(gvk, object);
        normalizeObject(object);
      },
      strategicMerge: (current, patch) => strategicMergePatch(gvk, current, patch),
    }),
    serverSideApply,
    recordUpdate,
  };
}
