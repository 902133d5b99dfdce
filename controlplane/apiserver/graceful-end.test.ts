import assert from "node:assert/strict";
import { once } from "node:events";
import { connect } from "node:tls";
import { type Deferred, deferred } from "../../base/deferred.ts";
import { type Clock, systemClock } from "../../base/os/clock.ts";
import { MemoryStorage } from "./registry/memory-storage.ts";
import type { Transaction } from "./registry/storage.ts";
import { type ShutdownConfig, shutdownAtOnce } from "./shutdown/flags.ts";
import { startTestApiserver } from "./testing.ts";
import { configMap, configMaps } from "./testing-objects.ts";

/** Keeps writes of objects of that name until they are let go. */
class GatedStorage extends MemoryStorage {
  readonly held = deferred<void>();
  readonly gate: Deferred<void> = deferred();
  override async commit(transaction: Transaction) {
    if (transaction.writes.some(({ key }) => key.endsWith("/slow"))) {
      this.held.resolve();
      await this.gate.promise;
    }
    return super.commit(transaction);
  }
}

const delayMs = 54_321;

/** A clock on which the delay before the end lasts until it is let go. */
function clockWithDelay(): { readonly clock: Clock; readonly letGo: () => void } {
  let letGo = () => {};
  const after: Clock["after"] = (ms, fire) => {
    if (ms !== delayMs) return systemClock.after(ms, fire);
    letGo = fire;
    return () => {};
  };
  return { clock: { ...systemClock, after }, letGo: () => letGo() };
}

for (const protocol of ["HTTP/1.1", "HTTP/2"] as const)
  describe(`an API server that is asked to stop, over ${protocol}`, () => {
    // HTTP/2 says the same by GOAWAY.
    const connectionIs = protocol === "HTTP/1.1" ? "close" : undefined;
    const start = async (shutdown: Partial<ShutdownConfig> = {}, clock: Clock = systemClock) => {
      const storage = new GatedStorage(systemClock);
      const config = { shutdown: { ...shutdownAtOnce, ...shutdown } };
      const server = await startTestApiserver({ storage, clock, config, protocol });
      return { server, storage };
    };

    it("answers the requests under way, ends watches in good order, and takes no new connections", async () => {
      const { server, storage } = await start();
      const watch = await server.admin.openWatch(
        `${configMaps}?watch=1&resourceVersion=0&allowWatchBookmarks=true`,
      );
      const creating = server.admin.call("POST", configMaps, { body: configMap("slow") });
      await storage.held.promise;
      const stopped = server.stop();
      const lines = [];
      // Fails if the body does not end as it should.
      for await (const line of watch) lines.push(line.type);
      assert.equal(lines.at(-1), "BOOKMARK");
      await assert.rejects(
        server.stranger.call("GET", "/livez"),
        (error: NodeJS.ErrnoException) => error.code === "ECONNREFUSED",
      );
      storage.gate.resolve();
      const { code, headers } = await creating;
      assert.deepEqual([code, headers.connection], [201, connectionIs]);
      await stopped;
    });

    it("says not ready, but lives and serves, as long as the delay lasts", async () => {
      const { clock, letGo } = clockWithDelay();
      const { server } = await start({ delayMs }, clock);
      const stopped = server.stop();
      const ready = await server.admin.call("GET", "/readyz");
      assert.equal(ready.code, 500);
      assert.match(ready.text, /\[-\]shutdown failed: reason withheld\n/);
      assert.equal((await server.admin.call("GET", "/livez")).code, 200);
      assert.equal((await server.admin.call("GET", "/healthz")).code, 200);
      assert.equal((await server.admin.call("POST", configMaps, { body: configMap("other") })).code, 201);
      letGo();
      await stopped;
    });

    it("with Retry-After refuses what comes with 429 while requests under way end; probes are answered", async () => {
      const { server, storage } = await start({ sendsRetryAfter: true });
      const creating = server.admin.call("POST", configMaps, { body: configMap("slow") });
      await storage.held.promise;
      const stopped = server.stop();
      let late = await server.stranger.call("GET", "/api/v1/namespaces");
      // Until the endpoint is withdrawn everything is served as before.
      while (late.code !== 429) late = await server.stranger.call("GET", "/api/v1/namespaces");
      assert.deepEqual(
        [late.headers["retry-after"], late.headers.connection, late.headers["content-type"], late.text],
        [
          "5",
          connectionIs,
          "text/plain; charset=utf-8",
          "The apiserver is shutting down, please try again later.\n",
        ],
      );
      assert.equal((await server.stranger.call("GET", "/livez")).code, 200);
      storage.gate.resolve();
      assert.equal((await creating).code, 201);
      await stopped;
    });
  });

describe("an API server that is asked to stop", () => {
  it("does not wait for an answer that stood behind another on a connection that is gone", async () => {
    const storage = new GatedStorage(systemClock);
    const server = await startTestApiserver({ storage, config: { shutdown: shutdownAtOnce } });
    const { port, ca, cert, key } = server.place;
    const socket = connect({ host: "127.0.0.1", port, ca, ...(cert && key && { cert, key }) });
    await once(socket, "secureConnect");
    const body = JSON.stringify(configMap("slow"));
    const head = `Host: a\r\nContent-Type: application/json\r\nContent-Length: ${body.length}\r\n\r\n`;
    const watch = `GET ${configMaps}?watch=1&resourceVersion=0 HTTP/1.1\r\nHost: a\r\n\r\n`;
    socket.write(`${watch}POST ${configMaps} HTTP/1.1\r\n${head}${body}`);
    await storage.held.promise;
    socket.destroy();
    const watches = /^apiserver_longrunning_requests\{.*resource="configmaps".* (\d+)$/m;
    // The server has heard of it once the watch is over.
    while (watches.exec((await server.admin.call("GET", "/metrics")).text)?.[1] !== "0") await null;
    storage.gate.resolve();
    await server.stop();
  });
});
