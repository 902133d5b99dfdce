import type { JsonObject } from "../json.ts";
import { type SchemaField, type SchemaType, typeOf } from "../schema/load.ts";
import { encodeMessage } from "../schema/protobuf-encode.ts";
import { inEnvelope } from "../schema/protobuf-envelope.ts";

/** The messages of aggregated discovery, which is no kind and so in no schema. Source: k8s.io/api apidiscovery/v2. */
const group = "k8s.io.api.apidiscovery.v2";

const text = (number: number): SchemaField => ({ t: "string", n: String(number) });
const texts = (number: number): SchemaField => ({ t: "string", c: "list", n: String(number) });

function message(name: string, fields: SchemaType["fields"]): SchemaType {
  return { p: group, k: name, fields };
}

function inner(number: number, type: SchemaType, more: Partial<SchemaField> = {}): SchemaField {
  return { t: type.k, n: String(number), inner: type, ...more };
}

const groupVersionKind = message("GroupVersionKind", { group: text(1), version: text(2), kind: text(3) });

const subresource = message("APISubresourceDiscovery", {
  subresource: text(1),
  responseKind: inner(2, groupVersionKind),
  acceptedTypes: inner(3, groupVersionKind, { c: "list" }),
  verbs: texts(4),
});

const resource = message("APIResourceDiscovery", {
  resource: text(1),
  responseKind: inner(2, groupVersionKind),
  scope: text(3),
  singularResource: text(4),
  verbs: texts(5),
  shortNames: texts(6),
  categories: texts(7),
  subresources: inner(8, subresource, { c: "list" }),
});

const version = message("APIVersionDiscovery", {
  version: text(1),
  resources: inner(2, resource, { c: "list" }),
  freshness: text(3),
});

const apiGroup = message("APIGroupDiscovery", {
  metadata: { t: "V1ObjectMeta", n: "1", d: 1 },
  versions: inner(2, version, { c: "list" }),
});

const list = message("APIGroupDiscoveryList", {
  metadata: { t: "V1ListMeta", n: "1", d: 1 },
  items: inner(2, apiGroup, { c: "list" }),
});

/** An APIGroupDiscoveryList in Kubernetes' protobuf. */
export function discoveryMessage(body: JsonObject): Uint8Array {
  if (typeOf("V1ObjectMeta") === undefined) throw new Error("the schema lacks ObjectMeta");
  const type = { apiVersion: String(body.apiVersion), kind: String(body.kind) };
  return inEnvelope(type, encodeMessage(list, body));
}
