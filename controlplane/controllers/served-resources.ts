import { type Deferred, deferred } from "../../base/deferred.ts";
import type { Clock } from "../../base/os/clock.ts";
import type { Log } from "../../base/os/log.ts";
import type { TaskScope } from "../../base/os/task-scope.ts";
import { unlessAborted } from "../../base/unless-aborted.ts";
import { ApiError, ConnectionError } from "../../client/api-error.ts";
import type { InformerFactory } from "../../client/informer.ts";
import type { KubeObject, Resource } from "../../client/types.ts";
import type { ControllerClient } from "./controller.ts";
import { discover, type ServedResource } from "./discovery.ts";

/** What changes which kinds are served. */
const definitions: readonly Resource<KubeObject>[] = [
  {
    group: "apiextensions.k8s.io",
    version: "v1",
    kind: "CustomResourceDefinition",
    plural: "customresourcedefinitions",
    namespaced: false,
  },
  {
    group: "apiregistration.k8s.io",
    version: "v1",
    kind: "APIService",
    plural: "apiservices",
    namespaced: false,
  },
];

export const servedLimits = {
  /** After a change it is asked at once, and after these pauses again: the server that answers may be a moment behind. */
  settlingMs: [1_000, 5_000],
  /** Whatever else changes what is served: another release of the server, a group that answers again. */
  fallbackMs: 30_000,
  /** The server may not be ready yet. */
  retryMs: 1_000,
} as const;

export interface ServedDeps {
  readonly client: Pick<ControllerClient, "raw">;
  readonly metadataInformers: InformerFactory;
  readonly clock: Clock;
  readonly log: Log;
  readonly tasks: TaskScope;
}

/** Which kinds the server serves, for all controllers of a term together: discovery is asked as definitions and API services
 *  come, change and go, and now and then. Nothing runs before somebody wants to know. */
export class ServedResources {
  readonly #deps: ServedDeps;
  readonly #first = deferred<void>();
  readonly #listeners = new Set<() => void>();
  #started = false;
  #resources: readonly ServedResource[] | undefined;
  #wake: Deferred<void> = deferred();
  #changed = false;

  constructor(deps: ServedDeps) {
    this.#deps = deps;
  }

  /** What discovery said last; waits for its first answer. */
  async current(signal: AbortSignal): Promise<readonly ServedResource[]> {
    this.#start();
    await unlessAborted(this.#first.promise, signal);
    return this.#resources ?? [];
  }

  /** Calls the listener each time that other kinds are served than before. */
  onChange(listener: () => void): void {
    this.#listeners.add(listener);
  }

  /** What is served, and again whenever it is something else. */
  async *follow(signal: AbortSignal): AsyncGenerator<readonly ServedResource[], never> {
    let changed = deferred<void>();
    this.onChange(() => changed.resolve());
    for (;;) {
      yield await this.current(signal);
      await unlessAborted(changed.promise, signal);
      changed = deferred();
    }
  }

  #start(): void {
    if (this.#started) return;
    this.#started = true;
    const change = () => {
      this.#changed = true;
      this.#wake.resolve();
    };
    for (const kind of definitions)
      this.#deps.metadataInformers
        .informer(kind)
        .subscribe({ onAdd: change, onUpdate: change, onDelete: change });
    this.#deps.tasks.run("discovery", (signal) => this.#run(signal));
  }

  async #run(signal: AbortSignal): Promise<never> {
    let settled = 0;
    for (;;) {
      if (this.#changed) settled = 0;
      this.#changed = false;
      this.#wake = deferred();
      const pauseMs = (await this.#look(signal))
        ? (servedLimits.settlingMs[settled++] ?? servedLimits.fallbackMs)
        : servedLimits.retryMs;
      const cancel = this.#deps.clock.after(pauseMs, () => this.#wake.resolve());
      try {
        await unlessAborted(this.#wake.promise, signal);
      } finally {
        cancel();
      }
    }
  }

  async #look(signal: AbortSignal): Promise<boolean> {
    try {
      const { resources } = await discover(this.#deps.client, signal);
      const before = this.#resources;
      this.#resources = resources;
      this.#first.resolve();
      if (before !== undefined && JSON.stringify(before) !== JSON.stringify(resources))
        for (const listener of this.#listeners) listener();
      return true;
    } catch (error) {
      if (!(error instanceof ApiError || error instanceof ConnectionError)) throw error;
      this.#deps.log.debug("discovery failed", { error });
      return false;
    }
  }
}
