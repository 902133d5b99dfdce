import { assert } from "../base/assert.ts";
import type { Meta, Ref } from "./types.ts";

/** Anything stored in the API. */
export interface Stored {
  readonly metadata: Meta;
}

/** Told of every change to a cache, in order, right after the cache shows it. Handlers return quickly and do not
 *  throw: usually they put a key into a work queue. Objects are frozen and shared: copy before changing. */
export interface Handler<T> {
  /** Also called for everything already there when the handler subscribes. */
  readonly onAdd?: (object: T) => void;
  readonly onUpdate?: (next: T, previous: T) => void;
  readonly onDelete?: (last: T) => void;
}

/** The values under which an object is found in an index. */
export type IndexFunction<T> = (object: T) => readonly string[];

/** `namespace/name`, or `name` for kinds outside namespaces. */
export function keyOf(object: Stored): string {
  return keyOfRef(object.metadata);
}

export function keyOfRef(ref: Ref): string {
  return ref.namespace ? `${ref.namespace}/${ref.name}` : ref.name;
}

export function refOfKey(key: string): Ref {
  const slash = key.indexOf("/");
  return slash < 0 ? { name: key } : { namespace: key.slice(0, slash), name: key.slice(slash + 1) };
}

/** The objects of one kind as last seen, by key and by index. Pure memory; its only writer is the reflector.
 *  Invariant: every index holds exactly what its function gives for the objects present.
 *  Invariant: an object whose uid changed is reported as deleted and added, never as updated. */
export class ObjectCache<T extends Stored> {
  readonly #objects = new Map<string, T>();
  readonly #indexes = new Map<string, Index<T>>();
  readonly #handlers = new Set<Handler<T>>();

  get size(): number {
    return this.#objects.size;
  }

  get(key: string): T | undefined {
    return this.#objects.get(key);
  }

  /** All objects, in the order in which they first came. */
  values(): IterableIterator<T> {
    return this.#objects.values();
  }

  /** Adds an index, over what is already there too. The same name with another function is refused. */
  addIndex(name: string, valuesOf: IndexFunction<T>): void {
    const existing = this.#indexes.get(name);
    if (existing !== undefined) {
      assert(existing.valuesOf === valuesOf, `two indexes are called ${name}`);
      return;
    }
    const index: Index<T> = { valuesOf, byValue: new Map() };
    this.#indexes.set(name, index);
    for (const [key, object] of this.#objects) put(index, key, object);
  }

  byIndex(name: string, value: string): readonly T[] {
    const index = this.#indexes.get(name);
    assert(index !== undefined, `there is no index ${name}`);
    return [...(index.byValue.get(value)?.values() ?? [])];
  }

  /** How many `byIndex` would give. */
  countByIndex(name: string, value: string): number {
    return this.#indexes.get(name)?.byValue.get(value)?.size ?? 0;
  }

  /** Adds a handler and tells it of what is there. The returned function takes it out. */
  subscribe(handler: Handler<T>): () => void {
    this.#handlers.add(handler);
    if (handler.onAdd !== undefined) for (const object of [...this.#objects.values()]) handler.onAdd(object);
    return () => this.#handlers.delete(handler);
  }

  /** Takes an object in. One with the resourceVersion already held changes nothing. */
  put(object: T): void {
    const key = keyOf(object);
    const previous = this.#objects.get(key);
    if (previous !== undefined && previous.metadata.uid !== object.metadata.uid) this.delete(key);
    const held = this.#objects.get(key);
    if (held !== undefined && held.metadata.resourceVersion === object.metadata.resourceVersion) return;
    if (held !== undefined) this.#unindex(key, held);
    this.#objects.set(key, object);
    for (const index of this.#indexes.values()) put(index, key, object);
    for (const handler of this.#handlers) {
      if (held === undefined) handler.onAdd?.(object);
      else handler.onUpdate?.(object, held);
    }
  }

  /** Takes an object out; `last` is its final state where known. */
  delete(key: string, last?: T): void {
    const held = this.#objects.get(key);
    if (held === undefined) return;
    this.#objects.delete(key);
    this.#unindex(key, held);
    for (const handler of this.#handlers) handler.onDelete?.(last ?? held);
  }

  /** Makes the cache equal to a complete list. */
  replace(objects: Iterable<T>): void {
    const wanted = new Map<string, T>();
    for (const object of objects) wanted.set(keyOf(object), object);
    for (const key of [...this.#objects.keys()]) if (!wanted.has(key)) this.delete(key);
    for (const object of wanted.values()) this.put(object);
  }

  #unindex(key: string, object: T): void {
    for (const { valuesOf, byValue } of this.#indexes.values()) {
      for (const value of valuesOf(object)) {
        const group = byValue.get(value);
        group?.delete(key);
        if (group?.size === 0) byValue.delete(value);
      }
    }
  }
}

interface Index<T> {
  readonly valuesOf: IndexFunction<T>;
  readonly byValue: Map<string, Map<string, T>>;
}

function put<T>(index: Index<T>, key: string, object: T): void {
  for (const value of index.valuesOf(object)) {
    const group = index.byValue.get(value);
    if (group === undefined) index.byValue.set(value, new Map([[key, object]]));
    else group.set(key, object);
  }
}

/** Freezes an object and all it holds; what comes off the wire is shared by every reader of a cache. */
export function deepFreeze<T>(value: T): T {
  if (typeof value === "object" && value !== null && !Object.isFrozen(value)) {
    Object.freeze(value);
    for (const field of Object.values(value)) deepFreeze(field);
  }
  return value;
}
