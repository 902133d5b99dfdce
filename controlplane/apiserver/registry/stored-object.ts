import { parseExactJson } from "../../../base/exact-json.ts";
import { escapedForHtml } from "../../../base/go-text.ts";
import type { KubeObject } from "../../../client/types.ts";
import { badRequest, unknownError } from "../api-error.ts";
import { jsonText } from "../json.ts";
import { writtenForm } from "../schema/written-form.ts";
import type { DecodedObjects } from "./decoded-objects.ts";
import { firstFieldOf } from "./json-bytes.ts";
import type { Kind } from "./kind.ts";
import { type ObjectText, objectText } from "./object-text.ts";
import { ownBytes, ownCopy, type PackedBytes, packBytes, unpackBytes } from "./packed-bytes.ts";
import type { StoredEntry } from "./storage.ts";

const encoder = new TextEncoder();
const decoder = new TextDecoder();

/** `/registry/pods/` */
export function kindPrefix(kind: Kind): string {
  return `/registry/${kind.storagePrefix ?? kind.plural}/`;
}

/** `/registry/pods/default/` or, for a kind without namespaces or for all of them, the kind's prefix. Fails for a namespace that
 *  would lead elsewhere. */
export function listPrefix(kind: Kind, namespace: string): string {
  if (!kind.namespaced || namespace === "") return kindPrefix(kind);
  if (isWay(namespace)) throw unknownError(`invalid key: "${shownKey(kind, namespace)}"`);
  return `${kindPrefix(kind)}${namespace}/`;
}

/** Fails with 400 for a name that would lead elsewhere, and as `listPrefix` does. */
export function objectKey(kind: Kind, namespace: string, name: string): string {
  checkName(name);
  if (kind.namespaced && isWay(namespace))
    throw unknownError(`invalid key: "${shownKey(kind, namespace)}/${name}"`);
  return `${listPrefix(kind, namespace)}${name}`;
}

/** The key of what another object or a token names, which may be anything. Undefined for what nothing can be called. */
export function namedKey(kind: Kind, namespace: string, name: string): string | undefined {
  const isNone = nameFault(name) !== "" || nameFault(namespace) !== "";
  return isNone ? undefined : objectKey(kind, namespace, name);
}

/** Fails with 400 for what can be no part of a path. */
export function checkName(name: string): void {
  const why = nameFault(name);
  if (why !== "") throw badRequest(`Name parameter invalid: ${JSON.stringify(name)}: ${why}`);
}

function nameFault(name: string): string {
  if (isWay(name)) return `may not be '${name}'`;
  const wrong = ["/", "%"].filter((one) => name.includes(one));
  return wrong.map((one) => `may not contain '${one}'`).join(";");
}

const isWay = (part: string) => part === "." || part === "..";
const shownKey = (kind: Kind, namespace: string) =>
  `${kindPrefix(kind).slice("/registry".length)}${namespace}`;

/** What is stored: the object's JSON without its resourceVersion, which is the store's own revision. */
export function encodeStored(object: KubeObject): Uint8Array {
  return encodeText(objectText(object));
}

/** The same of a text that is made already. */
export function encodeText({ stored }: ObjectText): Uint8Array {
  return encoder.encode(stored);
}

/** The object as the API shows it: defaults of this release filled in, resourceVersion set. */
export function decodeStored(kind: Kind, value: Uint8Array, modRevision: number): KubeObject {
  const object = parsedStored(value, modRevision);
  kind.applyDefaults(object);
  return object;
}

function parsedStored(value: Uint8Array, modRevision: number): KubeObject {
  const object = parseExactJson(decoder.decode(value)) as KubeObject;
  object.metadata.resourceVersion = String(modRevision);
  return object;
}

let guard: ((object: KubeObject) => void) | undefined;

/** From now on this is called with each object that is held, before anybody reads it: tests make it one that nobody can change. */
export function guardStoredObjects(by: (object: KubeObject) => void): void {
  guard = by;
}

/** An object of the API with what is asked of it often worked out once. Read-only: whoever changes it clones first.
 *  Its JSON is made when first asked for and kept as bytes outside the heap, to be copied from then on; so an object costs at
 *  most its stored size again. One that nobody has asked for in a while is left as bytes, to be read again when somebody does
 *  (see DecodedObjects). One that only history still needs is packed: the JSON alone is left. */
export class StoredObject {
  readonly kind: Kind;
  readonly key: string;
  readonly revision: number;
  /** Bytes of the stored value, for accounting. */
  readonly sizeBytes: number;
  readonly #head: Buffer;
  #object: KubeObject | undefined;
  /** Until one of its encodings is made. */
  #text: ObjectText | undefined;
  #keeper: DecodedObjects | undefined;
  /** What is stored, of an object that is left as bytes and whose JSON shows more. */
  #value: Uint8Array | undefined;
  #wasRead = false;
  /** The bytes are made from which the object is read again. */
  #wasLeft = false;
  #isHistory = false;
  #bareJson: Buffer | undefined;
  #message: Buffer | undefined;
  #packed: PackedBytes | undefined;
  #labels: Readonly<Record<string, string>> | undefined;
  #fields: Readonly<Record<string, string>> | undefined;

  /** @param decoded What reading the entry gives, where somebody has it: no one may change it.
   *  @param text What the entry's value was made of, once the object's defaults were filled in. */
  constructor(kind: Kind, entry: StoredEntry, decoded?: KubeObject, text?: ObjectText) {
    this.kind = kind;
    this.key = entry.key;
    this.revision = entry.modRevision;
    this.sizeBytes = entry.value.length;
    const object = decoded ?? decodeStored(kind, entry.value, entry.modRevision);
    if (decoded !== undefined && text === undefined) kind.applyDefaults(decoded);
    if (decoded !== undefined) this.#text = text;
    guard?.(object);
    this.#object = object;
    this.#head = jsonHead(object);
    this.#labels = object.metadata.labels;
  }

  get object(): KubeObject {
    this.#wasRead = true;
    if (this.#object !== undefined) return this.#object;
    if (this.#isHistory) return unpacked(this);
    this.#object = this.#readAgain();
    this.#keeper?.add(this);
    return this.#object;
  }

  /** The object for somebody who looks at many, each for a moment: one that was left as bytes is left so. */
  glance(): KubeObject {
    if (this.#isHistory) return unpacked(this);
    return this.#object ?? this.#readAgain();
  }

  #readAgain(): KubeObject {
    // What it is without is there: it was filled in before the bytes were made.
    const object = this.#value ? parsedStored(this.#value, this.revision) : parsedJson(this);
    guard?.(object);
    return object;
  }

  /** Others say from now on how long the object is kept beside its bytes. */
  keepBy(keeper: DecodedObjects): void {
    this.#keeper = keeper;
    if (this.#object !== undefined) keeper.add(this);
  }

  /** Has anybody asked for the object since this was asked last? */
  takeRead(): boolean {
    const wasRead = this.#wasRead;
    this.#wasRead = false;
    return wasRead;
  }

  /** Bytes are left, from which the very same object is read when somebody asks for it. */
  leaveAsBytes(): void {
    const object = this.#object;
    if (object === undefined) return;
    if (!this.#wasLeft) {
      this.bareJson();
      // What is shown beyond what is stored would be taken for stored.
      if (writtenForm(object) !== object) this.#value = ownCopy(encodeStored(object));
      this.#wasLeft = true;
    }
    this.#object = undefined;
  }

  /** The object's JSON, a line of its own. */
  json(): Buffer {
    return withHead(this.#head, this.bareJson());
  }

  /** What comes before the rest of `bareJson` in the object's JSON: its kind and apiVersion. */
  get jsonHead(): Buffer {
    return this.#head;
  }

  /** The JSON without kind and apiVersion, which a list says once for all its items. */
  bareJson(): Buffer {
    if (this.#packed !== undefined) return unpackBytes(this.#packed);
    this.#bareJson ??= ownBytes(this.#bareText());
    return this.#bareJson;
  }

  /** The JSON of the metadata: part of the object's where that is made, else of its own. */
  metadataJson(): Buffer {
    const made = this.#bareJson && firstFieldOf(this.#bareJson, "metadata");
    return made ?? Buffer.from(jsonText(this.glance().metadata));
  }

  #bareText(): string {
    const { object } = this;
    const written = writtenForm(object);
    const text = this.#text;
    this.#text = undefined;
    if (text === undefined) return jsonText(withoutType(written));
    return escapedForHtml(text.shown(this.revision, differing(written, object)));
  }

  /** The object's protobuf message, kept like its JSON. @param make Makes it when it is first asked for. */
  message(make: (object: KubeObject) => Uint8Array): Buffer {
    if (this.#isHistory) return Buffer.from(make(this.object));
    this.#message ??= ownCopy(make(this.object));
    this.#text = undefined;
    return this.#message;
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
    if (!this.#isHistory) return this.sizeBytes;
    return this.#packed?.bytes.length ?? this.#bareJson?.length ?? this.sizeBytes;
  }

  /** Kept as bytes from here on, compressed where there is a dictionary; whoever still asks for the object pays for reading it. */
  pack(dictionary?: Buffer): void {
    if (this.#isHistory) return;
    const bytes = this.bareJson();
    this.#keeper?.forget(this);
    this.#isHistory = true;
    this.#message = undefined;
    this.#value = undefined;
    if (dictionary !== undefined) {
      this.#packed = packBytes(bytes, dictionary);
      this.#bareJson = undefined;
    }
    this.#object = undefined;
  }
}

/** The fields that are others in `written`, which has all that `object` has. */
function differing(written: object, object: object): Readonly<Record<string, unknown>> {
  if (written === object) return {};
  const stored = new Map(Object.entries(object));
  return Object.fromEntries(Object.entries(written).filter(([name, value]) => value !== stored.get(name)));
}

/** An object as it stands in a list, which says kind and apiVersion for all its items. */
export function withoutType(object: object): object {
  return { ...object, kind: undefined, apiVersion: undefined };
}

const heads = new Map<string, Buffer>();
const headsMax = 4096;

/** `{"kind":"Pod","apiVersion":"v1",`: one for all objects that begin so. */
export function jsonHead({
  kind,
  apiVersion,
}: {
  readonly kind: string;
  readonly apiVersion: string;
}): Buffer {
  const key = `${apiVersion} ${kind}`;
  const known = heads.get(key);
  if (known !== undefined) return known;
  const made = ownBytes(`${jsonText({ kind, apiVersion }).slice(0, -1)},`);
  // Kinds come and go with their definitions.
  if (heads.size >= headsMax) heads.clear();
  heads.set(key, made);
  return made;
}

/** The JSON of an object out of its head and the JSON of its other fields, of which metadata is always there. */
export function withHead(head: Buffer, bareJson: Buffer): Buffer {
  return Buffer.concat([head, bareJson.subarray(1), lineEnd]);
}
const lineEnd = Buffer.from("\n");

/** The packed object that was read last: a watcher asks one several times before it goes on to the next. */
let lastRead: { readonly from: StoredObject; readonly object: KubeObject } | undefined;

function unpacked(from: StoredObject): KubeObject {
  if (lastRead?.from === from) return lastRead.object;
  const object = parsedJson(from);
  lastRead = { from, object };
  return object;
}

function parsedJson(from: StoredObject): KubeObject {
  return parseExactJson(from.json().toString("utf8")) as KubeObject;
}

export function selectableFields(kind: Kind, object: KubeObject): Readonly<Record<string, string>> {
  return {
    "metadata.name": object.metadata.name,
    ...(kind.namespaced && { "metadata.namespace": object.metadata.namespace ?? "" }),
    ...kind.selectableFields?.(object),
  };
}
