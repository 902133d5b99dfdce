import { assert } from "../../base/assert.ts";
import type { MemberId, Message, MessageType } from "./types.ts";

export const noBytes = new Uint8Array(0);
export const nobody: MemberId = 0n;

/** Marks a vote request that the leader asked for (leadership transfer): it disregards the leader's lease. The bytes are
 *  etcd's. */
export const transferContext = new TextEncoder().encode("CampaignTransfer");

/** Marks an append that carries nothing but the commit index: it needs no answer, since those before it get theirs. */
export const commitOnlyContext = Uint8Array.of(1);

export type MessageParts = Partial<Message> & { readonly type: MessageType; readonly to: MemberId };

/** A message whose unnamed fields are zero or empty. */
export function message(from: MemberId, parts: MessageParts): Message {
  return {
    from,
    term: 0,
    logTerm: 0,
    index: 0,
    entries: [],
    commit: 0,
    reject: false,
    rejectHint: 0,
    context: noBytes,
    ...parts,
  };
}

export function isTransfer(context: Uint8Array): boolean {
  return sameBytes(context, transferContext);
}

export function isCommitOnly(context: Uint8Array): boolean {
  return sameBytes(context, commitOnlyContext);
}

export function sameBytes(a: Uint8Array, b: Uint8Array): boolean {
  return a.length === b.length && a.every((byte, i) => byte === b[i]);
}

/** A read's id on the wire: eight bytes, big endian. */
export function idBytes(id: bigint): Uint8Array {
  const out = new Uint8Array(8);
  new DataView(out.buffer).setBigUint64(0, id);
  return out;
}

export function idOfBytes(bytes: Uint8Array): bigint {
  assert(bytes.length === 8, "a read id has eight bytes");
  return new DataView(bytes.buffer, bytes.byteOffset, 8).getBigUint64(0);
}
