import assert from "node:assert/strict";
import { once } from "node:events";
import { type AddressInfo, createServer, type Server, type Socket } from "node:net";
import { systemClock } from "../../base/os/clock.ts";
import { systemRandom } from "../../base/os/random.ts";
import { openStoreClient } from "./open-client.ts";

describe("a store client whose member takes connections and says nothing", () => {
  it("goes to the next member within the same call", async () => {
    const taken: Socket[][] = [[], []];
    const servers = taken.map((sockets) =>
      createServer((socket) => void sockets.push(socket)).listen(0, "127.0.0.1"),
    );
    await Promise.all(servers.map((server) => once(server, "listening")));
    const endpoints = servers.map((server) => `http://127.0.0.1:${(server.address() as AddressInfo).port}`);
    const client = openStoreClient(
      { endpoints, timeoutMs: 300 },
      { clock: systemClock, random: systemRandom },
    );
    const toSecond = once(servers[1] as Server, "connection");
    try {
      await assert.rejects(client.get("key"), { status: "DEADLINE_EXCEEDED", sent: false });
      await toSecond;
    } finally {
      client.close();
      for (const socket of taken.flat()) socket.destroy();
      for (const server of servers) server.close();
    }
  });
});
