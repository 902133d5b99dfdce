import type { KubeObject } from "../../../client/types.ts";
import { asParsed } from "../registry/as-parsed.ts";
import type { Kind } from "../registry/kind.ts";
import type { ObjectText } from "../registry/object-text.ts";
import { StoredObject } from "../registry/stored-object.ts";

/** Events that may be waited for at a time; those of the oldest writes beyond are read like others'. */
export const ownWriteLimits = { writesMax: 1024, bytesMax: 16 * 1024 * 1024 };

export interface Written {
  readonly kind: Kind;
  readonly key: string;
  /** The object's encoding, as it goes to the store. */
  readonly value: Uint8Array;
  /** Nobody changes it any more. */
  readonly object: KubeObject;
  /** Of which the encoding was made, once the object's defaults were filled in. */
  readonly text?: ObjectText;
}

/** One write of an object, from before it is sent. */
export class OwnWrite {
  readonly written: Written;
  #stored: StoredObject | undefined;

  constructor(written: Written) {
    this.written = written;
  }

  /** The object as it is stored at that revision: the same for whoever asks, with one encoding. */
  at(revision: number): StoredObject {
    if (this.#stored?.revision === revision) return this.#stored;
    const { kind, key, value, object, text } = this.written;
    const entry = { key, value, modRevision: revision };
    this.#stored = new StoredObject(kind, entry, asParsed(object, revision), text);
    return this.#stored;
  }
}

/** What this server is writing itself. The store's event brings back bytes that this server has just made: where they are the
 *  same, under the same key and for the same kind, the object is at hand and need not be read again. What the cache gets is
 *  just what reading those bytes gives, whoever wrote them, whatever became of the write, and at whatever revision they are. */
export class OwnWrites {
  readonly #limits: typeof ownWriteLimits;
  readonly #underWay = new Map<string, OwnWrite>();
  readonly #stored = new WeakMap<KubeObject, StoredObject>();
  #sizeBytes = 0;

  constructor(limits = ownWriteLimits) {
    this.#limits = limits;
  }

  /** How many events are waited for. */
  get count(): number {
    return this.#underWay.size;
  }

  /** To be called before the write is sent: its event may come before its answer. */
  begin(written: Written): OwnWrite {
    const write = new OwnWrite(written);
    this.#drop(this.#underWay.get(written.key));
    this.#underWay.set(written.key, write);
    this.#sizeBytes += written.value.length;
    for (const oldest of this.#underWay.values()) {
      if (this.#underWay.size <= this.#limits.writesMax && this.#sizeBytes <= this.#limits.bytesMax) break;
      this.#drop(oldest);
    }
    return write;
  }

  /** It is stored. The object is the cache's, or will be: read-only. */
  succeeded(write: OwnWrite, revision: number): KubeObject {
    const stored = write.at(revision);
    const { object } = stored;
    this.#stored.set(object, stored);
    return object;
  }

  /** It was not stored, or nobody knows: if its event comes all the same, that is read like others'. */
  withdraw(write: OwnWrite): void {
    this.#drop(write);
  }

  /** The object that an event brings; undefined where this server has not written it, which is then to be read. */
  take(
    kind: Kind,
    event: { readonly key: string; readonly value: Uint8Array; readonly modRevision: number },
  ) {
    const write = this.#matching(event);
    if (write === undefined || write.written.kind !== kind) return undefined;
    this.#drop(write);
    return write.at(event.modRevision);
  }

  /** The event came, and nobody keeps what it brings. */
  passed(event: { readonly key: string; readonly value: Uint8Array }): void {
    this.#drop(this.#matching(event));
  }

  /** What `succeeded` gave back, with its encodings. */
  storedAs(object: KubeObject): StoredObject | undefined {
    return this.#stored.get(object);
  }

  #matching({ key, value }: { readonly key: string; readonly value: Uint8Array }): OwnWrite | undefined {
    const write = this.#underWay.get(key);
    return write !== undefined && Buffer.compare(write.written.value, value) === 0 ? write : undefined;
  }

  #drop(write: OwnWrite | undefined): void {
    if (write === undefined || this.#underWay.get(write.written.key) !== write) return;
    this.#underWay.delete(write.written.key);
    this.#sizeBytes -= write.written.value.length;
  }
}
