import type { KubeObject } from "../../../client/types.ts";
import { jsonText } from "../json.ts";
import type { Kind } from "./kind.ts";
import { type PackedText, packText, unpackText } from "./packed-text.ts";
import type { StoredEntry } from "./storage.ts";

const encoder = new TextEncoder();
const decoder = new TextDecoder();

/** `/registry/pods/` */
export function kindPrefix(kind: Kind): string {
  return `/registry/${kind.storagePrefix ?? kind.plural}/`;
}

/** `/registry/pods/default/` or, for a kind without namespaces or for all of them, the kind's prefix. */
export function listPrefix(kind: Kind, namespace: string): string {
  return kind.namespaced && namespace !== "" ? `${kindPrefix(kind)}${namespace}/` : kindPrefix(kind);
}

export function objectKey(kind: Kind, namespace: string, name: string): string {
  return `${listPrefix(kind, namespace)}${name}`;
}

/** What is stored: the object's JSON without its resourceVersion, which is the store's own revision. */
export function encodeStored(object: KubeObject): Uint8Array {
  const { resourceVersion: _, ...metadata } = object.metadata;
  return encoder.encode(JSON.stringify({ ...object, metadata }));
}

/** The object as the API shows it: defaults of this release filled in, resourceVersion set. */
export function decodeStored(kind: Kind, value: Uint8Array, modRevision: number): KubeObject {
  const object: KubeObject = JSON.parse(decoder.decode(value));
  object.metadata.resourceVersion = String(modRevision);
  kind.applyDefaults(object);
  return object;
}

/** An object of the API with what is asked of it often worked out once. Read-only: whoever changes it clones first.
 *  One that only history still needs is packed: its text as bytes outside the heap, where it takes a third or less. */
export class StoredObject {
  readonly kind: Kind;
  readonly key: string;
  readonly revision: number;
  /** Bytes of the stored value, for accounting. */
  readonly sizeBytes: number;
  #object: KubeObject | undefined;
  #packed: PackedText | undefined;
  #bareJson: string | undefined;
  #labels: Readonly<Record<string, string>> | undefined;
  #fields: Readonly<Record<string, string>> | undefined;

  constructor(kind: Kind, entry: StoredEntry) {
    this.kind = kind;
    this.key = entry.key;
    this.revision = entry.modRevision;
    this.sizeBytes = entry.value.length;
    const object = decodeStored(kind, entry.value, entry.modRevision);
    this.#object = object;
    this.#labels = object.metadata.labels;
  }

  get object(): KubeObject {
    return this.#object ?? unpacked(this);
  }

  /** The object's JSON, serialized once. */
  json(): string {
    if (this.#packed !== undefined) return unpackText(this.#packed);
    return withType(this.object, this.bareJson());
  }

  /** The same without kind and apiVersion, which a list says once for all its items. */
  bareJson(): string {
    this.#bareJson ??= jsonText(withoutType(this.object));
    return this.#bareJson;
  }

  get labels(): Readonly<Record<string, string>> | undefined {
    return this.#labels;
  }

  /** The values that field selectors see. */
  fields(): Readonly<Record<string, string>> {
    this.#fields ??= selectableFields(this.kind, this.object);
    return this.#fields;
  }

  /** Bytes that keeping this object costs, near enough. */
  get keptBytes(): number {
    return this.#packed?.bytes.length ?? this.sizeBytes;
  }

  /** Kept as bytes from here on; whoever still asks for the object pays for reading it. */
  pack(dictionary?: Buffer): void {
    if (this.#packed !== undefined) return;
    this.#packed = packText(this.json(), dictionary);
    this.#object = undefined;
    this.#bareJson = undefined;
  }
}

/** An object as it stands in a list, which says kind and apiVersion for all its items. */
export function withoutType(object: object): object {
  return { ...object, kind: undefined, apiVersion: undefined };
}

function withType({ kind, apiVersion }: KubeObject, bare: string): string {
  return `${jsonText({ kind, apiVersion }).slice(0, -1)},${bare.slice(1)}`;
}

/** The packed object that was read last: a watcher asks one several times before it goes on to the next. */
let lastRead: { readonly from: StoredObject; readonly object: KubeObject } | undefined;

function unpacked(from: StoredObject): KubeObject {
  if (lastRead?.from === from) return lastRead.object;
  const object: KubeObject = JSON.parse(from.json());
  lastRead = { from, object };
  return object;
}

export function selectableFields(kind: Kind, object: KubeObject): Readonly<Record<string, string>> {
  return {
    "metadata.name": object.metadata.name,
    ...(kind.namespaced && { "metadata.namespace": object.metadata.namespace ?? "" }),
    ...kind.selectableFields?.(object),
  };
}
