import assert from "node:assert/strict";
import { once } from "node:events";
import { connect } from "node:net";
import { silentLog } from "../../base/os/log.ts";
import { BoundServer } from "./bound-server.ts";

describe("a listening socket that refuses", () => {
  it("closes also connections that are being shut down, which cannot be reset", async () => {
    const server = await BoundServer.bind({ host: "127.0.0.1", port: 0, flag: "listen" }, silentLog);
    const closed: Promise<unknown>[] = [];
    server.serve((socket) => {
      closed.push(once(socket, "close"));
      socket.end();
      server.refuse();
    });
    const client = connect({ port: server.port, host: "127.0.0.1", allowHalfOpen: true });
    const clientClosed = once(client, "close");
    client.on("error", () => undefined).on("end", () => client.end());
    client.resume();
    await clientClosed;
    assert.equal(closed.length, 1);
    await Promise.all(closed);
    await server.stop();
  });
});
