import { sleep } from "../../base/os/clock.ts";
import type { TaskScope } from "../../base/os/task-scope.ts";
import type { ApiClient } from "../../client/api.ts";
import { orAbsent } from "../../client/api-error.ts";
import { Informer } from "../../client/informer.ts";
import type { Stored } from "../../client/object-cache.ts";
import type { ReflectorDeps } from "../../client/reflector.ts";
import { resources } from "../../client/resources.ts";
import { podReferences } from "../../client/rules/pod-references.ts";
import type { ConfigMap, Pod, Resource, Secret } from "../../client/types.ts";
import { ConfigError, type Sources } from "./environment.ts";

export const followLimits = { firstReadMs: 10_000 } as const;

type Followable = Stored & { readonly immutable?: boolean | undefined };

interface Followed<T> {
  readonly informer: Informer<T & Stored>;
  readonly pods: Set<string>;
  readonly stop: AbortController;
}

type Deps = ReflectorDeps & { readonly client: ApiClient };

/** Config maps and secrets that pods of this node refer to, each followed by one watch of its own while any does: the
 *  node sees nothing else of their namespaces. Immutable ones are kept, not watched. */
export class FollowedObjects implements Sources {
  readonly #configMaps: FollowedKind<ConfigMap>;
  readonly #secrets: FollowedKind<Secret>;

  /** `onChange` hears the uid of every pod that refers to an object that came, changed or went. */
  constructor(deps: Deps, tasks: TaskScope, onChange: (podUid: string) => void) {
    this.#configMaps = new FollowedKind(resources.configmaps, deps, tasks, onChange);
    this.#secrets = new FollowedKind(resources.secrets, deps, tasks, onChange);
  }

  /** Follows what the pod refers to; again is fine: while a pod lives, that only grows (by ephemeral containers). */
  follow(pod: Pod): void {
    const { uid, name: podName, namespace = "" } = pod.metadata;
    const { configMaps, secrets } = podReferences(pod.spec, podName);
    for (const name of configMaps) this.#configMaps.add(uid, namespace, name);
    for (const name of secrets) this.#secrets.add(uid, namespace, name);
  }

  /** The pod is gone. */
  forget(podUid: string): void {
    this.#configMaps.forget(podUid);
    this.#secrets.forget(podUid);
  }

  configMap = (namespace: string, name: string): Promise<ConfigMap | undefined> =>
    this.#configMaps.read(namespace, name);

  secret = (namespace: string, name: string): Promise<Secret | undefined> =>
    this.#secrets.read(namespace, name);

  /** How many watches there are. */
  get watching(): number {
    return this.#configMaps.watching + this.#secrets.watching;
  }
}

class FollowedKind<T extends Followable> {
  readonly #resource: Resource<T>;
  readonly #deps: Deps;
  readonly #tasks: TaskScope;
  readonly #onChange: (podUid: string) => void;
  /** By `namespace/name`. */
  readonly #followed = new Map<string, Followed<T>>();

  constructor(resource: Resource<T>, deps: Deps, tasks: TaskScope, onChange: (podUid: string) => void) {
    this.#resource = resource;
    this.#deps = deps;
    this.#tasks = tasks;
    this.#onChange = onChange;
  }

  get watching(): number {
    return [...this.#followed.values()].filter(({ stop }) => !stop.signal.aborted).length;
  }

  add(podUid: string, namespace: string, name: string): void {
    const key = `${namespace}/${name}`;
    const known = this.#followed.get(key);
    if (known !== undefined) known.pods.add(podUid);
    else this.#followed.set(key, this.#start(namespace, name, new Set([podUid])));
  }

  forget(podUid: string): void {
    for (const [key, { pods, stop }] of this.#followed)
      if (pods.delete(podUid) && pods.size === 0) {
        this.#followed.delete(key);
        stop.abort(new Error("no pod refers to it any more"));
      }
  }

  /** Undefined when there is no such object. */
  async read(namespace: string, name: string): Promise<T | undefined> {
    const followed = this.#followed.get(`${namespace}/${name}`);
    if (followed === undefined) return orAbsent(this.#deps.client.get(this.#resource, { namespace, name }));
    await this.#firstRead(followed, `${this.#resource.plural} ${namespace}/${name}`);
    return followed.informer.get({ namespace, name });
  }

  async #firstRead({ informer, stop }: Followed<T>, what: string): Promise<void> {
    if (informer.hasSynced) return;
    const waited = new AbortController();
    const late = sleep(this.#deps.clock, followLimits.firstReadMs, waited.signal).then(
      () => waited.abort(new ConfigError(`cannot read ${what}: timed out waiting for it`)),
      () => undefined, // it was read in time
    );
    const onStop = () => waited.abort(stop.signal.reason);
    stop.signal.addEventListener("abort", onStop, { once: true });
    try {
      await informer.synced(waited.signal);
    } finally {
      stop.signal.removeEventListener("abort", onStop);
      waited.abort();
      await late;
    }
  }

  #start(namespace: string, name: string, pods: Set<string>): Followed<T> {
    const scope = { namespace, fieldSelector: `metadata.name=${name}` };
    const informer = new Informer<T & Stored>(this.#resource, scope, this.#deps);
    const stop = new AbortController();
    const changed = () => {
      if (!informer.hasSynced) return; // the first state is what readers wait for
      this.#rest(informer, stop, namespace, name);
      for (const uid of [...pods]) this.#onChange(uid);
    };
    informer.subscribe({ onAdd: changed, onUpdate: changed, onDelete: changed });
    this.#tasks.run(`watch of ${this.#resource.plural} ${namespace}/${name}`, async (signal) => {
      const onStop = () => stop.abort(signal.reason);
      signal.addEventListener("abort", onStop, { once: true });
      const first = informer.synced(stop.signal).then(
        () => this.#rest(informer, stop, namespace, name),
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
    return { informer, pods, stop };
  }

  /** What cannot change needs no watch. */
  #rest(informer: Informer<T & Stored>, stop: AbortController, namespace: string, name: string): void {
    if (informer.get({ namespace, name })?.immutable) stop.abort(new Error("it is immutable"));
  }
}
