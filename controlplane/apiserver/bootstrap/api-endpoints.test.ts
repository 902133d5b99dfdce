import assert from "node:assert/strict";
import { systemClock } from "../../../base/os/clock.ts";
import { createAuthority } from "../../../base/os/pki.ts";
import { MemoryStorage } from "../registry/memory-storage.ts";
import type { Storage } from "../registry/storage.ts";
import { startTestApiserver } from "../testing.ts";

const slicesPath = "/apis/discovery.k8s.io/v1/namespaces/default/endpointslices";

describe("where the kubernetes Service leads", () => {
  it("is every server that lives, by its port, and none that has stopped", async () => {
    const storage = new MemoryStorage(systemClock);
    const shared = { authority: await createAuthority({ name: "test-ca" }) };
    const first = await startTestApiserver({ ...shared, storage: keptOpen(storage) });
    try {
      const portsOf = async () => {
        const { body } = await first.admin.call("GET", slicesPath);
        return body.items.map(({ ports }: { ports: { port: number }[] }) => ports[0]?.port).sort();
      };
      const portOf = ({ url }: { url: string }) => Number(new URL(url).port);
      assert.deepEqual(await portsOf(), [portOf(first)]);
      const second = await startTestApiserver({ ...shared, storage: keptOpen(storage) });
      await second.admin.call("GET", slicesPath); // from now on it knows them by its cache
      assert.deepEqual(await portsOf(), [portOf(first), portOf(second)].sort());
      await second.stop();
      assert.deepEqual(await portsOf(), [portOf(first)]);
    } finally {
      await first.stop();
      await storage.close();
    }
  });
});

/** What one server closes, the other goes on with. */
function keptOpen(storage: MemoryStorage): Storage {
  return {
    get: (key) => storage.get(key),
    list: (prefix, options) => storage.list(prefix, options),
    commit: (transaction) => storage.commit(transaction),
    revision: () => storage.revision(),
    watch: (prefix, fromRevision, signal) => storage.watch(prefix, fromRevision, signal),
    compact: (revision) => storage.compact(revision),
    close: async () => {},
  };
}
