import { TaskScope } from "../../base/os/task-scope.ts";
import { type Informer, InformerFactory } from "../informer.ts";
import type { Stored } from "../object-cache.ts";
import type { ReflectorDeps, Scope } from "../reflector.ts";
import type { Kind } from "./define-kind.ts";

/** Caches that follow a cluster: one watch for each kind and scope, however many ask for it. They go on over cuts and refusals,
 *  which the client's log tells of, until `stop`.
 *
 *      await using informers = new Informers(api);
 *      const pods = informers.of(kinds.Pod, { namespace: "default" });
 *      await informers.synced();
 *      for (const pod of pods.list()) …
 */
export class Informers implements AsyncDisposable {
  readonly #tasks: TaskScope;
  readonly #factory: InformerFactory;

  constructor(api: { readonly deps: ReflectorDeps }) {
    this.#tasks = new TaskScope(api.deps.log);
    this.#factory = new InformerFactory(this.#tasks, api.deps);
  }

  /** The cache of a kind's objects; it starts at once and fills in the background. */
  of<T extends Stored>(kind: Kind<T>, scope: Scope = {}): Informer<T> {
    return this.#factory.informer(kind, scope);
  }

  /** Resolves once every cache handed out so far shows the whole state. Rejects with the signal's reason, or once stopped. */
  async synced(signal?: AbortSignal): Promise<void> {
    const { signal: stopped } = this.#tasks;
    await this.#factory.synced(signal === undefined ? stopped : AbortSignal.any([stopped, signal]));
  }

  /** Rejects when one of the caches broke, which is a handler's error; resolves once stopped. */
  untilStopped(): Promise<void> {
    return this.#tasks.untilStopped();
  }

  /** Ends every watch. Caches keep what they have. */
  stop(): Promise<void> {
    return this.#tasks.stop();
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.stop();
  }
}
