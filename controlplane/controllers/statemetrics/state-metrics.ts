import type { Clock } from "../../../base/os/clock.ts";
import type { Log } from "../../../base/os/log.ts";
import type { Random } from "../../../base/os/random.ts";
import { Counting, counterLines, TallyFamily } from "../../../base/os/tally.ts";
import { TaskScope } from "../../../base/os/task-scope.ts";
import type { ApiClient } from "../../../client/api.ts";
import { Informer } from "../../../client/informer.ts";
import type { Stored } from "../../../client/object-cache.ts";
import type { Resource } from "../../../client/types.ts";
import type { AllowLists } from "./allow-lists.ts";
import { kindText, type ObjectText, objectText } from "./state-text.ts";
import type { AnyStateKind } from "./table.ts";

export const stateMetricsTimes = {
  /** When nobody has asked for so long, nothing is followed any more. */
  idleMs: 600_000,
  /** Who asks first waits so long for the whole state; Prometheus' own patience ends at ten seconds. */
  syncMs: 9_000,
} as const;

export interface StateMetricsConfig {
  readonly kinds: readonly AnyStateKind[];
  readonly allowed: AllowLists;
}

export interface StateMetricsDeps {
  readonly client: Pick<ApiClient, "list" | "watch">;
  readonly clock: Clock;
  readonly random: Random;
  readonly log: Log;
}

/** An object of which nothing is kept but its lines. */
interface Told extends Stored {
  readonly text: ObjectText;
}

interface Following {
  readonly tasks: TaskScope;
  readonly caches: readonly (readonly [AnyStateKind, Informer<Told>])[];
}

/** The state of the cluster's objects as kube-state-metrics tells of it. Nothing is followed before somebody asks. Then a
 *  change costs the lines of its object, made once; an answer puts lines together that are there already. */
export class StateMetrics {
  readonly #config: StateMetricsConfig;
  readonly #deps: StateMetricsDeps;
  readonly #lists: Requests;
  readonly #watches: Requests;
  #following: Following | undefined;
  #cancelIdle: (() => void) | undefined;

  constructor(config: StateMetricsConfig, deps: StateMetricsDeps) {
    this.#config = config;
    this.#deps = deps;
    const { lists, watches } = requestTotals();
    this.#lists = lists;
    this.#watches = watches;
  }

  /** In pieces. Rejects where not all is known in time, or the signal aborts. */
  async text(signal: AbortSignal): Promise<Iterable<string>> {
    this.#following ??= this.#follow();
    const { tasks, caches } = this.#following;
    this.#cancelIdle?.();
    this.#cancelIdle = this.#deps.clock.after(stateMetricsTimes.idleMs, () => void this.stop());
    const late = new AbortController();
    const cancel = this.#deps.clock.after(stateMetricsTimes.syncMs, () =>
      late.abort(new Error("the state is still being read: ask again")),
    );
    const until = AbortSignal.any([signal, late.signal, tasks.signal]);
    try {
      await Promise.all(caches.map(([, cache]) => cache.synced(until)));
    } finally {
      cancel();
    }
    return this.#pieces(caches);
  }

  /** Nothing is followed until somebody asks again. */
  async stop(): Promise<void> {
    this.#cancelIdle?.();
    this.#cancelIdle = undefined;
    const before = this.#following;
    this.#following = undefined;
    await before?.tasks.stop();
  }

  *#pieces(caches: Following["caches"]): Generator<string> {
    for (const [kind, cache] of caches) {
      const texts = cache.list().map(({ text }) => text);
      if (texts.length > 0) yield* kindText(kind, texts);
    }
    yield this.#lists.text() + this.#watches.text();
  }

  #follow(): Following {
    const { kinds, allowed } = this.#config;
    const { clock, random, log } = this.#deps;
    const tasks = new TaskScope(log);
    const deps = { client: this.#counted(), clock, random, log };
    const caches = kinds.map((kind) => {
      // What follows holds the objects as they come, and after `keep` nothing but lines.
      const resource = kind.resource as Resource<Told>;
      const cache = new Informer(resource, {}, deps, (object) => told(kind, object, allowed));
      tasks.run(`state of ${resource.plural}`, (signal) => cache.run(signal));
      return [kind, cache] as const;
    });
    log.info("the state of objects is followed, as somebody asks for /metrics/state");
    return { tasks, caches };
  }

  #counted(): StateMetricsDeps["client"] {
    const { client } = this.#deps;
    const tell = (of: Requests, { version, kind }: Resource<unknown>, result: "success" | "error") => {
      of.of({ resource: `*${version}.${kind}`, result }).count++;
    };
    const [lists, watches] = [this.#lists, this.#watches];
    return {
      async list(resource, options) {
        try {
          const page = await client.list(resource, options);
          tell(lists, resource, "success");
          return page;
        } catch (error) {
          tell(lists, resource, "error");
          throw error;
        }
      },
      async *watch(resource, options, signal) {
        let began = false;
        try {
          for await (const event of client.watch(resource, options, signal)) {
            if (!began) tell(watches, resource, "success");
            began = true;
            yield event;
          }
        } catch (error) {
          if (!signal.aborted) tell(watches, resource, "error");
          throw error;
        }
      },
    };
  }
}

type Requests = TallyFamily<"resource" | "result", Counting>;

/** What kube-state-metrics tells of its own requests. */
export const requestTotals = () => ({
  lists: requests("kube_state_metrics_list_total", "Number of total resource list calls"),
  watches: requests("kube_state_metrics_watch_total", "Number of total resource watch calls"),
});

const requests = (name: string, help: string): Requests =>
  new TallyFamily({ name, help, type: "counter" }, () => new Counting(), counterLines);

function told(kind: AnyStateKind, object: Stored, allowed: AllowLists): Told {
  const { name, namespace, uid, resourceVersion, creationTimestamp } = object.metadata;
  const metadata = {
    name,
    ...(namespace !== undefined && { namespace }),
    uid,
    resourceVersion,
    creationTimestamp,
  };
  return { metadata, text: objectText(kind, object, allowed) };
}
