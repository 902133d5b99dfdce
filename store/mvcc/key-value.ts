import { Slabs } from "../../base/slabs.ts";
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
  const out = slabs.take(sizeOf(parts));
  writeKeyValue(out, 0, parts);
  return out;
}

/** An mvccpb.Event with the KeyValue within it: watchers get the bytes that are stored, which are there once. */
export interface EncodedEvent {
  readonly event: Uint8Array;
  readonly kv: Uint8Array;
}

export function encodePut(parts: KeyValueParts): EncodedEvent {
  return encodeEvent([], parts);
}

/** What watchers are told of a deletion. */
export function encodeDeleted(key: Uint8Array, modRevision: number): EncodedEvent {
  const parts = { key, createRevision: 0, modRevision, version: 0, value: noBytes, lease: 0n };
  return encodeEvent(typeDelete, parts);
}

/** Field 1 of the event: 1. Zero, which a put has, is not written. */
const typeDelete = [8, 1];

function encodeEvent(head: readonly number[], parts: KeyValueParts): EncodedEvent {
  const kvBytes = sizeOf(parts);
  const event = slabs.take(head.length + 1 + varintBytes(kvBytes) + kvBytes);
  event.set(head);
  event[head.length] = 18;
  const start = writeVarint(event, head.length + 1, kvBytes);
  writeKeyValue(event, start, parts);
  return { event, kv: event.subarray(start) };
}

function sizeOf({ key, createRevision, modRevision, version, value, lease }: KeyValueParts): number {
  return (
    lengthDelimitedBytes(key.length) +
    fieldBytes(createRevision) +
    fieldBytes(modRevision) +
    fieldBytes(version) +
    lengthDelimitedBytes(value.length) +
    (lease === 0n ? 0 : 1 + bigVarintBytes(lease))
  );
}

function writeKeyValue(out: Buffer, start: number, parts: KeyValueParts): void {
  const { key, createRevision, modRevision, version, value, lease } = parts;
  let at = start;
  if (key.length > 0) {
    out[at++] = 10;
    at = writeVarint(out, at, key.length);
    out.set(key, at);
    at += key.length;
  }
  at = writeField(out, at, 16, createRevision);
  at = writeField(out, at, 24, modRevision);
  at = writeField(out, at, 32, version);
  if (value.length > 0) {
    out[at++] = 42;
    at = writeVarint(out, at, value.length);
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
  const reader = new WireReader(stored);
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
    else if (tag === 42) value = reader.bytes();
    else if (tag === 48) lease = BigInt.asIntN(64, reader.varintBig());
    else if (tag < 8) throw new WireError(`illegal tag ${tag}`);
    else reader.skip(tag & 7);
  }
  return { key, createRevision, modRevision, version, value, lease };
}

function varintBytes(value: number): number {
  let count = 1;
  for (let rest = value; rest >= 0x80; rest = Math.floor(rest / 128)) count++;
  return count;
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

function writeVarint(out: Buffer, start: number, value: number): number {
  let at = start;
  let rest = value;
  while (rest >= 0x80) {
    out[at++] = (rest % 128) | 0x80;
    rest = Math.floor(rest / 128);
  }
  out[at++] = rest;
  return at;
}
