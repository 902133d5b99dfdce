import { constants } from "node:os";

/** Messages of netlink and their attributes (`linux/netlink.h`), as bytes in the kernel's order, which is this machine's. Pure;
 *  what is read may be anything: each length is checked. */
export interface NetlinkMessage {
  readonly type: number;
  readonly flags: number;
  readonly sequence: number;
  readonly payload: Uint8Array;
}

export const messageFlags = { request: 1, multi: 2, acknowledge: 4, dump: 0x300 } as const;
export const messageTypes = { error: 2, done: 3 } as const;

export class NetlinkFormatError extends Error {
  override readonly name = "NetlinkFormatError";
}

const headBytes = 16;
const isLittle = new Uint8Array(new Uint16Array([1]).buffer)[0] === 1;
const padded = (length: number) => (length + 3) & ~3;

export function encodeMessage({ type, flags, sequence, payload }: NetlinkMessage): Uint8Array {
  const bytes = new Uint8Array(padded(headBytes + payload.length));
  const view = new DataView(bytes.buffer);
  view.setUint32(0, headBytes + payload.length, isLittle);
  view.setUint16(4, type, isLittle);
  view.setUint16(6, flags, isLittle);
  view.setUint32(8, sequence, isLittle);
  bytes.set(payload, headBytes);
  return bytes;
}

export function readMessages(bytes: Uint8Array): readonly NetlinkMessage[] {
  const view = viewOf(bytes);
  const messages: NetlinkMessage[] = [];
  for (let at = 0; at < bytes.length; ) {
    const length = bytes.length - at < headBytes ? 0 : view.getUint32(at, isLittle);
    if (length < headBytes || length > bytes.length - at)
      throw new NetlinkFormatError("a netlink message is cut off");
    messages.push({
      type: view.getUint16(at + 4, isLittle),
      flags: view.getUint16(at + 6, isLittle),
      sequence: view.getUint32(at + 8, isLittle),
      payload: bytes.subarray(at + headBytes, at + length),
    });
    at += padded(length);
  }
  return messages;
}

/** Of an error's message: 0 acknowledges, others are the kernel's, such as `ENOENT`. */
export function errorOf({ payload }: NetlinkMessage): string | undefined {
  if (payload.length < 4) throw new NetlinkFormatError("a netlink error says nothing");
  const errno = -viewOf(payload).getInt32(0, isLittle);
  return errno === 0 ? undefined : errorName(errno);
}

export function errorName(errno: number): string {
  return Object.entries(constants.errno).find(([, number]) => number === errno)?.[0] ?? `errno ${errno}`;
}

/** An attribute with what it holds. */
export function attribute(type: number, content: Uint8Array): Uint8Array {
  const bytes = new Uint8Array(padded(4 + content.length));
  const view = new DataView(bytes.buffer);
  view.setUint16(0, 4 + content.length, isLittle);
  view.setUint16(2, type, isLittle);
  bytes.set(content, 4);
  return bytes;
}

const nestedFlag = 0x8000;
const typeBits = 0x3fff;

export function nested(type: number, ...attributes: readonly Uint8Array[]): Uint8Array {
  return attribute(type | nestedFlag, joined(attributes));
}

/** By their type; of two of one type the later, as in the kernel. */
export function readAttributes(bytes: Uint8Array): ReadonlyMap<number, Uint8Array> {
  const view = viewOf(bytes);
  const found = new Map<number, Uint8Array>();
  for (let at = 0; at < bytes.length; ) {
    const length = bytes.length - at < 4 ? 0 : view.getUint16(at, isLittle);
    if (length < 4 || length > bytes.length - at)
      throw new NetlinkFormatError("a netlink attribute is cut off");
    found.set(view.getUint16(at + 2, isLittle) & typeBits, bytes.subarray(at + 4, at + length));
    at += padded(length);
  }
  return found;
}

export function joined(parts: readonly Uint8Array[]): Uint8Array {
  const bytes = new Uint8Array(parts.reduce((sum, { length }) => sum + length, 0));
  let at = 0;
  for (const part of parts) {
    bytes.set(part, at);
    at += part.length;
  }
  return bytes;
}

export function u16(value: number): Uint8Array {
  const bytes = new Uint8Array(2);
  viewOf(bytes).setUint16(0, value, isLittle);
  return bytes;
}

export function u32(value: number): Uint8Array {
  const bytes = new Uint8Array(4);
  viewOf(bytes).setUint32(0, value, isLittle);
  return bytes;
}

/** In the network's order. */
export function be16(value: number): Uint8Array {
  const bytes = new Uint8Array(2);
  viewOf(bytes).setUint16(0, value);
  return bytes;
}

/** With the zero that ends it. */
export function cString(text: string): Uint8Array {
  return Uint8Array.from([...text, "\0"].map((letter) => letter.charCodeAt(0)));
}

export function readU16(bytes: Uint8Array | undefined): number {
  return sized(bytes, 2).getUint16(0, isLittle);
}

export function readU32(bytes: Uint8Array | undefined): number {
  return sized(bytes, 4).getUint32(0, isLittle);
}

export function readBe16(bytes: Uint8Array | undefined): number {
  return sized(bytes, 2).getUint16(0);
}

export function readCString(bytes: Uint8Array | undefined): string {
  const end = bytes?.indexOf(0) ?? -1;
  if (bytes === undefined || end < 0) throw new NetlinkFormatError("a netlink attribute is no text");
  return String.fromCharCode(...bytes.subarray(0, end));
}

function sized(bytes: Uint8Array | undefined, length: number): DataView {
  if (bytes?.length !== length)
    throw new NetlinkFormatError(`a netlink attribute has ${bytes?.length ?? "no"} bytes, not ${length}`);
  return viewOf(bytes);
}

function viewOf(bytes: Uint8Array): DataView {
  return new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
}
