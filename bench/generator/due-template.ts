import { leaseGrantRequest } from "../../proto/etcd.ts";
import { LeaseTemplate } from "./lease-template.ts";
import { placesOf, type Template } from "./request-template.ts";

/** The most that a varint of one byte holds. */
const ttlMost = 127;
const ttlTag = 0x08;

/** Grants leases that are due at one moment or within the second after it, whenever they are asked for: each for the whole
 *  seconds that are left, rounded up. */
export class DueTemplate implements Template {
  readonly bytes: Buffer;
  readonly #template: Template;
  readonly #place: number;
  readonly #dueMs: number;
  readonly #nowMs: () => number;

  /** @param dueMs By the same clock as `nowMs`, at most 127 s ahead. */
  constructor(dueMs: number, nowMs: () => number = () => performance.now()) {
    this.#template = new LeaseTemplate((id) => leaseGrantRequest.encode({ id, ttl: ttlMost }));
    this.bytes = this.#template.bytes;
    const [tag] = placesOf(this.bytes, Buffer.from([ttlTag, ttlMost]));
    if (tag === undefined) throw new Error("the request has no TTL");
    this.#place = tag + 1;
    this.#dueMs = dueMs;
    this.#nowMs = nowMs;
  }

  patch(into: Buffer, at: number, n: number): void {
    const ttl = Math.ceil((this.#dueMs - this.#nowMs()) / 1000);
    if (ttl < 1 || ttl > ttlMost) throw new RangeError(`a lease for ${ttl} s; there are 1 to ${ttlMost}`);
    this.#template.patch(into, at, n);
    into[at + this.#place] = ttl;
  }
}
