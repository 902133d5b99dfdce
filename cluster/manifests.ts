import { parseAllDocuments } from "yaml";
import { shown } from "../base/shown.ts";
import type { AnyManifest } from "../client/kube/manifest.ts";

/** One manifest, several, or YAML text of one document or more; a `List` stands for its items. */
export type Manifests = AnyManifest | readonly AnyManifest[] | string;

/** All of them, in their order. Throws TypeError for what is no manifest. */
export function manifestList(manifests: Manifests): readonly AnyManifest[] {
  const given: readonly unknown[] =
    typeof manifests === "string" ? documents(manifests) : Array.isArray(manifests) ? manifests : [manifests];
  return given.flatMap((one, index) => itemsOf(one, `document ${index + 1}`));
}

function documents(text: string): readonly unknown[] {
  return parseAllDocuments(text).flatMap((document, index) => {
    const [error] = document.errors;
    if (error !== undefined)
      throw new TypeError(`document ${index + 1}: ${error.message.split("\n")[0]?.replace(/:$/, "")}`);
    const read: unknown = document.toJS();
    return read === null ? [] : [read];
  });
}

function itemsOf(value: unknown, at: string): readonly AnyManifest[] {
  const { apiVersion, kind, metadata, items } = fieldsOf(value, at);
  const tell = (field: string, found: unknown, rule: string) =>
    new TypeError(`${at}: ${field}: ${shown(found)} ${rule}`);
  if (typeof apiVersion !== "string" || apiVersion === "")
    throw tell("apiVersion", apiVersion, 'must be a text such as "apps/v1"');
  if (typeof kind !== "string" || kind === "")
    throw tell("kind", kind, 'must be a text such as "Deployment"');
  if (kind === "List" && Array.isArray(items))
    return items.flatMap((one, index) => itemsOf(one, `${at}, item ${index + 1}`));
  const { name } = fieldsOf(metadata, `${at}: metadata`);
  if (typeof name !== "string" || name === "") throw tell("metadata.name", name, "must be a text");
  return [value as AnyManifest];
}

function fieldsOf(value: unknown, at: string): Readonly<Record<string, unknown>> {
  if (typeof value === "object" && value !== null && !Array.isArray(value))
    return value as Record<string, unknown>;
  throw new TypeError(`${at}: ${shown(value)} must be an object`);
}
