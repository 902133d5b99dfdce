/** A map from strings to values that is walked in the order of the strings' code units; for byte strings (latin1) that is
 *  the order of the bytes. Two levels: sorted leaves of bounded size under one sorted list of leaves, so that a million
 *  entries cost little more than their keys and values, and an insertion moves a few kilobytes at most.
 *  Invariant: no leaf is empty (but the only one of an empty map); `#firsts[i]` <= every key of leaf i, > every key before it. */
const leafEntriesMax = 256;

interface Leaf<V> {
  readonly keys: string[];
  readonly values: V[];
}

export class OrderedMap<V> {
  #leaves: Leaf<V>[] = [{ keys: [], values: [] }];
  #firsts: string[] = [""];
  #size = 0;

  get size(): number {
    return this.#size;
  }

  get(key: string): V | undefined {
    const leaf = this.#leaves[this.#leafOf(key)] as Leaf<V>;
    const at = lowerBound(leaf.keys, key);
    return leaf.keys[at] === key ? leaf.values[at] : undefined;
  }

  has(key: string): boolean {
    const { keys } = this.#leaves[this.#leafOf(key)] as Leaf<V>;
    return keys[lowerBound(keys, key)] === key;
  }

  set(key: string, value: V): void {
    const leafAt = this.#leafOf(key);
    const leaf = this.#leaves[leafAt] as Leaf<V>;
    const { keys, values } = leaf;
    const last = keys.length - 1;
    const at = last >= 0 && (keys[last] as string) < key ? last + 1 : lowerBound(keys, key);
    if (keys[at] === key) {
      values[at] = value;
      return;
    }
    this.#size++;
    if (keys.length < leafEntriesMax) insertAt(leaf, at, key, value);
    else this.#split(leafAt, at, key, value);
  }

  /** True when the key was there. */
  delete(key: string): boolean {
    const leafAt = this.#leafOf(key);
    const leaf = this.#leaves[leafAt] as Leaf<V>;
    const at = lowerBound(leaf.keys, key);
    if (leaf.keys[at] !== key) return false;
    leaf.keys.splice(at, 1);
    leaf.values.splice(at, 1);
    this.#size--;
    if (leaf.keys.length === 0) this.#dropLeaf(leafAt);
    else if (leaf.keys.length < leafEntriesMax / 4) this.#mergeWithNext(leafAt);
    return true;
  }

  /** Visits the entries of [from, to) in order (`to` undefined: to the end) until `visit` answers false. The map must not
   *  change meanwhile. */
  visit(from: string, to: string | undefined, visit: (key: string, value: V) => unknown): void {
    let leafAt = this.#leafOf(from);
    let at = lowerBound((this.#leaves[leafAt] as Leaf<V>).keys, from);
    for (; leafAt < this.#leaves.length; leafAt++, at = 0) {
      const { keys, values } = this.#leaves[leafAt] as Leaf<V>;
      for (; at < keys.length; at++) {
        const key = keys[at] as string;
        if (to !== undefined && key >= to) return;
        if (visit(key, values[at] as V) === false) return;
      }
    }
  }

  /** The first entry at or after `from`. */
  ceiling(from: string): { readonly key: string; readonly value: V } | undefined {
    let found: { readonly key: string; readonly value: V } | undefined;
    this.visit(from, undefined, (key, value) => {
      found = { key, value };
      return false;
    });
    return found;
  }

  clear(): void {
    this.#leaves = [{ keys: [], values: [] }];
    this.#firsts = [""];
    this.#size = 0;
  }

  /** The leaf that holds the key or would. */
  #leafOf(key: string): number {
    const firsts = this.#firsts;
    let low = 0;
    let high = firsts.length - 1;
    if (key >= (firsts[high] as string)) return high; // keys often come in rising order
    while (low < high) {
      const middle = (low + high + 1) >>> 1;
      if ((firsts[middle] as string) <= key) low = middle;
      else high = middle - 1;
    }
    return low;
  }

  /** Splits a full leaf and inserts. Keys appended in order leave full leaves behind them. */
  #split(leafAt: number, at: number, key: string, value: V): void {
    const leaf = this.#leaves[leafAt] as Leaf<V>;
    const appending = leafAt === this.#leaves.length - 1 && at === leaf.keys.length;
    const half = appending ? leaf.keys.length : leaf.keys.length >>> 1;
    const right: Leaf<V> = { keys: leaf.keys.splice(half), values: leaf.values.splice(half) };
    if (at > half || appending) insertAt(right, at - half, key, value);
    else insertAt(leaf, at, key, value);
    this.#leaves.splice(leafAt + 1, 0, right);
    this.#firsts.splice(leafAt + 1, 0, right.keys[0] as string);
  }

  #dropLeaf(leafAt: number): void {
    if (this.#leaves.length === 1) return;
    this.#leaves.splice(leafAt, 1);
    this.#firsts.splice(leafAt, 1);
    if (leafAt === 0) this.#firsts[0] = "";
  }

  #mergeWithNext(leafAt: number): void {
    const leaf = this.#leaves[leafAt] as Leaf<V>;
    const next = this.#leaves[leafAt + 1];
    if (next === undefined || leaf.keys.length + next.keys.length > leafEntriesMax / 2) return;
    leaf.keys.push(...next.keys);
    leaf.values.push(...next.values);
    this.#leaves.splice(leafAt + 1, 1);
    this.#firsts.splice(leafAt + 1, 1);
  }
}

/** The first position whose key is at or after `key`. */
function lowerBound(keys: readonly string[], key: string): number {
  let low = 0;
  let high = keys.length;
  while (low < high) {
    const middle = (low + high) >>> 1;
    if ((keys[middle] as string) < key) low = middle + 1;
    else high = middle;
  }
  return low;
}

function insertAt<V>(leaf: Leaf<V>, at: number, key: string, value: V): void {
  if (at === leaf.keys.length) {
    leaf.keys.push(key);
    leaf.values.push(value);
  } else {
    leaf.keys.splice(at, 0, key);
    leaf.values.splice(at, 0, value);
  }
}
