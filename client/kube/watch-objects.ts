import { type Deferred, deferred } from "../../base/deferred.ts";
import { unlessAborted } from "../../base/unless-aborted.ts";
import type { ApiClient } from "../api.ts";
import { ObjectCache, type Stored } from "../object-cache.ts";
import { type ReflectorDeps, reflect, type Scope } from "../reflector.ts";
import type { Kind } from "./define-kind.ts";
import { endingAtFirstRefusal, refusalOf } from "./first-refusal.ts";

/** A change of an object, as it came. Objects are frozen: copy (`structuredClone`) before changing one. */
export type ObjectEvent<T> =
  | { readonly type: "ADDED"; readonly object: T }
  | { readonly type: "MODIFIED"; readonly object: T; readonly previous: T }
  /** The object as it last was; where it went while the connection was cut, as it was last seen. */
  | { readonly type: "DELETED"; readonly object: T };

export interface WatchObjectsOptions extends Scope {
  /** Ends the watch: iteration throws the signal's reason. */
  readonly signal?: AbortSignal | undefined;
  /** False: what exists when the watch begins is not told, only what changes from then on. */
  readonly initial?: boolean;
  /** Called once, when all that existed at the beginning has come. */
  readonly onSynced?: () => void;
}

const left = new Error("the watch was left");

/** Every change of a kind's objects, in order, over cuts, restarts and compactions: what was missed is told as the difference
 *  between what was last seen and what there is now, so that whoever applies the events always has the server's state. (Of
 *  several changes of one object within a gap the last alone is told.) It keeps the objects, as an informer does. Whoever reads
 *  slowly holds the server back. Throws `ApiError` where the server refuses at the beginning; from then on it is asked again.
 *  @param closed Ends it without an error. */
export async function* watchObjects<T extends Stored>(
  kind: Kind<T>,
  options: WatchObjectsOptions,
  deps: ReflectorDeps,
  closed?: AbortSignal,
): AsyncGenerator<ObjectEvent<T>, void, void> {
  const { signal, initial = true, onSynced, ...scope } = options;
  signal?.throwIfAborted();
  const outbox = new Outbox<T>();
  const cache = new ObjectCache<T>();
  let hasSynced = false;
  const push = (event: ObjectEvent<T>) => {
    if (hasSynced || initial) outbox.push(event);
  };
  cache.subscribe({
    onAdd: (object) => push({ type: "ADDED", object }),
    onUpdate: (object, previous) => push({ type: "MODIFIED", object, previous }),
    onDelete: (object) => push({ type: "DELETED", object }),
  });
  const leaving = new AbortController();
  const stop = () => leaving.abort(signal?.reason);
  signal?.addEventListener("abort", stop, { once: true });
  const end = () => outbox.end();
  closed?.addEventListener("abort", end, { once: true });
  if (closed?.aborted) end();
  const client = endingAtFirstRefusal(heldBack(deps.client, outbox), () => hasSynced);
  const following = reflect(
    kind,
    scope,
    cache,
    { ...deps, client },
    {
      signal: leaving.signal,
      onSynced: () => {
        if (hasSynced) return;
        hasSynced = true;
        outbox.atEnd(() => onSynced?.());
      },
    },
  );
  following.catch((error: unknown) => outbox.fail(refusalOf(error)));
  try {
    for (;;) {
      const event = await outbox.next();
      if (signal?.aborted) throw signal.reason;
      if (event === undefined) return;
      yield event;
    }
  } finally {
    signal?.removeEventListener("abort", stop);
    closed?.removeEventListener("abort", end);
    leaving.abort(left);
    outbox.open();
    await following.catch(() => undefined); // its failure has been thrown, or nobody reads on
  }
}

/** The API as asked on behalf of one reader: the next event is read once the last has been taken. */
function heldBack<T extends Stored>(
  client: Pick<ApiClient, "list" | "watch">,
  outbox: Outbox<T>,
): Pick<ApiClient, "list" | "watch"> {
  return {
    list: (resource, options) => client.list(resource, options),
    async *watch(resource, options, signal) {
      for await (const event of client.watch(resource, options, signal)) {
        yield event;
        if (!outbox.isEmpty) await unlessAborted(outbox.emptied(), signal);
      }
    },
  };
}

/** What has come and was not yet taken. Bounded by what one event, or one list's difference, can bring. */
class Outbox<T> {
  #events: (ObjectEvent<T> | (() => void))[] = [];
  #at = 0;
  #reader: Deferred<void> | undefined;
  #emptied: Deferred<void> | undefined;
  #failure: { readonly error: unknown } | undefined;
  #hasEnded = false;

  get isEmpty(): boolean {
    return this.#at === this.#events.length;
  }

  push(event: ObjectEvent<T>): void {
    this.#events.push(event);
    this.#reader?.resolve();
  }

  /** Calls when all before it has been taken. */
  atEnd(call: () => void): void {
    this.#events.push(call);
    this.#reader?.resolve();
  }

  fail(error: unknown): void {
    this.#failure = { error };
    this.#reader?.resolve();
  }

  /** Nothing more comes, and what has not been taken is dropped. */
  end(): void {
    this.#hasEnded = true;
    this.#reader?.resolve();
  }

  /** Resolves when all was taken. */
  emptied(): Promise<void> {
    this.#emptied ??= deferred();
    return this.#emptied.promise;
  }

  /** Nobody reads on. */
  open(): void {
    this.#events = [];
    this.#at = 0;
    this.#emptied?.resolve();
  }

  /** The next event; undefined: it was ended. Rejects once all before the failure was taken. */
  async next(): Promise<ObjectEvent<T> | undefined> {
    for (;;) {
      if (this.#hasEnded) return undefined;
      const next = this.#events[this.#at];
      if (next !== undefined) {
        this.#at++;
        if (typeof next !== "function") return next;
        next();
        continue;
      }
      this.#events = [];
      this.#at = 0;
      this.#emptied?.resolve();
      this.#emptied = undefined;
      if (this.#failure !== undefined) throw this.#failure.error;
      this.#reader = deferred();
      await this.#reader.promise;
      this.#reader = undefined;
    }
  }
}
