import assert from "node:assert/strict";
import { connect as connectPlain } from "node:net";
import { connect as connectTls } from "node:tls";
import { systemClock } from "../../base/os/clock.ts";
import { MemoryStorage } from "./registry/memory-storage.ts";
import { StorageError, type Transaction } from "./registry/storage.ts";
import { startTestApiserver, type TestApiserver } from "./testing.ts";
import { configMap, configMaps } from "./testing-objects.ts";

describe("bounds on connections and heads", () => {
  let server: TestApiserver;
  before(async () => {
    server = await startTestApiserver({ config: { headTimeoutMs: 1000 } });
  });
  after(() => server.stop());
  const address = () => ({ host: "127.0.0.1", port: Number(new URL(server.url).port) });

  it("closes a connection that does not shake hands in time", async () => {
    const socket = connectPlain(address());
    // Resolves when the server hangs up; the socket sends nothing.
    await new Promise<void>((resolve) => socket.on("close", () => resolve()).resume());
  });

  it("closes a connection whose head does not come in time, with 408", async () => {
    const socket = connectTls({ ...address(), ca: server.authority.certificatePem, servername: "localhost" });
    let text = "";
    socket.on("data", (chunk) => {
      text += chunk;
    });
    await new Promise<void>((resolve) => socket.on("secureConnect", () => resolve()));
    socket.write("GET /healthz HTTP/1.1\r\nHost: a\r\nX-Slow: ");
    await new Promise<void>((resolve) => socket.on("close", () => resolve()));
    assert.match(text, /^HTTP\/1\.1 408 /);
  });

  it("refuses a head beyond 1 MiB with 431, and takes one below it", async () => {
    const ask = (bytes: number) =>
      server.admin.call("GET", configMaps, { headers: { "x-large": "x".repeat(bytes) } });
    assert.equal((await ask(1_000_000)).code, 200);
    assert.equal((await ask(1_100_000)).code, 431);
  });
});

/** A storage that is gone after so many deletions. */
class FailsLater extends MemoryStorage {
  deletionsLeft = Number.POSITIVE_INFINITY;
  override commit(transaction: Transaction) {
    const deletes = transaction.writes.some(({ type }) => type === "delete");
    if (deletes && this.deletionsLeft-- <= 0) throw new StorageError("unavailable", "etcdserver: no leader");
    return super.commit(transaction);
  }
}

describe("deleting a collection while the store goes away", () => {
  it("says 504 when some are deleted, since nobody may take it for undone; 503 when none is", async () => {
    const storage = new FailsLater(systemClock);
    const server = await startTestApiserver({ storage });
    try {
      for (const name of ["a", "b", "c"])
        await server.admin.call("POST", configMaps, { body: configMap(name, {}, { some: "of-them" }) });
      const remove = () => server.admin.call("DELETE", `${configMaps}?labelSelector=some`);
      storage.deletionsLeft = 0;
      const none = await remove();
      assert.deepEqual([none.code, none.body.reason], [503, "ServiceUnavailable"]);
      storage.deletionsLeft = 2;
      const partly = await remove();
      assert.deepEqual(
        [partly.code, partly.body.reason, partly.body.message],
        [504, "Timeout", "Timeout: after 2 of 3 deletions: etcdserver: no leader"],
      );
      storage.deletionsLeft = Number.POSITIVE_INFINITY;
      const { items } = (await remove()).body;
      assert.equal(items.length, 1);
    } finally {
      await server.stop();
    }
  });
});
