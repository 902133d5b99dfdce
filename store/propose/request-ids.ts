import type { MemberId } from "../raft/types.ts";

/** Ids of requests as etcd makes them: 2 bytes of member, 5 bytes of milliseconds at the start, 1 byte and overflow of
 *  counter. A member that restarts within a millisecond after 256 requests is what it would take to repeat one. */
export class RequestIds {
  readonly #prefix: bigint;
  #suffix: bigint;

  constructor(member: MemberId, wallMs: number) {
    this.#prefix = (member & 0xffffn) << 48n;
    this.#suffix = (BigInt(Math.floor(wallMs)) & 0xff_ffff_ffffn) << 8n;
  }

  next(): bigint {
    this.#suffix = (this.#suffix + 1n) & 0xffff_ffff_ffffn;
    return this.#prefix | this.#suffix;
  }
}
