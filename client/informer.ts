import { deferred } from "../base/deferred.ts";
import { notPromised } from "../base/not-promised.ts";
import type { TaskScope } from "../base/os/task-scope.ts";
import { unlessAborted } from "../base/unless-aborted.ts";
import { type Handler, type IndexFunction, keyOfRef, ObjectCache, type Stored } from "./object-cache.ts";
import { type Keep, type ReflectorDeps, reflect, type Scope } from "./reflector.ts";
import { apiVersionOf } from "./resources.ts";
import type { Ref, Resource } from "./types.ts";

const namespaceIndex = "namespace";
const ownerIndex = "owner";

const namespaceOf = (object: Stored): readonly string[] => [object.metadata.namespace ?? ""];
const ownersOf = (object: Stored): readonly string[] =>
  (object.metadata.ownerReferences ?? []).map(({ uid }) => uid);

/** A read-only copy of the server's objects of one kind that follows their changes. Objects are frozen and shared:
 *  copy (`structuredClone`) before changing one. What it shows may be behind the server, never ahead. */
export class Informer<T extends Stored> {
  readonly resource: Resource<T>;
  readonly #scope: Scope;
  readonly #deps: ReflectorDeps;
  readonly #keep: Keep<T> | undefined;
  readonly #cache = new ObjectCache<T>();
  readonly #synced = deferred<void>();
  #hasSynced = false;

  constructor(resource: Resource<T>, scope: Scope, deps: ReflectorDeps, keep?: Keep<T>) {
    this.resource = resource;
    this.#keep = keep;
    this.#scope = scope;
    this.#deps = deps;
    this.#cache.addIndex(namespaceIndex, namespaceOf);
    this.#cache.addIndex(ownerIndex, ownersOf);
  }

  /** True once the whole state was taken over; stays true through later interruptions. */
  get hasSynced(): boolean {
    return this.#hasSynced;
  }

  get size(): number {
    return this.#cache.size;
  }

  get(ref: Ref): T | undefined {
    return this.#cache.get(keyOfRef(ref));
  }

  /** By `namespace/name` or, outside namespaces, `name`: the keys of work queues. */
  getByKey(key: string): T | undefined {
    return this.#cache.get(key);
  }

  list(): readonly T[] {
    return [...this.#cache.values()];
  }

  byNamespace(namespace: string): readonly T[] {
    return this.#cache.byIndex(namespaceIndex, namespace);
  }

  /** Objects with an ownerReference (controlling or not) to this uid. */
  byOwner(uid: string): readonly T[] {
    return this.#cache.byIndex(ownerIndex, uid);
  }

  /** How many objects `byOwner` would give. */
  countByOwner(uid: string): number {
    return this.#cache.countByIndex(ownerIndex, uid);
  }

  /** Adds an index of one's own; the same name must come with the same function. */
  addIndex(name: string, valuesOf: IndexFunction<T>): void {
    this.#cache.addIndex(name, valuesOf);
  }

  byIndex(name: string, value: string): readonly T[] {
    return this.#cache.byIndex(name, value);
  }

  /** Adds a handler, which first hears onAdd for everything already there. The returned function takes it out. */
  subscribe(handler: Handler<T>): () => void {
    return this.#cache.subscribe(handler);
  }

  /** Resolves once `hasSynced`; rejects with the signal's reason when it aborts first. */
  synced(signal: AbortSignal): Promise<void> {
    if (this.#hasSynced) return Promise.resolve();
    return new Promise((resolve, reject) => {
      if (signal.aborted) return reject(signal.reason);
      const onAbort = () => reject(signal.reason);
      signal.addEventListener("abort", onAbort, { once: true });
      this.#synced.promise.then(() => {
        signal.removeEventListener("abort", onAbort);
        resolve();
      }, reject);
    });
  }

  /** Resolves with what `find` finds in the cache – anything but undefined, null and false –, as soon as it finds something: it
   *  looks once the cache has synced and after every change. Rejects with what it throws, and with the signal's reason. */
  async until<R>(find: (objects: this) => R | undefined | null | false, signal: AbortSignal): Promise<R> {
    await this.synced(signal);
    const found = deferred<R>();
    let isLooking = false;
    const look = () => {
      if (!isLooking) return;
      try {
        const it = notPromised(find(this), "find");
        if (it === undefined || it === null || it === false) return;
        found.resolve(it);
      } catch (error) {
        found.reject(error);
      }
      isLooking = false;
    };
    const off = this.subscribe({ onUpdate: look, onDelete: look, onAdd: look });
    isLooking = true; // not at each object that was there before
    look();
    try {
      return await unlessAborted(found.promise, signal);
    } finally {
      off();
    }
  }

  /** Follows the server until the signal aborts, then rejects with its reason. Call once. */
  run(signal: AbortSignal): Promise<never> {
    const onSynced = () => {
      this.#hasSynced = true;
      this.#synced.resolve();
    };
    return reflect(this.resource, this.#scope, this.#cache, this.#deps, {
      onSynced,
      signal,
      keep: this.#keep,
    });
  }
}

/** Informers shared by everything in one component: one watch per kind and scope, however many ask.
 *  Invariant: every informer handed out is run by `tasks`, which stops them all. */
export class InformerFactory {
  readonly #deps: ReflectorDeps;
  readonly #tasks: TaskScope;
  readonly #informers = new Map<string, Informer<never>>();

  constructor(tasks: TaskScope, deps: ReflectorDeps) {
    this.#tasks = tasks;
    this.#deps = deps;
  }

  /** The informer of this kind and scope, started if it is new. */
  informer<T extends Stored>(resource: Resource<T>, scope: Scope = {}): Informer<T> {
    const key = JSON.stringify([
      apiVersionOf(resource),
      resource.plural,
      scope.namespace,
      scope.labelSelector,
      scope.fieldSelector,
    ]);
    // The key names the resource and with it T, which the map's type cannot say.
    const existing = this.#informers.get(key) as Informer<T> | undefined;
    if (existing !== undefined) return existing;
    const informer = new Informer(resource, scope, this.#deps);
    this.#informers.set(key, informer as unknown as Informer<never>);
    this.#tasks.run(`informer ${resource.plural}`, (signal) => informer.run(signal));
    return informer;
  }

  /** An informer of one's own, which keeps less of each object: run by these tasks, and so no longer than they are. */
  ownInformer<T extends Stored>(
    tasks: TaskScope,
    resource: Resource<T>,
    { keep, ...scope }: Scope & { readonly keep?: Keep<T> },
  ): Informer<T> {
    const informer = new Informer(resource, scope, this.#deps, keep);
    tasks.run(`informer ${resource.plural}`, (signal) => informer.run(signal));
    return informer;
  }

  /** Resolves once every informer handed out so far shows the whole state. */
  async synced(signal: AbortSignal): Promise<void> {
    await Promise.all([...this.#informers.values()].map((informer) => informer.synced(signal)));
  }
}
