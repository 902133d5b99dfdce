import type { ObjectMeta } from "../models.ts";
import type { Meta, Ref } from "../types.ts";
import type { Kind } from "./define-kind.ts";

/** An object as it stands in a manifest. `Manifest<Deployment>` has the fields of a Deployment; what the server fills in may be
 *  absent. */
export type Manifest<T = AnyManifest> = Omit<T, "metadata" | "apiVersion" | "kind"> & AnyManifest;

/** What every object says of itself. Other fields are the kind's own. */
export interface AnyManifest {
  apiVersion: string;
  kind: string;
  metadata: ObjectMeta;
}

/** What was sent, with the metadata that the server filled in. */
export type Answered<T> = T & { metadata: Meta };

/** Which object: of a kind by its name, or an object itself. */
export function isKind(value: object): value is Kind<unknown> {
  return "plural" in value && "version" in value;
}

/** `apps/v1` in its parts; undefined for what is no apiVersion. */
export function parseApiVersion(
  apiVersion: unknown,
): { readonly group: string; readonly version: string } | undefined {
  if (typeof apiVersion !== "string") return undefined;
  const [first = "", second, more] = apiVersion.split("/");
  if (more !== undefined || first === "") return undefined;
  return second === undefined ? { group: "", version: first } : { group: first, version: second };
}

/** An object's address. Throws `TypeError` where it has no name. */
export function refOf(object: { readonly metadata: ObjectMeta }): Ref {
  const { name, namespace } = object.metadata;
  if (!name) throw new TypeError("the object has no metadata.name");
  return namespace === undefined ? { name } : { name, namespace };
}
