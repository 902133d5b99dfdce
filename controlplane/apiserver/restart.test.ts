import assert from "node:assert/strict";
import { once } from "node:events";
import { systemClock } from "../../base/os/clock.ts";
import { silentLog } from "../../base/os/log.ts";
import { systemRandom } from "../../base/os/random.ts";
import { TaskScope } from "../../base/os/task-scope.ts";
import { InformerFactory } from "../../client/informer.ts";
import { loadKubeconfig } from "../../client/kubeconfig.ts";
import { resources } from "../../client/resources.ts";
import { RestClient } from "../../client/rest.ts";
import { MemoryStorage } from "./registry/memory-storage.ts";
import { startTestApiserver } from "./testing.ts";

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
});
