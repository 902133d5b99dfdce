import type { StoredObject } from "./stored-object.ts";

/** What is stored of all objects that are kept decoded; decoded they take some two and a half times that. */
const decodedBytesMax = 32 * 1024 * 1024;

/** Says which objects are kept decoded, of those that stay: the ones that were asked for lately, as far as they fit. Of a hundred
 *  thousand pods most are only ever shown, as bytes that are at hand; the objects would take more than all those bytes.
 *  Who is to go and was asked for since its turn came last stays for another round. */
export class DecodedObjects {
  readonly #bytesMax: number;
  readonly #kept = new Set<StoredObject>();
  #sizeBytes = 0;

  constructor(limits: { readonly bytesMax: number } = { bytesMax: decodedBytesMax }) {
    this.#bytesMax = limits.bytesMax;
  }

  /** Bytes that are stored of the objects kept. */
  get sizeBytes(): number {
    return this.#sizeBytes;
  }

  /** The object was just decoded. */
  add(stored: StoredObject): void {
    if (this.#kept.has(stored)) return;
    this.#kept.add(stored);
    this.#sizeBytes += stored.sizeBytes;
    this.#makeRoom();
  }

  /** It is kept no more, or by somebody else. */
  forget(stored: StoredObject): void {
    if (this.#kept.delete(stored)) this.#sizeBytes -= stored.sizeBytes;
  }

  #makeRoom(): void {
    for (const oldest of this.#kept) {
      if (this.#sizeBytes <= this.#bytesMax) return;
      this.#kept.delete(oldest);
      if (oldest.takeRead()) this.#kept.add(oldest);
      else {
        this.#sizeBytes -= oldest.sizeBytes;
        oldest.leaveAsBytes();
      }
    }
  }
}
