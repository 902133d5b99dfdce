import { bytes, message, nested, string } from "../../../base/protobuf.ts";
import { WireError, WireReader, WireWriter } from "../../../base/wire.ts";
import { findTypeName, typeOf, UnknownKindError } from "./load.ts";
import { decodeMessage, type Json, magicOf } from "./protobuf-decode.ts";
import { encodeMessage } from "./protobuf-encode.ts";

/** Kubernetes' protobuf envelope: four bytes of magic, then runtime.Unknown, which names the kind and holds the
 *  object's own message. Source: k8s.io/apimachinery runtime/serializer/protobuf and runtime/generated.proto. */
const magic = "k8s\0";
const magicBytes = Buffer.from(magic, "latin1");
const typeMeta = message({ apiVersion: string(1), kind: string(2) });
const unknown = message({
  typeMeta: nested(1, typeMeta),
  raw: bytes(2),
  contentEncoding: string(3),
  contentType: string(4),
});

/** The content type of such bodies. */
export const protobufContentType = "application/vnd.kubernetes.protobuf";

/** A request body -> the JSON-shaped object, apiVersion and kind included.
 *  Throws WireError on malformed bytes, UnknownKindError on kinds that are not served. */
export function decodeKubernetesProtobuf(body: Uint8Array): Json {
  if (magicOf(body) !== magic)
    throw new WireError("the body does not start with Kubernetes' protobuf prefix");
  const envelope = unknown.decode(body.subarray(4));
  if (envelope.contentEncoding !== "")
    throw new WireError(`content encoding ${JSON.stringify(envelope.contentEncoding)} is not supported`);
  const { apiVersion, kind } = envelope.typeMeta ?? { apiVersion: "", kind: "" };
  if (envelope.contentType === "application/json") return embeddedJson(envelope.raw);
  const type = typeOf(findTypeName(apiVersion, kind) ?? "");
  if (type === undefined) throw new UnknownKindError(apiVersion, kind);
  return { apiVersion, kind, ...decodeMessage(type, new WireReader(envelope.raw)) };
}

function embeddedJson(raw: Uint8Array): Json {
  const value: unknown = JSON.parse(Buffer.from(raw).toString());
  if (typeof value !== "object" || value === null || Array.isArray(value))
    throw new WireError("the embedded JSON is not an object");
  return { ...value };
}

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
