import type { TaskScope } from "../../base/os/task-scope.ts";
import type { ApiClient } from "../../client/api.ts";
import { orAbsent } from "../../client/api-error.ts";
import { Informer } from "../../client/informer.ts";
import type { Stored } from "../../client/object-cache.ts";
import type { ReflectorDeps } from "../../client/reflector.ts";
import type { Resource } from "../../client/types.ts";
import { firstRead } from "./first-read.ts";

type Followable = Stored & { readonly immutable?: boolean | undefined };

interface Followed<T> {
  readonly informer: Informer<T & Stored>;
  readonly owners: Set<string>;
  readonly stop: AbortController;
}

export type FollowDeps = ReflectorDeps & { readonly client: ApiClient };

/** Single objects of a kind that somebody on this node refers to, each followed by one watch of its own while anybody does: the
 *  node sees nothing else of their namespaces. Immutable ones are kept, not watched. */
export class FollowedKind<T extends Followable> {
  readonly #resource: Resource<T>;
  readonly #deps: FollowDeps;
  readonly #tasks: TaskScope;
  readonly #onChange: (owner: string) => void;
  readonly #tellsFirst: boolean;
  /** By `namespace/name`. */
  readonly #followed = new Map<string, Followed<T>>();

  /** `onChange` hears every owner that refers to an object that came, changed or went; with `tellsFirst` also when it was first
   *  read, whether it is there or not. */
  constructor(
    resource: Resource<T>,
    deps: FollowDeps,
    {
      tasks,
      onChange,
      tellsFirst = false,
    }: {
      readonly tasks: TaskScope;
      readonly onChange: (owner: string) => void;
      readonly tellsFirst?: boolean;
    },
  ) {
    this.#resource = resource;
    this.#deps = deps;
    this.#tasks = tasks;
    this.#onChange = onChange;
    this.#tellsFirst = tellsFirst;
  }

  get watching(): number {
    return [...this.#followed.values()].filter(({ stop }) => !stop.signal.aborted).length;
  }

  add(owner: string, namespace: string, name: string): void {
    const key = `${namespace}/${name}`;
    const known = this.#followed.get(key);
    if (known !== undefined) known.owners.add(owner);
    else this.#followed.set(key, this.#start(namespace, name, new Set([owner])));
  }

  /** The owner refers to nothing any more but to these (`namespace/name`). */
  forget(owner: string, kept: ReadonlySet<string> = new Set()): void {
    for (const [key, { owners, stop }] of this.#followed)
      if (!kept.has(key) && owners.delete(owner) && owners.size === 0) {
        this.#followed.delete(key);
        stop.abort(new Error("nobody refers to it any more"));
      }
  }

  /** What is known of it now; `isRead` is false while it is being read. */
  peek(namespace: string, name: string): { readonly isRead: boolean; readonly object: T | undefined } {
    const informer = this.#followed.get(`${namespace}/${name}`)?.informer;
    return { isRead: informer?.hasSynced ?? false, object: informer?.get({ namespace, name }) };
  }

  /** Undefined when there is no such object. */
  async read(namespace: string, name: string): Promise<T | undefined> {
    const followed = this.#followed.get(`${namespace}/${name}`);
    if (followed === undefined) return orAbsent(this.#deps.client.get(this.#resource, { namespace, name }));
    const { clock } = this.#deps;
    await firstRead(followed.informer, `${this.#resource.plural} ${namespace}/${name}`, {
      clock,
      signal: followed.stop.signal,
    });
    return followed.informer.get({ namespace, name });
  }

  #start(namespace: string, name: string, owners: Set<string>): Followed<T> {
    const scope = { namespace, fieldSelector: `metadata.name=${name}` };
    const informer = new Informer<T & Stored>(this.#resource, scope, this.#deps);
    const stop = new AbortController();
    const tell = () => {
      for (const owner of [...owners]) this.#onChange(owner);
    };
    const changed = () => {
      if (!informer.hasSynced) return; // the first state is what readers wait for
      this.#rest(informer, stop, namespace, name);
      tell();
    };
    informer.subscribe({ onAdd: changed, onUpdate: changed, onDelete: changed });
    this.#tasks.run(`watch of ${this.#resource.plural} ${namespace}/${name}`, async (signal) => {
      const onStop = () => stop.abort(signal.reason);
      signal.addEventListener("abort", onStop, { once: true });
      const first = informer.synced(stop.signal).then(
        () => {
          this.#rest(informer, stop, namespace, name);
          if (this.#tellsFirst) tell();
        },
        () => undefined, // stopped before it was read
      );
      try {
        await informer.run(stop.signal);
      } catch (error) {
        if (!stop.signal.aborted) throw error;
      } finally {
        signal.removeEventListener("abort", onStop);
        await first;
      }
    });
    return { informer, owners, stop };
  }

  /** What cannot change needs no watch. */
  #rest(informer: Informer<T & Stored>, stop: AbortController, namespace: string, name: string): void {
    if (informer.get({ namespace, name })?.immutable) stop.abort(new Error("it is immutable"));
  }
}
