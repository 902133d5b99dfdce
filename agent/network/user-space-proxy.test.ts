import assert from "node:assert/strict";
import { once } from "node:events";
import { type AddressInfo, connect, createServer, type Server } from "node:net";
import { systemClock } from "../../base/os/clock.ts";
import { silentLog } from "../../base/os/log.ts";
import type { ServicePort } from "./service-plan.ts";
import { UserSpaceProxy } from "./user-space-proxy.ts";

describe("UserSpaceProxy", () => {
  const servers: Server[] = [];
  const proxies: UserSpaceProxy[] = [];
  const newProxy = () => {
    const proxy = new UserSpaceProxy({
      clock: systemClock,
      log: silentLog,
      nodePortHost: "127.0.0.1",
      claimAddress: async () => undefined,
    });
    proxies.push(proxy);
    return proxy;
  };
  afterEach(() => {
    for (const proxy of proxies.splice(0)) proxy.stop();
    for (const server of servers.splice(0)) server.close();
  });

  async function backend(answer: string): Promise<number> {
    const server = createServer((socket) => socket.end(answer));
    servers.push(server);
    await once(server.listen(0, "127.0.0.1"), "listening");
    return (server.address() as AddressInfo).port;
  }
  const port = (backends: readonly number[], listen: number): ServicePort => ({
    id: "ns/web:80",
    protocol: "tcp",
    clusterIps: ["127.96.7.7"],
    externalIps: [],
    port: listen,
    nodePort: undefined,
    affinitySeconds: undefined,
    endpoints: backends.map((number) => ({ address: "127.0.0.1", port: number, isLocal: true })),
  });

  it("passes connections on in turn, and past an endpoint that refuses", async () => {
    const one = await backend("one");
    const two = await backend("two");
    const closed = await backend("gone");
    await new Promise((done) => servers.pop()?.close(done));
    const proxy = newProxy();
    await proxy.update([port([one, closed, two], 18_099)]);
    const answers = [await ask(18_099), await ask(18_099), await ask(18_099)];
    assert.deepEqual(new Set(answers), new Set(["one", "two"]));
  });

  it("stops listening when the Service goes", async () => {
    const proxy = newProxy();
    await proxy.update([port([await backend("one")], 18_098)]);
    assert.equal(await ask(18_098), "one");
    await proxy.update([]);
    assert.equal(await ask(18_098), "ECONNREFUSED");
  });
});

function ask(port: number): Promise<string> {
  return new Promise((resolve) => {
    let text = "";
    const socket = connect(port, "127.96.7.7");
    socket.on("data", (data) => {
      text += data;
    });
    socket.on("error", (error: NodeJS.ErrnoException) => resolve(error.code ?? "error"));
    socket.on("close", () => resolve(text));
  });
}
