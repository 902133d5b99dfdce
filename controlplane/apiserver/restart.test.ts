import assert from "node:assert/strict";
import { once } from "node:events";
import { deferred } from "../../base/deferred.ts";
import { systemClock } from "../../base/os/clock.ts";
import { silentLog } from "../../base/os/log.ts";
import { systemRandom } from "../../base/os/random.ts";
import { TaskScope } from "../../base/os/task-scope.ts";
import type { ApiClient, WatchOptions } from "../../client/api.ts";
import { ConnectionError } from "../../client/api-error.ts";
import { InformerFactory } from "../../client/informer.ts";
import { loadKubeconfig } from "../../client/kubeconfig.ts";
import { resources } from "../../client/resources.ts";
import { RestClient } from "../../client/rest.ts";
import type { Resource } from "../../client/types.ts";
import { MemoryStorage } from "./registry/memory-storage.ts";
import { startTestApiserver, type TestApiserver } from "./testing.ts";

type Source = Pick<ApiClient, "list" | "watch">;

/** A source of which the one behind can be killed under its watches, and another stand in its place later. */
class Killable implements Source {
  /** How often the whole state was taken. */
  wholes = 0;
  #behind: Source | undefined;
  #alive = new AbortController();
  #waiting: (() => void)[] = [];

  constructor(behind: Source) {
    this.#behind = behind;
  }
  kill(): void {
    this.#behind = undefined;
    this.#alive.abort();
  }
  replace(behind: Source): void {
    this.#alive = new AbortController();
    this.#behind = behind;
    for (const go of this.#waiting.splice(0)) go();
  }
  list: Source["list"] = async (resource, options) => {
    this.wholes++;
    return (await this.#there()).list(resource, options);
  };
  async *watch<T>(resource: Resource<T>, options: WatchOptions, signal: AbortSignal) {
    if (options.resourceVersion === undefined) this.wholes++;
    const behind = await this.#there();
    const alive = this.#alive.signal;
    try {
      yield* behind.watch(resource, options, AbortSignal.any([signal, alive]));
    } catch (error) {
      if (alive.aborted && !signal.aborted) throw new ConnectionError("killed", { neverSent: false });
      throw error;
    }
  }
  async #there(): Promise<Source> {
    while (this.#behind === undefined) await new Promise<void>((resolve) => this.#waiting.push(resolve));
    return this.#behind;
  }
}

describe("a restart of the API server", () => {
  it("loses no event for an informer and repeats none", async () => {
    const storage = new MemoryStorage(systemClock);
    let server = await startTestApiserver({ storage });
    const { authority } = server;
    const port = Number(new URL(server.url).port);
    const client = new RestClient(loadKubeconfig(server.kubeconfig));
    const tasks = new TaskScope(silentLog);
    const factory = new InformerFactory(tasks, {
      client,
      clock: systemClock,
      random: systemRandom,
      log: silentLog,
    });
    const informer = factory.informer(resources.configmaps, { namespace: "default" });
    const heard: string[] = [];
    const told = new EventTarget();
    const hear = (text: string) => {
      heard.push(text);
      told.dispatchEvent(new Event("told"));
    };
    informer.subscribe({
      onAdd: ({ metadata }) => hear(`add ${metadata.name}`),
      onUpdate: ({ metadata, data }) => hear(`update ${metadata.name} ${data?.n}`),
      onDelete: ({ metadata }) => hear(`delete ${metadata.name}`),
    });
    const untilHeard = async (count: number) => {
      while (heard.length < count) await once(told, "told");
    };
    const put = (name: string, n: string) =>
      client.update(resources.configmaps, { metadata: { name, namespace: "default" }, data: { n } });
    const create = (name: string) =>
      client.create(resources.configmaps, { metadata: { name, namespace: "default" }, data: { n: "0" } });
    try {
      await informer.synced(new AbortController().signal);
      for (const name of ["kept", "changed", "removed"]) await create(name);
      await untilHeard(3);
      for (const round of ["1", "2"]) {
        await server.stop();
        server = await startTestApiserver({ storage, authority, port });
        await put("changed", round);
        await create(`new-${round}`);
        if (round === "2")
          await client.delete(resources.configmaps, { name: "removed", namespace: "default" });
        await untilHeard(round === "1" ? 5 : 8);
      }
      await create("last");
      await untilHeard(9);
      const sorted = (from: number, to: number) => heard.slice(from, to).sort();
      assert.deepEqual(sorted(0, 3), ["add changed", "add kept", "add removed"]);
      assert.deepEqual(sorted(3, 5), ["add new-1", "update changed 1"]);
      assert.deepEqual(sorted(5, 8), ["add new-2", "delete removed", "update changed 2"]);
      assert.deepEqual(heard.slice(8), ["add last"]);
    } finally {
      await tasks.stop();
      client.close();
      await server.stop();
    }
  });

  it("lets informers that a killed server left go on, and tells them all that happened before it started", async () => {
    const storage = new MemoryStorage(systemClock);
    const first = await startTestApiserver({ storage });
    let second: TestApiserver | undefined;
    const client = new RestClient(loadKubeconfig(first.kubeconfig));
    const source = new Killable(client);
    const tasks = new TaskScope(silentLog);
    const deps = { client: source, clock: systemClock, random: systemRandom, log: silentLog };
    const informer = new InformerFactory(tasks, deps).informer(resources.configmaps, {
      namespace: "default",
    });
    const told: string[] = [];
    const seen = { first: deferred<void>(), last: deferred<void>() };
    informer.subscribe({
      onAdd: ({ metadata }) => {
        told.push(`+${metadata.name}`);
        if (metadata.name === "first") seen.first.resolve();
        if (metadata.name === "last") seen.last.resolve();
      },
      onDelete: ({ metadata }) => told.push(`-${metadata.name}`),
    });
    const create = (name: string) =>
      client.create(resources.configmaps, { metadata: { name, namespace: "default" } });
    const remove = (name: string) => client.delete(resources.configmaps, { name, namespace: "default" });
    try {
      await informer.synced(tasks.signal);
      await create("first");
      await seen.first.promise;
      source.kill();
      await create("short");
      await remove("short");
      await remove("first");
      second = await startTestApiserver({ storage, authority: first.authority });
      const other = new RestClient(loadKubeconfig(second.kubeconfig));
      tasks.run("the other's client", async (signal) => {
        await once(signal, "abort");
        other.close();
      });
      source.replace(other);
      await create("last");
      await seen.last.promise;
      assert.deepEqual(told, ["+first", "+short", "-short", "-first", "+last"]);
      assert.equal(source.wholes, 1);
    } finally {
      await tasks.stop();
      client.close();
      await second?.stop();
      await first.stop();
    }
  });
});
