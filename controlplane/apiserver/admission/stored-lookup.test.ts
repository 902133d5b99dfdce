import assert from "node:assert/strict";
import { systemClock } from "../../../base/os/clock.ts";
import { MemoryStorage } from "../registry/memory-storage.ts";
import type { ListOptions } from "../registry/storage.ts";
import { startTestApiserver } from "../testing.ts";

class ReadsNoted extends MemoryStorage {
  readonly reads: string[] = [];

  override get(key: string) {
    this.reads.push(key);
    return super.get(key);
  }
  override list(prefix: string, options?: ListOptions) {
    this.reads.push(prefix);
    return super.list(prefix, options);
  }
}

describe("what admission looks up", () => {
  it("costs the first writes of a sort reads of the store, and later ones none", async () => {
    const storage = new ReadsNoted(systemClock);
    const api = await startTestApiserver({ storage });
    const createPod = async (name: string) => {
      const spec = { containers: [{ name: "c", image: "i" }] };
      const body = { apiVersion: "v1", kind: "Pod", metadata: { name }, spec };
      const { code } = await api.admin.call("POST", "/api/v1/namespaces/default/pods", { body });
      assert.equal(code, 201);
    };
    try {
      await api.admin.call("POST", "/api/v1/namespaces/default/serviceaccounts", {
        body: { apiVersion: "v1", kind: "ServiceAccount", metadata: { name: "default" } },
      });
      await createPod("first");
      await createPod("second");
      storage.reads.length = 0;
      await createPod("third");
      assert.deepEqual(storage.reads, []);
    } finally {
      await api.stop();
    }
  });
});
