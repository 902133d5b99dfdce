import assert from "node:assert/strict";
import { startTestApiserver } from "./testing.ts";

describe("who watches a deletion", () => {
  it("sees a pod going before it is gone, and a config map just go", async () => {
    const server = await startTestApiserver();
    try {
      const base = "/api/v1/namespaces/default";
      await server.admin.call("POST", "/api/v1/namespaces", { body: { metadata: { name: "default" } } });
      const spec = { containers: [{ name: "c", image: "i" }] };
      for (const [plural, body, wanted] of [
        ["pods", { metadata: { name: "p" }, spec }, ["ADDED -", "MODIFIED 0", "DELETED 0"]],
        ["configmaps", { metadata: { name: "c" } }, ["ADDED -", "DELETED -"]],
      ] as const) {
        const named = `fieldSelector=metadata.name=${body.metadata.name}`;
        const events = await server.admin.openWatch(`${base}/${plural}?watch=true&${named}`);
        await server.admin.call("POST", `${base}/${plural}`, { body });
        await server.admin.call("DELETE", `${base}/${plural}/${body.metadata.name}`);
        const seen: string[] = [];
        for await (const { type, object } of events) {
          const { deletionTimestamp, deletionGracePeriodSeconds = "-" } = object.metadata;
          assert.equal(deletionTimestamp === undefined, deletionGracePeriodSeconds === "-");
          seen.push(`${type} ${deletionGracePeriodSeconds}`);
          if (type === "DELETED") break;
        }
        assert.deepEqual(seen, wanted);
      }
    } finally {
      await server.stop();
    }
  });
});
