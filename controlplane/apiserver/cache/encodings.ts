import type { StoredObject } from "../registry/stored-object.ts";

/** What all encodings together may take, beside each object's own JSON (see StoredObject). */
const bytesMax = 16 * 1024 * 1024;
/** An encoding's entry, its key and the buffer around its bytes. */
const entryBytes = 200;

/** Encodings that several clients ask for: an object in another media type, version or form, and the frame that tells all
 *  watchers of one event. Each is made once and copied from then on; those of the objects that were encoded first go when
 *  there are too many bytes. An object is one revision: nothing here is ever out of date. */
export class Encodings {
  readonly #bytesMax: number;
  readonly #objects = new Map<StoredObject, Map<string, Buffer>>();
  #sizeBytes = 0;

  constructor(limits: { readonly bytesMax: number } = { bytesMax }) {
    this.#bytesMax = limits.bytesMax;
  }

  get sizeBytes(): number {
    return this.#sizeBytes;
  }

  /** @param form Names the media type, version and form; the same name must mean the same bytes. */
  of(object: StoredObject, form: string, make: () => Buffer): Buffer {
    const known = this.#objects.get(object)?.get(form);
    if (known !== undefined) return known;
    const made = make();
    // What is made may have needed another form, and room for that.
    let forms = this.#objects.get(object);
    if (forms === undefined) {
      forms = new Map();
      this.#objects.set(object, forms);
    }
    forms.set(form, made);
    this.#sizeBytes += made.length + entryBytes;
    this.#makeRoom();
    return made;
  }

  #makeRoom(): void {
    for (const [object, forms] of this.#objects) {
      if (this.#sizeBytes <= this.#bytesMax) return;
      this.#objects.delete(object);
      for (const bytes of forms.values()) this.#sizeBytes -= bytes.length + entryBytes;
    }
  }
}
