import { type Deferred, deferred } from "../../base/deferred.ts";
import { StoreError } from "../errors.ts";
import type { KeyValueHash } from "../mvcc/hash.ts";

interface Waiting {
  readonly revision: number;
  readonly hash: Deferred<KeyValueHash>;
}

/** What other members ask this one to hash, which reads all that is stored: one hash at a time, however slow this member is and
 *  however often it is asked. Who asks for the same gets the same; of those that wait their turn the newest alone gets it, for
 *  whoever asked before has given up, or asks again. */
export class AskedHashes {
  readonly #hashAt: (revision: number) => Promise<KeyValueHash>;
  #underWay: { readonly revision: number; readonly hash: Promise<KeyValueHash> } | undefined;
  #next: Waiting | undefined;

  constructor(hashAt: (revision: number) => Promise<KeyValueHash>) {
    this.#hashAt = hashAt;
  }

  /** Rejects with TOO_MANY_REQUESTS where another question takes its turn. */
  at(revision: number): Promise<KeyValueHash> {
    if (this.#underWay === undefined) return this.#begin(revision);
    if (this.#underWay.revision === revision) return this.#underWay.hash;
    if (this.#next?.revision === revision) return this.#next.hash.promise;
    this.#next?.hash.reject(new StoreError("TOO_MANY_REQUESTS"));
    this.#next = { revision, hash: deferred() };
    return this.#next.hash.promise;
  }

  #begin(revision: number): Promise<KeyValueHash> {
    const hash = this.#hashAt(revision);
    this.#underWay = { revision, hash };
    const goOn = () => this.#goOn();
    hash.then(goOn, goOn);
    return hash;
  }

  #goOn(): void {
    const next = this.#next;
    this.#underWay = this.#next = undefined;
    if (next !== undefined) this.#begin(next.revision).then(next.hash.resolve, next.hash.reject);
  }
}
