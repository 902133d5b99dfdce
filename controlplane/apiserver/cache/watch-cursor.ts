import type { FieldRequirement, LabelRequirement } from "../registry/selectors.ts";
import { matchesFields, matchesLabels } from "../registry/selectors.ts";
import type { StoredObject } from "../registry/stored-object.ts";
import type { CacheEvent } from "./event-window.ts";
import type { KindCache } from "./kind-cache.ts";

/** Which objects of a kind somebody wants. */
export interface Scope {
  /** Key prefix: the kind's, or one namespace's. */
  readonly prefix: string;
  readonly labels: readonly LabelRequirement[];
  readonly fields: readonly FieldRequirement[];
}

export function inScope(scope: Scope, object: StoredObject): boolean {
  return (
    object.key.startsWith(scope.prefix) &&
    matchesLabels(scope.labels, object.labels) &&
    (scope.fields.length === 0 || matchesFields(scope.fields, object.fields()))
  );
}

/** What a watcher is told. `object` is the state to show; of a removal it is the last state, at `revision`. */
export interface Notice {
  readonly type: "ADDED" | "MODIFIED" | "DELETED";
  readonly object: StoredObject;
  readonly revision: number;
}

/** An event as somebody with that scope sees it: entering it is ADDED and leaving it DELETED, whatever happened. */
export function noticeOf(event: CacheEvent, scope: Scope): Notice | undefined {
  const { object, previous, revision } = event;
  const now = object !== undefined && inScope(scope, object);
  const before = previous !== undefined && inScope(scope, previous);
  if (now) return { type: before ? "MODIFIED" : "ADDED", object, revision };
  return before ? { type: "DELETED", object: previous, revision } : undefined;
}

/** A reader's place in a kind's changes: first the objects of a starting state, if wanted, then every change after. */
export class WatchCursor {
  readonly #cache: KindCache;
  readonly #scope: Scope;
  #initial: readonly StoredObject[];
  #initialAt = 0;
  #sequence: number;

  /** @param start a revision to resume after (it must be in the window), or the objects to begin with. */
  constructor(
    cache: KindCache,
    scope: Scope,
    start: { readonly after: number } | { readonly initial: boolean },
  ) {
    this.#cache = cache;
    this.#scope = scope;
    if ("after" in start) {
      const sequence = cache.window.after(start.after);
      if (sequence === "gone") throw new RangeError(`revision ${start.after} has left the window`);
      this.#sequence = sequence;
      this.#initial = [];
    } else {
      this.#sequence = cache.window.end;
      this.#initial = start.initial
        ? cache.list(scope.prefix).filter((object) => inScope(scope, object))
        : [];
    }
  }

  /** The next notice; `undefined` when there is none yet; `"gone"` when the reader was too slow. */
  next(): Notice | undefined | "gone" {
    const object = this.#initial[this.#initialAt];
    if (object !== undefined) {
      this.#initialAt++;
      if (this.#initialAt === this.#initial.length) this.#initial = [];
      return { type: "ADDED", object, revision: object.revision };
    }
    for (;;) {
      const event = this.#cache.window.at(this.#sequence);
      if (event === undefined || event === "gone") return event;
      this.#sequence++;
      const notice = noticeOf(event, this.#scope);
      if (notice !== undefined) return notice;
    }
  }

  /** The starting state was read to its end. */
  get initialDone(): boolean {
    return this.#initial.length === 0;
  }
}
