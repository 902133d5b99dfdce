import type { Clock } from "../../../base/os/clock.ts";
import type { Meter } from "../../../base/os/metrics.ts";
import type { Buckets, Counting } from "../../../base/os/tally.ts";
import { activeTrace, spanned } from "../../../base/tracing/active-span.ts";
import type { Kinds } from "../registry/kind-table.ts";
import type {
  ChangeBatch,
  CommitResult,
  ListOptions,
  ListResult,
  Storage,
  Transaction,
} from "../registry/storage.ts";
import { kindPrefix } from "../registry/stored-object.ts";

const bounds = [
  0.005, 0.025, 0.05, 0.1, 0.2, 0.4, 0.6, 0.8, 1, 1.25, 1.5, 2, 3, 4, 5, 6, 8, 10, 15, 20, 30, 45, 60,
];
type Labels = "operation" | "group" | "resource";

const ofList = (meter: Meter, name: string, help: string) =>
  meter.tally<"group" | "resource">(`apiserver_storage_list_${name}`, `[ALPHA] ${help}`);

/** Figures of what is asked of the store, under Kubernetes' names. */
export const storageMetrics = (meter: Meter) => ({
  requests: meter.tally<Labels>(
    "etcd_requests_total",
    "[ALPHA] Etcd request counts for each operation and object type.",
  ),
  errors: meter.tally<Labels>(
    "etcd_request_errors_total",
    "[ALPHA] Etcd failed request counts for each operation and object type.",
  ),
  seconds: meter.buckets<Labels>(
    "etcd_request_duration_seconds",
    "[ALPHA] Etcd request latency in seconds for each operation and object type.",
    bounds,
  ),
  lists: {
    total: ofList(meter, "total", "Number of LIST requests served from storage"),
    fetched: ofList(
      meter,
      "fetched_objects_total",
      "Number of objects read from storage in the course of serving a LIST request",
    ),
    evaluated: ofList(
      meter,
      "evaluated_objects_total",
      "Number of objects tested in the course of serving a LIST request from storage",
    ),
  },
  events: meter.tally<"group" | "resource">(
    "apiserver_storage_events_received_total",
    "[BETA] Number of etcd events received split by kind.",
  ),
});
export type StorageMetrics = ReturnType<typeof storageMetrics>;

interface Figures {
  readonly requests: Counting;
  readonly errors: Counting;
  readonly seconds: Buckets;
}

const spanNames = {
  get: "Get etcd3",
  list: "List(recursive=true) etcd3",
  create: "Create etcd3",
  update: "GuaranteedUpdate etcd3",
  delete: "Delete etcd3",
} as const;

interface Named {
  readonly group: string;
  readonly resource: string;
}
const nothing: Named = { group: "", resource: "" };

/** A storage whose calls are counted and timed by what they are about. Adds nothing else. */
export class MeasuredStorage implements Storage {
  readonly #inner: Storage;
  readonly #deps: { readonly metrics: StorageMetrics; readonly kinds: Kinds; readonly clock: Clock };
  #byPrefix: ReadonlyMap<string, Named> | undefined;
  readonly #known = new Map<string, Figures>();

  constructor(inner: Storage, deps: { metrics: StorageMetrics; kinds: Kinds; clock: Clock }) {
    this.#inner = inner;
    this.#deps = deps;
  }

  /** Kinds came or went: what keys are about is looked up anew. */
  forgetKinds(): void {
    this.#byPrefix = undefined;
  }

  get: Storage["get"] = (key) =>
    this.#traced("get", key, () => this.#timed("get", key, this.#inner.get(key)));

  async list(prefix: string, options?: ListOptions): Promise<ListResult> {
    const listing = () => this.#timed("list", prefix, this.#inner.list(prefix, options));
    const found = await this.#traced("list", prefix, listing);
    const { group, resource } = this.#about(prefix);
    const { total, ...objects } = this.#deps.metrics.lists;
    total.of({ group, resource }).count++;
    for (const family of Object.values(objects)) family.of({ group, resource }).count += found.entries.length;
    return found;
  }

  commit(transaction: Transaction): Promise<CommitResult> {
    const { compare, writes } = transaction;
    const key = writes[0]?.key ?? compare[0]?.key ?? "";
    const isNew = compare.some((one) => one.key === key && one.modRevision === 0);
    const operation = writes[0]?.type === "delete" ? "delete" : isNew ? "create" : "update";
    return this.#traced(operation, key, () => this.#timed(operation, key, this.#inner.commit(transaction)));
  }

  revision(): Promise<number> {
    return this.#timed("get", "", this.#inner.revision());
  }

  async *watch(prefix: string, fromRevision: number, signal: AbortSignal): AsyncGenerator<ChangeBatch> {
    for await (const batch of this.#inner.watch(prefix, fromRevision, signal)) {
      for (const { key } of batch.changes) {
        const { group, resource } = this.#about(key);
        this.#deps.metrics.events.of({ group, resource }).count++;
      }
      yield batch;
    }
  }

  compact(revision: number): Promise<void> {
    return this.#inner.compact(revision);
  }

  close(): Promise<void> {
    return this.#inner.close();
  }

  /** In a span of its own, with Kubernetes' names, where the request is traced. */
  #traced<T>(operation: keyof typeof spanNames, key: string, call: () => Promise<T>): Promise<T> {
    if (activeTrace() === undefined) return call();
    const attributes = () => ({ key, resource: this.#about(key).resource });
    return spanned({ name: spanNames[operation], kind: "client", attributes }, call);
  }

  async #timed<T>(operation: string, key: string, call: Promise<T>): Promise<T> {
    const { clock } = this.#deps;
    const startedMs = clock.monotonicMs();
    const { requests, seconds, errors } = this.#figures(operation, key);
    requests.count++;
    try {
      return await call;
    } catch (error) {
      errors.count++;
      throw error;
    } finally {
      seconds.observe((clock.monotonicMs() - startedMs) / 1000);
    }
  }

  /** Looked up once for what is done with each kind. */
  #figures(operation: string, key: string): Figures {
    const { metrics } = this.#deps;
    const { group, resource } = this.#about(key);
    const id = `${operation} ${group}/${resource}`;
    let figures = this.#known.get(id);
    if (figures === undefined) {
      const labels = { operation, group, resource };
      figures = {
        requests: metrics.requests.of(labels),
        errors: metrics.errors.of(labels),
        seconds: metrics.seconds.of(labels),
      };
      this.#known.set(id, figures);
    }
    return figures;
  }

  /** What a key is about; kinds' prefixes have two or three parts. Only kinds that are served have names. */
  #about(key: string): Named {
    this.#byPrefix ??= new Map(
      this.#deps.kinds.kinds.map((kind) => [kindPrefix(kind), { group: kind.group, resource: kind.plural }]),
    );
    let end = key.indexOf("/", 1);
    for (let parts = 0; parts < 2 && end > 0; parts++) {
      end = key.indexOf("/", end + 1);
      const found = end > 0 && this.#byPrefix.get(key.slice(0, end + 1));
      if (found) return found;
    }
    return nothing;
  }
}
