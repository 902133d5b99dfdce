import { ownField } from "../../../base/own-field.ts";
import type { StoredObject } from "../registry/stored-object.ts";
import { kindPrefix } from "../registry/stored-object.ts";
import type { EventWindow } from "./event-window.ts";
import { fieldValue } from "./field-index.ts";
import type { Scope } from "./scope.ts";
import { Turns } from "./turns.ts";

/** Somebody who is told that there is more in the window, or that the cache starts over. */
export interface CacheListener {
  wake(): void;
  end(): void;
}

/** What an object says of itself in one respect: a field's value, a label's, its namespace. Absent: nothing. */
type Aspect = (object: StoredObject) => string | undefined;

/** One value that a scope wants in one respect: no event concerns it whose object has another, before and after. */
interface Wish {
  /** The same for the same respect. */
  readonly name: string;
  readonly aspect: Aspect;
  readonly value: string;
}

/** The events that concern those who want one value, by sequence number, and who they are. */
export class WatchShare {
  readonly listeners = new Set<CacheListener>();
  /** Events from here on are in `#sequences`; whoever has not read those before looks into the window. */
  readonly firstSequence: number;
  #sequences: number[] = [];
  /** Everything below has left the window. */
  #goneBelow = 0;

  constructor(firstSequence: number) {
    this.firstSequence = firstSequence;
  }

  push(sequence: number, headSequence: number): void {
    this.#sequences.push(sequence);
    if ((this.#sequences[0] ?? 0) >= headSequence) return;
    const kept = this.#sequences.findIndex((one) => one >= headSequence);
    this.#goneBelow = (this.#sequences[kept - 1] ?? 0) + 1;
    this.#sequences = this.#sequences.slice(kept);
  }

  /** The first event from `sequence` on that concerns these listeners. */
  next(sequence: number): number | undefined | "gone" {
    if (sequence < this.#goneBelow) return "gone";
    let low = 0;
    let high = this.#sequences.length;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if ((this.#sequences[middle] ?? 0) < sequence) low = middle + 1;
      else high = middle;
    }
    return this.#sequences[low];
  }
}

/** Finds the watchers that an event may concern, by what their scopes fix to one value, so that an event costs those and not
 *  all: five thousand nodes that each watch their own pods cost what one does. */
export class WatchIndex {
  readonly #everybody = new WatchShare(0);
  readonly #turns = new Turns<CacheListener>((listener) => listener.wake());
  readonly #kindPrefix: string;
  readonly #aspects = new Map<
    string,
    { readonly aspect: Aspect; readonly shares: Map<string, WatchShare> }
  >();

  constructor(kindPrefix: string) {
    this.#kindPrefix = kindPrefix;
  }

  get listenerCount(): number {
    return [...this.#listeners()].length;
  }

  /** From now on the listener is woken by events that may concern the scope. Undefined in place of a share: by all. */
  add(
    listener: CacheListener,
    scope: Scope | undefined,
    window: EventWindow,
  ): { readonly share: WatchShare | undefined; readonly leave: () => void } {
    const wish = scope && wishOf(scope, this.#kindPrefix);
    if (wish === undefined) {
      this.#everybody.listeners.add(listener);
      return { share: undefined, leave: () => this.#leave(this.#everybody, listener) };
    }
    const { name, aspect, value } = wish;
    const known = this.#aspects.get(name) ?? { aspect, shares: new Map<string, WatchShare>() };
    this.#aspects.set(name, known);
    const share = known.shares.get(value) ?? new WatchShare(window.end);
    known.shares.set(value, share);
    share.listeners.add(listener);
    const leave = () => {
      this.#leave(share, listener);
      if (share.listeners.size > 0 || known.shares.get(value) !== share) return;
      known.shares.delete(value);
      if (known.shares.size === 0) this.#aspects.delete(name);
    };
    return { share, leave };
  }

  /** Notes an event that was just pushed, and adds to `shares` those whom it may concern. */
  note(event: Concerned, window: EventWindow, shares: Set<WatchShare>): void {
    shares.add(this.#everybody);
    for (const { aspect, shares: byValue } of this.#aspects.values()) {
      const before = event.previous && aspect(event.previous);
      const now = event.object && aspect(event.object);
      for (const value of before === now ? [now] : [before, now]) {
        const share = value === undefined ? undefined : byValue.get(value);
        if (share === undefined) continue;
        share.push(window.end - 1, window.headSequence);
        shares.add(share);
      }
    }
  }

  /** The listeners of these are told that there is more: some now, the others in turn. */
  wake(shares: Iterable<WatchShare>): void {
    for (const { listeners } of shares) for (const listener of listeners) this.#turns.add(listener);
    this.#turns.take();
  }

  #leave(share: WatchShare, listener: CacheListener): void {
    share.listeners.delete(listener);
    this.#turns.drop(listener);
  }

  end(): void {
    for (const listener of [...this.#listeners()]) listener.end();
  }

  *#listeners(): Generator<CacheListener> {
    yield* this.#everybody.listeners;
    for (const { shares } of this.#aspects.values())
      for (const share of shares.values()) yield* share.listeners;
  }
}

interface Concerned {
  readonly object: StoredObject | undefined;
  readonly previous: StoredObject | undefined;
}

/** What a scope wants that fewest objects have: one name, another field's value, a label's, a namespace. Undefined: nothing
 *  that is one value. Namespaces are in the prefix, where it is more than the kind's. Pure. */
function wishOf({ prefix, labels, fields }: Scope, wholeKind: string): Wish | undefined {
  const fixed = fields.filter(({ equal }) => equal);
  const field =
    fixed.find(({ field }) => field === "metadata.name") ??
    fixed.find(({ field }) => field !== "metadata.namespace") ??
    fixed[0];
  if (field !== undefined) {
    const name = field.field;
    return { name: `field ${name}`, aspect: (object) => fieldValue(object, name), value: field.value };
  }
  for (const label of labels) {
    if (label.op !== "in" || label.values.size !== 1) continue;
    const { key } = label;
    const [value = ""] = label.values;
    return { name: `label ${key}`, aspect: (object) => object.labels && ownField(object.labels, key), value };
  }
  return prefix === wholeKind ? undefined : { name: "namespace", aspect: namespacePrefix, value: prefix };
}

/** The prefix of a list of the object's namespace. */
function namespacePrefix({ kind, key }: StoredObject): string {
  return key.slice(0, key.indexOf("/", kindPrefix(kind).length) + 1);
}
