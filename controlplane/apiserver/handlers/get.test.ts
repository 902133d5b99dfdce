import assert from "node:assert/strict";
import { systemClock } from "../../../base/os/clock.ts";
import { MemoryStorage } from "../registry/memory-storage.ts";
import { startTestApiserver } from "../testing.ts";

class CountingStorage extends MemoryStorage {
  reads: string[] = [];
  override get(key: string) {
    this.reads.push(key);
    return super.get(key);
  }
}

describe("gets of single objects", () => {
  it("ask the store for each of the first ones only, and show what is newest all along", async () => {
    const storage = new CountingStorage(systemClock);
    const server = await startTestApiserver({ storage });
    try {
      const path = "/api/v1/namespaces/default/podtemplates";
      const template = { spec: { containers: [{ name: "c", image: "i" }] } };
      const made = await server.admin.call("POST", path, { body: { metadata: { name: "t" }, template } });
      assert.equal(made.code, 201, made.text);
      const readsOfIt = () => storage.reads.filter((key) => key.includes("/podtemplates/")).length;
      let before = -1;
      let isCached = false;
      for (let n = 0; n < 500 && !isCached; n++) {
        before = readsOfIt();
        const { code, body } = await server.admin.call("GET", `${path}/t`);
        assert.equal(code, 200);
        assert.equal(body.metadata.uid, made.body.metadata.uid);
        isCached = readsOfIt() === before;
      }
      assert.ok(isCached, `after ${readsOfIt()} reads the store is asked for the object still`);
      const changed = await server.admin.call("PATCH", `${path}/t`, {
        type: "application/merge-patch+json",
        body: { metadata: { labels: { a: "b" } } },
      });
      assert.equal(changed.code, 200, changed.text);
      const { body } = await server.admin.call("GET", `${path}/t`);
      assert.deepEqual(body, changed.body);
    } finally {
      await server.stop();
    }
  });
});
