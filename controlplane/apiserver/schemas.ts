import type { KubeObject } from "../../client/types.ts";
import type { JsonSchema } from "./customresources/json-schema.ts";
import type { JsonObject } from "./json.ts";
import type { SchemaType } from "./schema/load.ts";
import type { Forms } from "./schema/managed-update.ts";
import type { Patched } from "./schema/strategic-merge.ts";

/** What the handlers need to know of field types, from `schema/`. */
export interface Schemas {
  /** The object in a body of Kubernetes' protobuf envelope, which need not say what is wanted. Throws ProtobufError for anything
   *  else, UnknownKindError for what is no message. */
  decodeProtobuf(
    body: Uint8Array,
    wanted?: { readonly apiVersion: string; readonly kind: string },
  ): JsonObject;
  /** Of a built-in kind. */
  of(gvk: Gvk): ObjectSchema;
  /** What in an object of a built-in kind is not in its schema, given more than once, or of another type. */
  checkFields(gvk: Gvk, object: JsonObject): FieldFindings;
  /** Why something cannot be applied; empty where it can. @param type Of a kind that is not built in. */
  applyErrors(patch: JsonObject, type?: SchemaType): string;
  /** Paths of what the patch gives and what can only be given as a whole. */
  atomicParts(patch: JsonObject): readonly string[];
  /** The patch laid over the object, as applying does, but nobody owns anything; mutates and returns `object`. */
  merge(object: JsonObject, patch: JsonObject): JsonObject;
  serverSideApply(request: ApplyRequest): ApplyOutcome;
  /** Leaves of whole numbers what the 32-bit fields of a built-in kind can hold; mutates. */
  narrowIntegers(object: JsonObject): void;
  /** Notes in `next` who set which fields; mutates. */
  recordUpdate(record: UpdateRecord): void;
}

/** What is known of the fields of a kind in one of its versions. */
export interface ObjectSchema {
  /** Tells what in the object is not in its schema, given more than once, or of another type. Unless something is of another
   *  type, then also normalizes it. */
  accept(object: JsonObject): FieldFindings;
  /** Drops unknown fields and what is not set; mutates. */
  normalize(object: JsonObject): void;
  /** Of whom its fields are, of a kind that is not built in. */
  readonly type?: SchemaType;
  /** What OpenAPI's documents tell of it, where no built-in definition does. */
  readonly openApi?: CustomSchema;
  /** Absent where a strategic merge patch has no meaning: nobody says how lists merge. */
  strategicMerge?(current: JsonObject, patch: JsonObject): Patched;
  /** Takes over what such a patch made; mutates. Gives what is wrong with it, in Kubernetes' words. */
  restore?(object: JsonObject): string | undefined;
}

/** A version of a custom kind as its definition gives it. */
export interface CustomSchema {
  readonly schema: JsonSchema;
  readonly listKind: string;
  /** The fields that a field selector may name: `spec.color`. */
  readonly selectableFields: readonly string[];
  readonly hasStatus: boolean;
  readonly hasScale: boolean;
}

export interface Gvk {
  readonly group: string;
  readonly version: string;
  readonly kind: string;
}
export interface FieldFindings {
  /** The unknown fields stand by their paths, whatever their order in the text. */
  readonly byPath?: true;
  readonly unknown: readonly string[];
  readonly duplicate: readonly string[];
  readonly typeErrors: readonly string[];
}
export interface ApplyRequest {
  readonly current: KubeObject | undefined;
  readonly patch: JsonObject;
  readonly manager: string;
  readonly force: boolean;
  readonly subresource: string;
  /** Fields that the write does not set: their paths, as `f:status`. */
  readonly resets: readonly string[];
  readonly now: string;
  readonly type?: SchemaType | undefined;
  /** From the version in which `current` and `patch` are. */
  readonly forms?: Forms;
}
export interface UpdateRecord {
  /** Undefined: the object is new. */
  readonly current: KubeObject | undefined;
  readonly next: KubeObject;
  readonly manager: string;
  readonly subresource: string;
  readonly resets: readonly string[];
  readonly now: string;
  readonly type?: SchemaType | undefined;
  /** The version that the client speaks. */
  readonly apiVersion?: string;
  readonly forms?: Forms;
}
export interface ApplyConflict {
  readonly manager: {
    readonly manager: string;
    readonly operation: "Apply" | "Update";
    readonly apiVersion: string;
    readonly subresource: string;
  };
  readonly field: string;
}
export type ApplyOutcome =
  | { readonly ok: true; readonly object: JsonObject }
  | { readonly ok: false; readonly conflicts: readonly ApplyConflict[] };
