import { varintBytes, writeVarint } from "../../base/varint.ts";
import { responseHeader } from "../../proto/etcd.ts";
import type { MemberParts } from "./member.ts";

type HeaderParts = Pick<MemberParts, "clusterId" | "memberId" | "consensus">;

const tags = { header: 0x0a, revision: 0x18, raftTerm: 0x20 } as const;

/** The header with which every answer begins, encoded. What says who answers is encoded once. */
export class HeaderBytes {
  readonly #parts: HeaderParts;
  readonly #who: Uint8Array;

  constructor(parts: HeaderParts) {
    const { clusterId, memberId } = parts;
    this.#parts = parts;
    this.#who = responseHeader.encode({ clusterId, memberId });
  }

  /** As field 1 of an answer, at a revision, which is positive. */
  at(revision: number): Uint8Array {
    const bytes = this.#encode(revision, 2);
    bytes[0] = tags.header;
    bytes[1] = bytes.length - 2; // at most 42, which takes one byte
    return bytes;
  }

  /** The same as a message, to stand in one. */
  message(revision: number): Uint8Array {
    return this.#encode(revision, 0);
  }

  /** Behind some bytes that are left free. */
  #encode(revision: number, freeBytes: number): Buffer {
    const { term } = this.#parts.consensus.status;
    const who = this.#who;
    const bytes = Buffer.allocUnsafe(freeBytes + who.length + 2 + varintBytes(revision) + varintBytes(term));
    bytes.set(who, freeBytes);
    let at = freeBytes + who.length;
    bytes[at] = tags.revision;
    at = writeVarint(bytes, at + 1, revision);
    bytes[at] = tags.raftTerm;
    writeVarint(bytes, at + 1, term);
    return bytes;
  }
}
