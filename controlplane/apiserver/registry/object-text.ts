import { exactJsonText } from "../../../base/exact-json.ts";
import type { KubeObject } from "../../../client/types.ts";
import { isSharedTree, sharedTreeText } from "../schema/shared-trees.ts";

/** The JSON of an object that is about to be stored, made once for both who store it and who show it: they differ in kind,
 *  version and revision alone. Pure. */
export interface ObjectText {
  /** As it is stored: without its revision. */
  readonly stored: string;
  /** As it stands in a list: without kind and version, at that revision. */
  shown(revision: number): string;
}

export function objectText(object: KubeObject): ObjectText {
  let before = "";
  let after = "";
  let metadata: string | undefined;
  let stored = "";
  for (const name of Object.keys(object)) {
    if (name === "metadata") {
      metadata = metadataText(object.metadata);
      stored += `,"metadata":{${metadata}}`;
      continue;
    }
    const text = exactJsonText((object as unknown as Json)[name]) as string | undefined;
    if (text === undefined) continue;
    const field = `,${JSON.stringify(name)}:${text}`;
    stored += field;
    if (name === "kind" || name === "apiVersion") continue;
    if (metadata === undefined) before += field;
    else after += field;
  }
  const comma = metadata ? "," : "";
  return {
    stored: `{${stored.slice(1)}}`,
    shown: (revision) =>
      `{${`${before},"metadata":{${metadata ?? ""}${comma}"resourceVersion":"${revision}"}${after}`.slice(1)}}`,
  };
}

type Json = Readonly<Record<string, unknown>>;

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
