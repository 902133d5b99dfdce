import type { JsonObject } from "./json.ts";
import { serverSideApply } from "./schema/apply.ts";
import { mergeApplied } from "./schema/apply-merge.ts";
import { atomicParts } from "./schema/atomic-parts.ts";
import { checkFields, dropUnknownFields } from "./schema/check-fields.ts";
import { findTypeName, rootType, typeNameOf, typeOf } from "./schema/load.ts";
import { recordUpdate } from "./schema/managed-update.ts";
import { narrowIntegers } from "./schema/narrow-integers.ts";
import { normalizeObject } from "./schema/normalize.ts";
import { decodeKubernetesProtobuf } from "./schema/protobuf-envelope.ts";
import { restoreAs } from "./schema/restore.ts";
import { settledForm } from "./schema/settled.ts";
import { strategicMergePatch } from "./schema/strategic-merge.ts";
import { typedErrors } from "./schema/typed-errors.ts";
import type { Schemas } from "./schemas.ts";

const noFindings = { unknown: [], duplicate: [], typeErrors: [] } as const;

/** Gives the object the fields of its other form, which has no others. */
function become(object: JsonObject, form: Readonly<JsonObject>): void {
  if (form === object) return;
  for (const name of Object.keys(object)) {
    if (!Object.hasOwn(form, name)) delete object[name];
    else if (object[name] !== form[name]) object[name] = form[name];
  }
}

/** The handlers' view of `schema/`. */
export function schemas(): Schemas {
  return {
    decodeProtobuf: (body, wanted) => decodeKubernetesProtobuf(body, wanted),
    of: (gvk) => ({
      accept: (object) => {
        const type = typeOf(typeNameOf(gvk));
        const form = type && settledForm(type, object, "read");
        if (form !== undefined) {
          become(object, form);
          return noFindings;
        }
        const found = checkFields(gvk, object);
        if (found.typeErrors.length > 0) return found;
        if (found.unknown.length > 0) dropUnknownFields(gvk, object);
        normalizeObject(object);
        return found;
      },
      normalize: (object) => {
        dropUnknownFields(gvk, object);
        normalizeObject(object);
      },
      strategicMerge: (current, patch) => strategicMergePatch(gvk, current, patch),
      restore: (object) => restoreAs(gvk, object),
    }),
    checkFields,
    // Kinds of which nobody says a type are judged by their own schema, as in every write.
    applyErrors: (patch, type) =>
      type === undefined && findTypeName(String(patch.apiVersion), String(patch.kind)) === undefined
        ? ""
        : typedErrors(type ?? rootType(patch), patch),
    atomicParts: (patch) => atomicParts(rootType(patch), patch),
    merge: (object, patch) => mergeApplied(rootType(patch), object, patch),
    narrowIntegers,
    serverSideApply: (request) => serverSideApply(request.type ?? rootType(request.patch), request),
    recordUpdate: (record) => recordUpdate(record.type ?? rootType(record.next), record),
  };
}
