import type { GrpcStatus } from "../../base/grpc/status.ts";
import { type Method, methods } from "../../proto/etcd-methods.ts";
import { CallError } from "../client/call-error.ts";

/** One message between a client and a member in another thread. `call` is the client's number of a call or stream. */
export interface Packet {
  readonly kind: PacketKind;
  readonly call: number;
  /** Of `unary` and `open`: the method's place in the table. */
  readonly method: number;
  /** Of `unary`; 0 elsewhere. */
  readonly timeoutMs: number;
  /** Of `unary` and `open`: whether the member refuses while it knows no leader. */
  readonly requireLeader: boolean;
  /** Of `unary`: which span of which trace asks. */
  readonly traceparent?: string | undefined;
  readonly body: Uint8Array;
}

/** Client to member: `unary` and `open` begin what `send`, `halfClose` and `cancel` go on with. Member to client: `answer` and
 *  `message` carry bytes, `end` ends a stream in good order, `failure` ends either. */
const kinds = [
  "unary",
  "open",
  "send",
  "halfClose",
  "cancel",
  "answer",
  "message",
  "end",
  "failure",
] as const;
export type PacketKind = (typeof kinds)[number];

const kindNumbers = new Map(kinds.map((kind, at) => [kind, at]));
const table: readonly Method<object, object>[] = Object.values(methods) as never;
const methodNumbers = new Map(table.map(({ path }, at) => [path, at]));
/** kind | requireLeader << 8 | isTraced << 9 | method << 16, call, timeoutMs, length of the body: 32 bits each. What is traced has
 *  its `traceparent` before the body. */
const headBytes = 16;
const traceBytes = 55;
const uint32Max = 2 ** 32 - 1;
const noBody = new Uint8Array(0);

/** Undefined: no method of the store. */
export function methodNumber(path: string): number | undefined {
  return methodNumbers.get(path);
}

export function methodPath(number: number): string {
  return table[number]?.path ?? "";
}

export function packet(kind: PacketKind, call: number, body: Uint8Array = noBody): Packet {
  return { kind, call, body, method: 0, timeoutMs: 0, requireLeader: false };
}

/** All packets in bytes of their own, which may be handed to another thread. */
export function packed(packets: readonly Packet[]): ArrayBuffer {
  let length = 0;
  for (const { body, traceparent } of packets)
    length += headBytes + (traceparent === undefined ? 0 : traceBytes) + body.length;
  // Not filled with zeros first: every byte is written below.
  const out = Buffer.allocUnsafeSlow(length);
  let at = 0;
  for (const { kind, call, method, timeoutMs, requireLeader, traceparent, body } of packets) {
    const number = kindNumbers.get(kind) ?? 0;
    const flags = (requireLeader ? 0x100 : 0) | (traceparent === undefined ? 0 : 0x200);
    out.writeUInt32LE(number | flags | (method << 16), at);
    out.writeUInt32LE(call, at + 4);
    out.writeUInt32LE(Math.min(timeoutMs, uint32Max), at + 8);
    out.writeUInt32LE(body.length, at + 12);
    at += headBytes;
    if (traceparent !== undefined) at += out.write(traceparent, at, traceBytes, "latin1");
    out.set(body, at);
    at += body.length;
  }
  return out.buffer as ArrayBuffer;
}

/** What `packed` made; bodies are views into it. */
export function* unpacked(buffer: ArrayBuffer): Generator<Packet> {
  const bytes = Buffer.from(buffer);
  for (let at = 0; at < bytes.length; ) {
    const first = bytes.readUInt32LE(at);
    const length = bytes.readUInt32LE(at + 12);
    const isTraced = (first & 0x200) !== 0;
    const start = at + headBytes + (isTraced ? traceBytes : 0);
    yield {
      kind: kinds[first & 0xff] ?? "cancel",
      call: bytes.readUInt32LE(at + 4),
      method: first >>> 16,
      timeoutMs: bytes.readUInt32LE(at + 8),
      requireLeader: (first & 0x100) !== 0,
      ...(isTraced && { traceparent: bytes.toString("latin1", at + headBytes, start) }),
      body: bytes.subarray(start, start + length),
    };
    at = start + length;
  }
}

/** A failed call as a packet's body. */
export function errorBody({ status, message, sent }: CallError): Uint8Array {
  return Buffer.from(JSON.stringify([status, message, sent]));
}

export function errorOf(body: Uint8Array): CallError {
  const [status, message, sent] = JSON.parse(Buffer.from(body).toString()) as [GrpcStatus, string, boolean];
  return new CallError(status, message, { sent });
}
