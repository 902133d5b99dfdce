import assert from "node:assert/strict";
import { once } from "node:events";
import { type AddressInfo, createServer } from "node:net";
import { systemClock } from "../../base/os/clock.ts";
import { systemRandom } from "../../base/os/random.ts";
import { openStoreClient } from "./open-client.ts";

describe("a store client whose member takes connections and says nothing", () => {
  it("goes to the next member with its next call, and connects anew when it comes back to this one", async () => {
    const connections = [0, 0];
    const servers = connections.map((_, at) =>
      createServer(() => {
        connections[at] = (connections[at] ?? 0) + 1;
      }).listen(0, "127.0.0.1"),
    );
    await Promise.all(servers.map((server) => once(server, "listening")));
    const endpoints = servers.map((server) => `http://127.0.0.1:${(server.address() as AddressInfo).port}`);
    const client = openStoreClient(
      { endpoints, timeoutMs: 300 },
      { clock: systemClock, random: systemRandom },
    );
    try {
      for (const wanted of [
        [1, 0],
        [1, 1],
        [2, 1],
      ]) {
        await assert.rejects(client.get("key"), { status: "DEADLINE_EXCEEDED" });
        assert.deepEqual(connections, wanted);
      }
    } finally {
      client.close();
      for (const server of servers) server.close();
    }
  });
});
