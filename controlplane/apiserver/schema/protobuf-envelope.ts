import { text, WireError, WireReader, WireWriter } from "../../../base/wire.ts";
import { findTypeName, typeOf, UnknownKindError } from "./load.ts";
import { decodeMessage, type Json, magicOf, readTag, skip } from "./protobuf-decode.ts";
import { encodeMessage } from "./protobuf-encode.ts";

/** Kubernetes' protobuf envelope: four bytes of magic, then runtime.Unknown, which names the kind and holds the
 *  object's own message. Source: k8s.io/apimachinery runtime/serializer/protobuf and runtime/generated.proto. */
const magic = "k8s\0";
const magicBytes = Buffer.from(magic, "latin1");

/** The bytes are none of Kubernetes' protobuf; in the words of its decoder. */
export class ProtobufError extends Error {
  override readonly name = "ProtobufError";
  /** The kind whose message it is; undefined: not even the envelope can be read. */
  readonly type: TypeMeta | undefined;

  constructor(message: string, type?: TypeMeta) {
    super(message);
    this.type = type;
  }
}

/** A request body -> the JSON-shaped object, apiVersion and kind included.
 *  Throws ProtobufError for anything else, UnknownKindError for kinds that are no messages.
 *  @param wanted What it is where the envelope does not say. */
export function decodeKubernetesProtobuf(body: Uint8Array, wanted: Partial<TypeMeta> = {}): Json {
  if (body.length === 0) throw new ProtobufError("empty data");
  if (magicOf(body) !== magic)
    throw new ProtobufError(
      `provided data does not appear to be a protobuf message, expected prefix [${[...magicBytes].join(" ")}]`,
    );
  if (body.length === magicBytes.length) throw new ProtobufError("empty body");
  const { raw, ...said } = orProtobufError(undefined, () => readEnvelope(body.subarray(magicBytes.length)));
  const apiVersion = said.apiVersion || (wanted.apiVersion ?? "");
  const kind = said.kind || (wanted.kind ?? "");
  const type = typeOf(findTypeName(apiVersion, kind) ?? "");
  if (type === undefined) throw new UnknownKindError(apiVersion, kind);
  const read = () => decodeMessage(type, new WireReader(raw));
  return { apiVersion, kind, ...orProtobufError({ apiVersion, kind }, read) };
}

interface Envelope extends TypeMeta {
  readonly raw: Uint8Array;
}

/** runtime.Unknown. What it says of encoding and content type is not heeded, as in Kubernetes. */
function readEnvelope(bytes: Uint8Array): Envelope {
  let type: TypeMeta = { apiVersion: "", kind: "" };
  let raw: Uint8Array = new Uint8Array(0);
  eachField(bytes, "Unknown", ["TypeMeta", "Raw", "ContentEncoding", "ContentType"], (number, value) => {
    if (number === 1) type = readTypeMeta(value, type);
    if (number === 2) raw = value;
  });
  return { ...type, raw };
}

function readTypeMeta(bytes: Uint8Array, before: TypeMeta): TypeMeta {
  let { apiVersion, kind } = before;
  eachField(bytes, "TypeMeta", ["APIVersion", "Kind"], (number, value) => {
    if (number === 1) apiVersion = text(value);
    else kind = text(value);
  });
  return { apiVersion, kind };
}

/** Reads a message of fields that are bytes, numbered from one. */
function eachField(
  bytes: Uint8Array,
  message: string,
  names: readonly string[],
  found: (number: number, value: Uint8Array) => void,
): void {
  const reader = new WireReader(bytes);
  while (reader.position < reader.end) {
    const { number, wireType } = readTag(reader, message);
    const name = names[number - 1];
    if (name === undefined) skip(reader, wireType);
    else if (wireType !== 2) throw new WireError(`proto: wrong wireType = ${wireType} for field ${name}`);
    else found(number, reader.bytes());
  }
}

function orProtobufError<T>(type: TypeMeta | undefined, read: () => T): T {
  try {
    return read();
  } catch (error) {
    if (!(error instanceof WireError)) throw error;
    throw new ProtobufError(goTexts[error.problem ?? ""] ?? error.message, type);
  }
}

const goTexts: Readonly<Record<string, string>> = {
  cut: "unexpected EOF",
  overflow: "proto: integer overflow",
  "negative length": "proto: negative length found during unmarshaling",
};

/** The reverse, byte for byte as Kubernetes writes it. Throws UnknownKindError. */
export function encodeKubernetesProtobuf(object: Json): Uint8Array {
  const type = { apiVersion: String(object.apiVersion ?? ""), kind: String(object.kind ?? "") };
  return inEnvelope(type, encodeAs(type, object));
}

/** What an envelope says of the message in it. */
export interface TypeMeta {
  readonly apiVersion: string;
  readonly kind: string;
}

/** The message alone, whatever the object says of itself. Throws UnknownKindError. */
export function encodeAs({ apiVersion, kind }: TypeMeta, object: Json): Uint8Array {
  const type = typeOf(findTypeName(apiVersion, kind) ?? "");
  if (type === undefined) throw new UnknownKindError(apiVersion, kind);
  return encodeMessage(type, object);
}

export function inEnvelope(type: TypeMeta, message: Uint8Array): Buffer {
  return Buffer.concat([envelopeHead(type, message.length), message, envelopeEnd]);
}

/** What stands in an envelope before a message of so many bytes. */
export function envelopeHead({ apiVersion, kind }: TypeMeta, messageBytes: number): Uint8Array {
  const writer = new WireWriter(64).raw(magicBytes);
  writer.varint(1 * 8 + 2).nested(() =>
    writer
      .varint(1 * 8 + 2)
      .string(apiVersion)
      .varint(2 * 8 + 2)
      .string(kind),
  );
  return writer
    .varint(2 * 8 + 2)
    .varint(messageBytes)
    .finish();
}

/** What stands after it: the encoding and the content type, which Kubernetes leaves empty and writes all the same. */
export const envelopeEnd: Uint8Array = new WireWriter(8)
  .varint(3 * 8 + 2)
  .string("")
  .varint(4 * 8 + 2)
  .string("")
  .finish();
