import type { MemberId } from "../raft/types.ts";

/** Ids of requests as etcd makes them: 2 bytes of member, 5 bytes of milliseconds at the start, 1 byte and overflow of
 *  counter. A member that restarts within a millisecond after 256 requests is what it would take to repeat one. */
export class RequestIds {
  /** The id as it is, and as four 16-bit numbers of it, the lowest first. */
  readonly #id = new BigUint64Array(1);
  readonly #words = new Uint16Array(this.#id.buffer);

  constructor(member: MemberId, wallMs: number) {
    this.#id[0] = ((member & 0xffffn) << 48n) | ((BigInt(Math.floor(wallMs)) & 0xff_ffff_ffffn) << 8n);
  }

  next(): bigint {
    const words = this.#words;
    // Carries from one to the next, but never into the member's.
    for (let at = 0; at < 3; at++) {
      words[at] = (words[at] as number) + 1;
      if (words[at] !== 0) break;
    }
    return this.#id[0] as bigint;
  }
}
