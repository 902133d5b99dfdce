import assert from "node:assert/strict";
import { systemClock } from "../../base/os/clock.ts";
import { MemoryStorage } from "./registry/memory-storage.ts";
import { encodeStored, objectKey } from "./registry/stored-object.ts";
import { configMaps as configMapKind } from "./resources/configmaps.ts";
import { startTestApiserver } from "./testing.ts";
import { configMap, configMaps } from "./testing-objects.ts";

describe("watch history", () => {
  it("lets a watch resume from before thousands of changes, each told as it was", async () => {
    const storage = new MemoryStorage(systemClock);
    const server = await startTestApiserver({ storage });
    try {
      const { admin } = server;
      const { body: first } = await admin.call("POST", configMaps, { body: configMap("busy") });
      await admin.call("GET", configMaps);
      const rounds = 5000;
      const key = objectKey(configMapKind, "default", "busy");
      for (let n = 1; n <= rounds; n++) {
        const value = encodeStored({ ...first, data: { n: String(n) } });
        await storage.commit({ compare: [], writes: [{ type: "put", key, value }] });
      }
      const path = `${configMaps}?watch=true&resourceVersion=${first.metadata.resourceVersion}`;
      let seen = 0;
      let revision = Number(first.metadata.resourceVersion);
      for await (const { type, object } of admin.watch(path)) {
        assert.deepEqual([type, object.data?.n], ["MODIFIED", String(++seen)]);
        assert.ok(Number(object.metadata.resourceVersion) > revision);
        revision = Number(object.metadata.resourceVersion);
        if (seen === rounds) break;
      }
    } finally {
      await server.stop();
    }
  });
});
