import { type GroupVersionKind, type SchemaDocument, SchemaNode } from "../model/schema.ts";
import { callJson } from "./session.ts";

interface DocumentIndex {
  readonly paths?: Readonly<Record<string, { readonly serverRelativeURL?: string }>>;
}

/** By address, which names what is in them: a definition that changes has another. */
const documents = new Map<string, Promise<SchemaDocument>>();
/** They are large, and an editor needs one. */
const documentsMost = 4;

/** The schema of a kind as the server tells it now, from the document of its group and version alone. Undefined where it tells
 *  none; rejects with Refusal. */
export async function schemaOf(of: GroupVersionKind): Promise<SchemaNode | undefined> {
  const { paths = {} } = await callJson<DocumentIndex>("/openapi/v3");
  const name = of.group === "" ? `api/${of.version}` : `apis/${of.group}/${of.version}`;
  const address = Object.hasOwn(paths, name) ? paths[name]?.serverRelativeURL : undefined;
  if (address === undefined || !/^\/openapi\/v3\/[^#]*$/.test(address)) return undefined;
  let document = documents.get(address);
  if (document === undefined) {
    document = callJson<SchemaDocument>(address);
    documents.set(address, document);
    document.catch(() => documents.delete(address));
    for (const old of documents.keys()) if (documents.size > documentsMost) documents.delete(old);
  }
  return SchemaNode.ofKind(await document, of);
}
