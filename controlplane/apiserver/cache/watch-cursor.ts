import type { StoredObject } from "../registry/stored-object.ts";
import type { CacheEvent, EventWindow } from "./event-window.ts";
import type { KindCache } from "./kind-cache.ts";
import { inScope, type Scope } from "./scope.ts";
import type { WatchShare } from "./watch-index.ts";

/** What a watcher is told. `object` is the state to show; of a removal it is the last state, at `revision`. */
export interface Notice {
  readonly type: "ADDED" | "MODIFIED" | "DELETED";
  readonly object: StoredObject;
  readonly revision: number;
  /** It happened just now, and others are told the same; else it is part of one reader's starting state. */
  readonly isEvent: boolean;
  /** The state before, where the reader was told of it. */
  readonly previous?: StoredObject;
}

/** An event as somebody with that scope sees it: entering it is ADDED and leaving it DELETED, whatever happened. */
export function noticeOf(event: CacheEvent, scope: Scope): Notice | undefined {
  const { object, previous, revision } = event;
  const now = object !== undefined && inScope(scope, object);
  const before = previous !== undefined && inScope(scope, previous);
  if (now && before) return { type: "MODIFIED", object, revision, isEvent: true, previous };
  if (now) return { type: "ADDED", object, revision, isEvent: true };
  return before ? { type: "DELETED", object: previous, revision, isEvent: true } : undefined;
}

/** A reader's place in a kind's changes: first the objects of a starting state, if wanted, then every change after.
 *  Invariant: nothing is told whose revision is not above what the reader said it has seen, though another server told it
 *  and this one is still behind. */
export class WatchCursor {
  readonly #window: EventWindow;
  readonly #scope: Scope;
  /** The reader has seen everything up to here. */
  readonly #seenRevision: number;
  #initial: readonly StoredObject[];
  #initialAt = 0;
  #sequence: number;
  #share: WatchShare | undefined;

  /** @param start a revision to resume after (in the window, or ahead of it), or the objects to begin with. */
  constructor(
    cache: KindCache,
    scope: Scope,
    start: { readonly after: number } | { readonly initial: boolean },
  ) {
    this.#window = cache.window;
    this.#scope = scope;
    if ("after" in start) {
      const sequence = this.#window.after(start.after);
      if (sequence === "gone") throw new RangeError(`revision ${start.after} has left the window`);
      this.#sequence = sequence;
      this.#seenRevision = start.after;
      this.#initial = [];
    } else {
      this.#sequence = this.#window.end;
      this.#seenRevision = 0;
      this.#initial = start.initial ? cache.select(scope) : [];
      if (this.#initial.length > 0) cache.figures.initial.count += this.#initial.length;
    }
  }

  /** The next notice; `undefined` when there is none yet; `"gone"` when the reader was too slow. */
  next(): Notice | undefined | "gone" {
    const object = this.#initial[this.#initialAt];
    if (object !== undefined) {
      this.#initialAt++;
      if (this.#initialAt === this.#initial.length) this.#initial = [];
      return { type: "ADDED", object, revision: object.revision, isEvent: false };
    }
    for (;;) {
      if (this.#share !== undefined && this.#sequence >= this.#share.firstSequence) {
        const concerning = this.#share.next(this.#sequence);
        if (concerning === undefined || concerning === "gone") return concerning;
        this.#sequence = concerning;
      }
      const event = this.#window.at(this.#sequence);
      if (event === undefined || event === "gone") return event;
      this.#sequence++;
      if (event.revision <= this.#seenRevision) continue;
      const notice = noticeOf(event, this.#scope);
      if (notice !== undefined) return notice;
    }
  }

  get scope(): Scope {
    return this.#scope;
  }

  /** From now on only the events of that share are looked at, once those before it are read; all where there is none. */
  follow(share: WatchShare | undefined): void {
    this.#share = share;
  }

  /** May the reader be told that it has seen everything up to the cache's revision? Not when that is below what it has
   *  seen already, nor when the cache has started over since. */
  mayMark(cache: KindCache): boolean {
    return this.isOf(cache) && cache.revision >= this.#seenRevision;
  }

  /** False once the cache has started over: what comes after is not in this reader's window. */
  isOf(cache: KindCache): boolean {
    return cache.window === this.#window;
  }

  /** The starting state was read to its end. */
  get initialDone(): boolean {
    return this.#initial.length === 0;
  }
}
