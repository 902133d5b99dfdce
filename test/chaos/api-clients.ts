import { sleep, systemClock } from "../../base/os/clock.ts";
import { silentLog } from "../../base/os/log.ts";
import { below, chance, type Random } from "../../base/os/random.ts";
import { TaskScope } from "../../base/os/task-scope.ts";
import type { ApiClient, ListOptions, WatchOptions } from "../../client/api.ts";
import { ApiError, ConnectionError, isGone } from "../../client/api-error.ts";
import { type Informer, InformerFactory } from "../../client/informer.ts";
import type { RestConfig } from "../../client/kubeconfig.ts";
import { resources } from "../../client/resources.ts";
import { RestClient } from "../../client/rest.ts";
import type { ConfigMap, Resource, WatchEvent } from "../../client/types.ts";
import type { AcknowledgedWrite, ObjectRecord, SeenEvent, WatchLife } from "./client-records.ts";

/** A client that lists, watches and, once it is to, writes ConfigMaps of its namespace, and notes itself what it was told. */
export interface RecordingClient {
  readonly namespace: string;
  readonly objects: readonly ObjectRecord[];
  /** One for each time that its informer took the whole state. */
  readonly lives: readonly WatchLife[];
  /** What servers said when they could not go on from where it was. */
  readonly refusals: readonly string[];
  /** Writes that a server refused: its answer was neither that it is done nor that nobody knows. */
  readonly refusedWrites: readonly string[];
  readonly informer: Informer<ConfigMap>;
  /** Begins to write. */
  begin(): void;
  /** Stops writing; the informer goes on. */
  settle(): Promise<void>;
  stop(): Promise<void>;
}

export interface ClientOptions {
  readonly config: RestConfig;
  readonly namespace: string;
  readonly name: string;
  readonly random: Random;
}

/** Pause between two writes of a client, at most. */
const pauseMsMax = 500;

export async function startClient({
  config,
  namespace,
  name,
  random,
}: ClientOptions): Promise<RecordingClient> {
  const client = new RestClient(config);
  const tasks = new TaskScope(silentLog);
  const heard: Heard = { lives: [], refusals: [] };
  const factory = new InformerFactory(tasks, {
    client: recording(client, heard),
    clock: systemClock,
    random,
    log: silentLog,
  });
  const informer = factory.informer(resources.configmaps, { namespace });
  await informer.synced(tasks.signal);
  const objects: WrittenObject[] = [];
  const refusedWrites: string[] = [];
  const stopping = new AbortController();
  const write = async () => {
    for (let n = 0; !stopping.signal.aborted; n++) {
      const object = new WrittenObject(client, { name: `${name}-${n}`, namespace }, refusedWrites);
      objects.push(object);
      // Until nobody knows what became of a write, or it is deleted.
      while (!stopping.signal.aborted && (await object.writeOnce(random)))
        await sleep(systemClock, below(random, pauseMsMax), stopping.signal).catch(() => undefined);
    }
  };
  let writing: Promise<void> | undefined;
  const settle = async () => {
    stopping.abort();
    await writing;
  };
  return {
    namespace,
    objects,
    ...heard,
    refusedWrites,
    informer,
    begin() {
      writing ??= write();
    },
    settle,
    async stop() {
      await settle();
      await tasks.stop();
      client.close();
    },
  };
}

/** One object's life, as its only writer knows it. */
class WrittenObject implements ObjectRecord {
  readonly name: string;
  readonly acknowledged: AcknowledgedWrite[] = [];
  uncertain: AcknowledgedWrite["op"] | undefined;
  readonly #client: RestClient;
  readonly #namespace: string;
  readonly #refused: string[];

  constructor(
    client: RestClient,
    { name, namespace }: { readonly name: string; readonly namespace: string },
    refused: string[],
  ) {
    this.#client = client;
    this.#refused = refused;
    this.name = name;
    this.#namespace = namespace;
  }

  /** The next write. False: there is none after it. */
  async writeOnce(random: Random): Promise<boolean> {
    const { name } = this;
    const last = this.acknowledged.at(-1);
    const op = last === undefined ? "create" : chance(random, 0.1) ? "delete" : "update";
    const value = String(this.acknowledged.length);
    const metadata = { name, namespace: this.#namespace };
    try {
      if (op === "delete") {
        await this.#client.delete(resources.configmaps, metadata);
        this.acknowledged.push({ name, op, revision: undefined, value });
        return false;
      }
      const object = { metadata, data: { value } };
      const stored =
        op === "create"
          ? await this.#client.create(resources.configmaps, object)
          : await this.#client.update(resources.configmaps, object);
      this.acknowledged.push({ name, op, revision: Number(stored.metadata.resourceVersion), value });
      return true;
    } catch (error) {
      if (!(error instanceof ApiError || error instanceof ConnectionError)) throw error;
      this.uncertain = op;
      // With a server its connections end, and with a member of the store what was under way there; nothing else is a reason.
      if (error instanceof ApiError && error.reason !== "Timeout")
        this.#refused.push(`${op} ${name}: ${error.message}`);
      return false;
    }
  }
}

interface Heard {
  readonly lives: { readonly startRevision: number; readonly events: SeenEvent[] }[];
  readonly refusals: string[];
}

/** The same client; what its watches tell is written down. */
function recording(client: RestClient, { lives, refusals }: Heard): Pick<ApiClient, "list" | "watch"> {
  return {
    async list<T>(resource: Resource<T>, options?: ListOptions) {
      const list = await client.list(resource, options);
      lives.push({ startRevision: Number(list.metadata.resourceVersion), events: [] });
      return list;
    },
    async *watch<T>(resource: Resource<T>, options: WatchOptions, signal: AbortSignal) {
      let isWhole = options.resourceVersion === undefined;
      try {
        for await (const event of client.watch(resource, options, signal)) {
          if (event.type === "BOOKMARK" && event.initialEventsEnd) {
            isWhole = false;
            lives.push({ startRevision: Number(event.resourceVersion), events: [] });
          } else if (event.type !== "BOOKMARK" && !isWhole) lives.at(-1)?.events.push(seen(event));
          yield event;
        }
      } catch (error) {
        if (error instanceof ApiError && isGone(error)) refusals.push(error.message);
        throw error;
      }
    },
  };
}

function seen({ type, object }: Exclude<WatchEvent<unknown>, { type: "BOOKMARK" }>): SeenEvent {
  const { metadata, data } = object as ConfigMap;
  return {
    type,
    name: metadata.name ?? "",
    revision: Number(metadata.resourceVersion),
    value: data?.value ?? "",
  };
}
