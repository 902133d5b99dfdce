import { setImmediate as turn } from "node:timers/promises";
import { WireWriter } from "../../../base/wire.ts";
import type { KubeObject } from "../../../client/types.ts";
import type { Encodings } from "../cache/encodings.ts";
import type { JsonObject } from "../json.ts";
import type { ServedKind } from "../registry/kind-table.ts";
import { ownCopy } from "../registry/packed-bytes.ts";
import type { StoredObject } from "../registry/stored-object.ts";
import { typeOf } from "../schema/load.ts";
import { encodeMessage } from "../schema/protobuf-encode.ts";
import {
  encodeAs,
  envelopeEnd,
  envelopeHead,
  inEnvelope,
  type TypeMeta,
} from "../schema/protobuf-envelope.ts";
import type { Output } from "./negotiate.ts";
import { servedObject } from "./shapes.ts";

/** Objects, lists and changes in Kubernetes' protobuf. The message of an object that is kept is made once a form, and copied
 *  from then on. */

export interface MessageForm {
  readonly served: ServedKind;
  readonly output: Pick<Output, "as" | "version">;
  readonly encodings: Encodings;
}

const tagOf = (field: number) => field * 8 + 2;
const [metadataTag, itemTag] = [tagOf(1), tagOf(2)];
const [eventTypeTag, eventObjectTag, rawTag] = [tagOf(1), tagOf(2), tagOf(1)];
const frameLengthBytes = 4;
/** Bytes of messages that are made before others get their turn. */
const madeBytes = 64 * 1024;

/** The whole answer for one object. */
export function objectProtobuf(stored: StoredObject, form: MessageForm): Buffer {
  return inEnvelope(itemType(form), messageOf(stored, form));
}

/** A list in parts. How long it is stands before its items, so all of them are made before the first is sent. */
export async function listProtobuf(
  items: readonly StoredObject[],
  metadata: JsonObject,
  form: MessageForm,
): Promise<Iterable<Uint8Array>> {
  const type = typeOf("V1ListMeta");
  if (type === undefined) throw new Error("the schema lacks ListMeta");
  const start = new WireWriter(64).varint(metadataTag).bytes(encodeMessage(type, metadata)).finish();
  let total = start.length;
  let sinceTurn = 0;
  for (const item of items) {
    const { length } = messageOf(item, form);
    total += itemHead(length).length + length;
    sinceTurn += length;
    if (sinceTurn < madeBytes) continue;
    sinceTurn = 0;
    await turn();
  }
  return listParts(items, { start, total, form });
}

function* listParts(
  items: readonly StoredObject[],
  { start, total, form }: { readonly start: Uint8Array; readonly total: number; readonly form: MessageForm },
): Generator<Uint8Array> {
  const { apiVersion, kind } = itemType(form);
  yield envelopeHead({ apiVersion, kind: `${kind}List` }, total);
  yield start;
  for (const item of items) {
    const message = messageOf(item, form);
    yield itemHead(message.length);
    yield message;
  }
  yield envelopeEnd;
}

const itemHead = (length: number) => new WireWriter(16).varint(itemTag).varint(length).finish();

/** A change as a watch tells it, its length before it. @param object In its envelope. */
export function eventProtobuf(type: string, object: Uint8Array): Buffer {
  const rawHead = new WireWriter(16).varint(rawTag).varint(object.length).finish();
  const head = new WireWriter(64).varint(eventTypeTag).string(type);
  const start = head
    .varint(eventObjectTag)
    .varint(rawHead.length + object.length)
    .finish();
  const length = Buffer.alloc(frameLengthBytes);
  length.writeUInt32BE(start.length + rawHead.length + object.length);
  return Buffer.concat([length, start, rawHead, object]);
}

function messageOf(stored: StoredObject, { served, output, encodings }: MessageForm): Buffer {
  if (output.as !== "object")
    return encodings.of(stored, "protobuf metadata", () => {
      const type = { apiVersion: "meta.k8s.io/v1", kind: "PartialObjectMetadata" };
      return ownCopy(encodeAs(type, { metadata: stored.object.metadata }));
    });
  const type = { apiVersion: served.apiVersion, kind: served.kind.kind };
  const make = (object: KubeObject) => encodeAs(type, servedObject(served, object));
  if (served.convert === undefined) return stored.message(make);
  return encodings.of(stored, `protobuf ${served.apiVersion}`, () => ownCopy(make(stored.object)));
}

function itemType({ served, output }: MessageForm): TypeMeta {
  if (output.as === "object") return { apiVersion: served.apiVersion, kind: served.kind.kind };
  return { apiVersion: `meta.k8s.io/${output.version}`, kind: "PartialObjectMetadata" };
}
