import { exactJsonLines, exactJsonText } from "../../base/exact-json.ts";
import { escapedForHtml } from "../../base/go-text.ts";
import { setOwnField } from "../../base/own-field.ts";
import type { KubeObject } from "../../client/types.ts";
import { badRequest } from "./api-error.ts";

/** JSON as it comes from outside: shapes are asked for, never assumed. */
export type JsonObject = { [field: string]: unknown };

/** JSON as the API writes it: like Go's encoder it escapes what HTML and old JavaScript would take as their own. Clients
 *  compare such bytes: what a ControllerRevision holds with the patch that they make themselves. Whole numbers are exact. */
export function jsonText(value: unknown): string {
  return escapedForHtml(exactJsonText(value));
}

/** The same in lines, for people. */
export function prettyJsonText(value: unknown): string {
  return escapedForHtml(exactJsonLines(value));
}

export function isObject(value: unknown): value is JsonObject {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
/** The object, or an empty one where there is none. */
export function objectOf(value: unknown): JsonObject {
  return isObject(value) ? value : {};
}
export function stringOf(value: unknown): string {
  return typeof value === "string" ? value : "";
}
export function listOf(value: unknown): readonly unknown[] {
  return Array.isArray(value) ? value : [];
}
export function stringsOf(value: unknown): string[] {
  return listOf(value).filter((one) => typeof one === "string");
}
/** The strings of a map such as labels; `undefined` where there is none. */
export function stringMapOf(value: unknown): Record<string, string> | undefined {
  if (!isObject(value)) return undefined;
  return Object.fromEntries(
    Object.entries(value).filter((pair): pair is [string, string] => typeof pair[1] === "string"),
  );
}

/** A client's object with everything in `metadata` that the server relies on in its place; strings that are missing
 *  become empty. Fails with BadRequest where a field has another type. The input is not kept: mutate the result freely. */
export function toKubeObject(input: JsonObject): KubeObject {
  const metadata = input.metadata ?? {};
  if (!isObject(metadata)) throw badRequest("metadata: Invalid value: must be an object");
  const { apiVersion, kind } = input;
  if (typeof apiVersion !== "string" || typeof kind !== "string")
    throw badRequest("Object 'Kind' is missing in the request body");
  const text = (field: string): string => {
    const value = metadata[field] ?? "";
    if (typeof value !== "string")
      throw badRequest(
        `json: cannot unmarshal ${typeof value} into Go struct field ObjectMeta.metadata.${field} of type string`,
      );
    return value;
  };
  for (const field of ["labels", "annotations"]) checkStringMap(metadata[field], field);
  for (const field of ["finalizers", "ownerReferences", "managedFields"])
    if (metadata[field] !== undefined && metadata[field] !== null && !Array.isArray(metadata[field]))
      throw badRequest(`metadata.${field}: must be an array`);
  const namespace = text("namespace");
  const given: JsonObject = {};
  for (const name of Object.keys(metadata))
    if (name !== "namespace" && metadata[name] !== null) setOwnField(given, name, metadata[name]);
  given.name = text("name");
  if (namespace !== "") given.namespace = namespace;
  for (const field of ["uid", "resourceVersion", "creationTimestamp"]) given[field] = text(field);
  return { ...input, apiVersion, kind, metadata: given as KubeObject["metadata"] & JsonObject };
}

function checkStringMap(value: unknown, field: string): void {
  if (value === undefined || value === null) return;
  if (!isObject(value)) throw badRequest(`metadata.${field}: must be a map of strings`);
  for (const [name, one] of Object.entries(value))
    if (typeof one !== "string")
      throw badRequest(
        `json: cannot unmarshal ${typeof one} into Go struct field ObjectMeta.metadata.${field} of type string (at ${JSON.stringify(name)})`,
      );
}
