import type { StoredObject } from "../registry/stored-object.ts";

/** Objects of a kind by the values of fields that lists have fixed to one value: five thousand nodes that each list their own
 *  pods look at those only. A field is indexed from the first list on that asks for it; there are few that may be asked for.
 *  Size: an entry for each object and such field. */
export class FieldIndex {
  readonly #fields = new Map<string, Map<string, Set<string>>>();

  clear(): void {
    this.#fields.clear();
  }

  /** The keys of objects whose field has the value. @param all Read when the field is asked for the first time. */
  keys(field: string, value: string, all: Iterable<StoredObject>): ReadonlySet<string> {
    let byValue = this.#fields.get(field);
    if (byValue === undefined) {
      byValue = new Map();
      this.#fields.set(field, byValue);
      for (const object of all) add(byValue, fieldValue(object, field), object.key);
    }
    return byValue.get(value) ?? nothing;
  }

  changed(previous: StoredObject | undefined, next: StoredObject | undefined): void {
    for (const [field, byValue] of this.#fields) {
      const before = previous && fieldValue(previous, field);
      const now = next && fieldValue(next, field);
      if (before === now) continue;
      if (previous !== undefined && before !== undefined) remove(byValue, before, previous.key);
      if (next !== undefined && now !== undefined) add(byValue, now, next.key);
    }
  }
}

const nothing: ReadonlySet<string> = new Set();

/** As selectors read it: what is absent is empty. */
export function fieldValue(object: StoredObject, field: string): string {
  return object.fields()[field] ?? "";
}

function add(byValue: Map<string, Set<string>>, value: string, key: string): void {
  const keys = byValue.get(value);
  if (keys === undefined) byValue.set(value, new Set([key]));
  else keys.add(key);
}

function remove(byValue: Map<string, Set<string>>, value: string, key: string): void {
  const keys = byValue.get(value);
  keys?.delete(key);
  if (keys?.size === 0) byValue.delete(value);
}
