import type { Clock } from "../../base/os/clock.ts";
import type { Informer } from "../../client/informer.ts";
import { keyOf, type Stored } from "../../client/object-cache.ts";
import { confirmAfterMs } from "./expectations.ts";

/** Knows whether a cache already shows what we ourselves wrote on behalf of an owner, so that nothing is decided on a
 *  state of before. Revisions are compared as numbers, which Kubernetes allows since 1.35 (and ours always were).
 *  What the cache does not show after `confirmAfterMs` is waited for no longer: it is gone again, unseen.
 *  Size: bounded by the writes of the last moments. */
export class OwnWrites<T extends Stored> {
  readonly #informer: Informer<T>;
  readonly #clock: Clock;
  /** By owner: object keys with the revision to be seen. */
  readonly #pending = new Map<string, Map<string, { readonly revision: bigint; readonly atMs: number }>>();

  constructor(informer: Informer<T>, clock: Clock) {
    this.#informer = informer;
    this.#clock = clock;
  }

  /** Call with the server's answer to a write. */
  wrote(owner: string, object: T): void {
    const pending = this.#pending.get(owner) ?? new Map();
    this.#pending.set(owner, pending);
    pending.set(keyOf(object), { revision: revisionOf(object), atMs: this.#clock.monotonicMs() });
  }

  /** The owner is gone. */
  forget(owner: string): void {
    this.#pending.delete(owner);
  }

  /** The cache shows everything written for the owner. */
  areShown(owner: string): boolean {
    const pending = this.#pending.get(owner);
    if (pending === undefined) return true;
    const expiredMs = this.#clock.monotonicMs() - confirmAfterMs;
    for (const [key, { revision, atMs }] of pending) {
      const held = this.#informer.getByKey(key);
      if (atMs <= expiredMs || (held !== undefined && revisionOf(held) >= revision)) pending.delete(key);
    }
    if (pending.size === 0) this.#pending.delete(owner);
    return pending.size === 0;
  }
}

function revisionOf(object: Stored): bigint {
  return /^\d+$/.test(object.metadata.resourceVersion) ? BigInt(object.metadata.resourceVersion) : 0n;
}
