import { exactJsonText } from "../../../base/exact-json.ts";
import type { KubeObject } from "../../../client/types.ts";
import { isSharedTree, sharedTreeText } from "../schema/shared-trees.ts";

/** The JSON of an object that is about to be stored, made once for both who store it and who show it: they differ in kind,
 *  version and revision alone. Pure. */
export interface ObjectText {
  /** As it is stored: without its revision. */
  readonly stored: string;
  /** As it stands in a list: without kind and version, at that revision.
   *  @param otherwise Fields that are shown otherwise than they are stored: metadata with its revision. */
  shown(revision: number, otherwise?: Json): string;
}

type Json = Readonly<Record<string, unknown>>;

export function objectText(object: KubeObject): ObjectText {
  const metadata = metadataText(object.metadata);
  const fields = new Map<string, string>();
  let stored = "";
  for (const name of Object.keys(object)) {
    const text =
      name === "metadata"
        ? `{${metadata}}`
        : (exactJsonText((object as unknown as Json)[name]) as string | undefined);
    if (text === undefined) continue;
    stored += `,${JSON.stringify(name)}:${text}`;
    if (name !== "kind" && name !== "apiVersion") fields.set(name, text);
  }
  return {
    stored: `{${stored.slice(1)}}`,
    shown: (revision, otherwise = {}) => {
      const shown = new Map(fields);
      shown.set("metadata", `{${metadata}${metadata ? "," : ""}"resourceVersion":"${revision}"}`);
      for (const name of Object.keys(otherwise)) shown.set(name, exactJsonText(otherwise[name]));
      let text = "";
      for (const [name, value] of shown) text += `,${JSON.stringify(name)}:${value}`;
      return `{${text.slice(1)}}`;
    },
  };
}

/** Its fields, but for the revision. */
function metadataText(metadata: KubeObject["metadata"]): string {
  return fieldsText(metadata as unknown as Json, (name, value) => {
    if (name === "resourceVersion") return undefined;
    if (name === "managedFields" && Array.isArray(value)) return `[${value.map(entryText).join(",")}]`;
    return exactJsonText(value);
  });
}

/** What many objects share has its text ready. */
function entryText(entry: unknown): string {
  const { fieldsV1 } = entry as Json;
  if (typeof fieldsV1 !== "object" || fieldsV1 === null || !isSharedTree(fieldsV1))
    return exactJsonText(entry);
  return `{${fieldsText(entry as Json, (name, value) => (name === "fieldsV1" ? sharedTreeText(fieldsV1) : exactJsonText(value)))}}`;
}

function fieldsText(object: Json, textOf: (name: string, value: unknown) => string | undefined): string {
  let text = "";
  for (const name of Object.keys(object)) {
    const value = textOf(name, object[name]);
    if (value !== undefined) text += `${text === "" ? "" : ","}${JSON.stringify(name)}:${value}`;
  }
  return text;
}
