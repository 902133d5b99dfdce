import { Slabs } from "../../base/slabs.ts";
import { varintBytes, writeVarint } from "../../base/varint.ts";
import { WireError, WireReader } from "../../base/wire.ts";

/** mvccpb.KeyValue written and read by hand, because every put and every restored row passes here. The bytes are those of
 *  `keyValue.encode` in proto/mvcc.ts; a test compares the two. */
export interface KeyValueParts {
  readonly key: Uint8Array;
  readonly createRevision: number;
  readonly modRevision: number;
  readonly version: number;
  readonly value: Uint8Array;
  readonly lease: bigint;
}

const noBytes = new Uint8Array(0);

/** Values of one time leave memory at about the same time. */
const slabs = new Slabs();

export function encodeKeyValue(parts: KeyValueParts): Uint8Array {
  const out = slabs.take(keyValueBytes(parts));
  writeKeyValue(out, 0, parts);
  return out;
}

/** RangeResponse.kvs. */
const rangeKvTag = 18;

/** Writes the KeyValue, of so many bytes (`keyValueBytes`), as a RangeResponse has it. Answers where it ends. */
export function writeRangeKv(out: Buffer, at: number, parts: KeyValueParts, bytes: number): number {
  out[at] = rangeKvTag;
  const start = writeVarint(out, at + 1, bytes);
  writeKeyValue(out, start, parts);
  return start + bytes;
}

/** Of an mvccpb.Event: field 1, which a put does not write (zero), is 1 for a deletion; field 2 is the KeyValue. */
const tags = { type: 8, kv: 18 } as const;

/** Encodes the KeyValue of a put. In memory it stands in the event that watchers get (`eventOf`), so that the bytes that are
 *  stored are there once. */
export function encodePut(parts: KeyValueParts): Uint8Array {
  const kvBytes = keyValueBytes(parts);
  const headBytes = 1 + varintBytes(kvBytes);
  const start = slabs.reserve(headBytes + kvBytes);
  const out = slabs.reserved;
  out[start] = tags.kv;
  writeVarint(out, start + 1, kvBytes);
  writeKeyValue(out, start + headBytes, parts);
  return new Uint8Array(out.buffer, out.byteOffset + start + headBytes, kvBytes);
}

/** The mvccpb.Event around the bytes that `encodePut` made. */
export function eventOf(kv: Uint8Array): Uint8Array {
  const headBytes = 1 + varintBytes(kv.length);
  return new Uint8Array(kv.buffer, kv.byteOffset - headBytes, headBytes + kv.length);
}

/** What watchers are told of a deletion: an mvccpb.Event and the KeyValue within it. */
export function encodeDeleted(
  key: Uint8Array,
  modRevision: number,
): { readonly event: Uint8Array; readonly kv: Uint8Array } {
  const parts = { key, createRevision: 0, modRevision, version: 0, value: noBytes, lease: 0n };
  const kvBytes = keyValueBytes(parts);
  const event = slabs.take(3 + varintBytes(kvBytes) + kvBytes);
  event[0] = tags.type;
  event[1] = 1;
  event[2] = tags.kv;
  const start = writeVarint(event, 3, kvBytes);
  writeKeyValue(event, start, parts);
  return { event, kv: event.subarray(start) };
}

export function keyValueBytes({
  key,
  createRevision,
  modRevision,
  version,
  value,
  lease,
}: KeyValueParts): number {
  return (
    lengthDelimitedBytes(key.length) +
    fieldBytes(createRevision) +
    fieldBytes(modRevision) +
    fieldBytes(version) +
    lengthDelimitedBytes(value.length) +
    (lease === 0n ? 0 : 1 + bigVarintBytes(lease))
  );
}

/** Keys are short: a loop copies them faster than a call. */
const shortKeyBytes = 128;

function writeKeyValue(out: Buffer, start: number, parts: KeyValueParts): void {
  const { key, createRevision, modRevision, version, value, lease } = parts;
  let at = start;
  if (key.length > 0) {
    out[at] = 10;
    at = writeVarint(out, at + 1, key.length);
    if (key.length > shortKeyBytes) out.set(key, at);
    else for (let i = 0; i < key.length; i++) out[at + i] = key[i] as number;
    at += key.length;
  }
  at = writeField(out, at, 16, createRevision);
  at = writeField(out, at, 24, modRevision);
  at = writeField(out, at, 32, version);
  if (value.length > 0) {
    out[at] = 42;
    at = writeVarint(out, at + 1, value.length);
    out.set(value, at);
    at += value.length;
  }
  if (lease === 0n) return;
  out[at++] = 48;
  for (let rest = BigInt.asUintN(64, lease); ; rest >>= 7n) {
    out[at++] = Number(rest & 0x7fn) | (rest >= 0x80n ? 0x80 : 0);
    if (rest < 0x80n) return;
  }
}

/** What a deletion stores. */
export function encodeTombstone(key: Uint8Array): Uint8Array {
  return encodeKeyValue({ key, createRevision: 0, modRevision: 0, version: 0, value: noBytes, lease: 0n });
}

/** The stored bytes but for the value. */
export function withoutValue(stored: Uint8Array): Uint8Array {
  const reader = new WireReader(stored);
  while (reader.position < reader.end) {
    const start = reader.position;
    const tag = reader.varint();
    if (tag === 42) {
      reader.bytes();
      return Buffer.concat([stored.subarray(0, start), stored.subarray(reader.position)]);
    }
    reader.skip(tag & 7);
  }
  return stored;
}

/** The key of a stored value, as a view. */
export function keyIn(stored: Uint8Array): Uint8Array {
  const reader = new WireReader(stored);
  return reader.position < reader.end && reader.varint() === 10 ? reader.bytes() : noBytes;
}

/** All of a stored value; `key` and `value` are views. Absent fields are zero. */
export function decodeKeyValue(stored: Uint8Array): KeyValueParts {
  return readFields(new WireReader(stored), "value");
}

/** The same of what the reader is set to, without the value. */
export function readBare(reader: WireReader): KeyValueParts {
  return readFields(reader, "no value");
}

function readFields(reader: WireReader, wanted: "value" | "no value"): KeyValueParts {
  let key: Uint8Array = noBytes;
  let createRevision = 0;
  let modRevision = 0;
  let version = 0;
  let value: Uint8Array = noBytes;
  let lease = 0n;
  while (reader.position < reader.end) {
    const tag = reader.varint();
    if (tag === 10) key = reader.bytes();
    else if (tag === 16) createRevision = reader.varint();
    else if (tag === 24) modRevision = reader.varint();
    else if (tag === 32) version = reader.varint();
    else if (tag === 42 && wanted === "value") value = reader.bytes();
    else if (tag === 48) lease = BigInt.asIntN(64, reader.varintBig());
    else if (tag < 8) throw new WireError(`illegal tag ${tag}`);
    else reader.skip(tag & 7);
  }
  return { key, createRevision, modRevision, version, value, lease };
}

function bigVarintBytes(value: bigint): number {
  let count = 1;
  for (let rest = BigInt.asUintN(64, value); rest >= 0x80n; rest >>= 7n) count++;
  return count;
}

function fieldBytes(value: number): number {
  return value === 0 ? 0 : 1 + varintBytes(value);
}

function lengthDelimitedBytes(length: number): number {
  return length === 0 ? 0 : 1 + varintBytes(length) + length;
}

function writeField(out: Buffer, at: number, tag: number, value: number): number {
  if (value === 0) return at;
  out[at] = tag;
  return writeVarint(out, at + 1, value);
}
