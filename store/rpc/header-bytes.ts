import { varintBytes, writeVarint } from "../../base/varint.ts";
import { responseHeader } from "../../proto/etcd.ts";
import type { MemberParts } from "./member.ts";

type HeaderParts = Pick<MemberParts, "clusterId" | "memberId" | "consensus">;

const tags = { header: 0x0a, revision: 0x18, raftTerm: 0x20 } as const;

/** The header with which every answer begins, as field 1 of the answer. What says who answers is encoded once. */
export class HeaderBytes {
  readonly #parts: HeaderParts;
  readonly #who: Uint8Array;

  constructor(parts: HeaderParts) {
    const { clusterId, memberId } = parts;
    this.#parts = parts;
    this.#who = responseHeader.encode({ clusterId, memberId });
  }

  /** At a revision, which is positive. */
  at(revision: number): Uint8Array {
    const { term } = this.#parts.consensus.status;
    const who = this.#who;
    const size = who.length + 2 + varintBytes(revision) + varintBytes(term);
    const bytes = Buffer.allocUnsafe(2 + size); // a header has at most 42 bytes, whose number takes one
    bytes[0] = tags.header;
    bytes[1] = size;
    bytes.set(who, 2);
    let at = 2 + who.length;
    bytes[at] = tags.revision;
    at = writeVarint(bytes, at + 1, revision);
    bytes[at] = tags.raftTerm;
    writeVarint(bytes, at + 1, term);
    return bytes;
  }
}
