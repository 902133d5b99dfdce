import { deepStrictEqual, ok, rejects, strictEqual } from "node:assert/strict";
import { MessageChannel } from "node:worker_threads";
import { deferred } from "../../base/deferred.ts";
import { systemClock } from "../../base/os/clock.ts";
import { EtcdStorage } from "../../controlplane/apiserver/registry/etcd-storage.ts";
import { storageSuite } from "../../controlplane/apiserver/registry/storage.suite.ts";
import { startTestApiserver } from "../../controlplane/apiserver/testing.ts";
import { methods } from "../../proto/etcd-methods.ts";
import { CallError } from "../../store/client/call-error.ts";
import type { Endpoint } from "../../store/client/endpoints.ts";
import { bytesOf, prefixEnd } from "../../store/client/keys.ts";
import type { ClientTransport } from "../../store/client/transport.ts";
import { compareMod, opPut } from "../../store/client/txn.ts";
import { LocalTransport } from "../../store/local-transport.ts";
import type { Handlers } from "../../store/rpc/handler.ts";
import { servePort } from "../../store/thread/serve-port.ts";
import { ThreadTransport } from "../../store/thread/thread-transport.ts";
import { type StoreBeside, startStoreBeside, storageBeside, transportTo } from "../store-beside.ts";

describe("a store in the same process", () => {
  let beside: StoreBeside;
  let suites = 0;
  before(async () => {
    beside = await startStoreBeside();
  });
  after(() => beside.stop());

  for (const by of ["call", "port", "socket"] as const)
    storageSuite(`of our own, by ${by}`, async () => ({
      storage: new EtcdStorage(beside.client(by), systemClock),
      prefix: `/registry/suite-${++suites}/`,
    }));

  it("answers a call as it answers over a socket: values, leases, errors", async () => {
    const said: unknown[][] = [];
    for (const by of ["call", "port", "socket"] as const) {
      const client = beside.client(by);
      const own: unknown[] = [];
      const failure = async (promise: Promise<unknown>) => {
        const error = await promise.then(
          () => undefined,
          (reason: unknown) => reason,
        );
        ok(error instanceof CallError, String(error));
        own.push([error.status, error.code, error.message]);
      };
      const key = `answers-${by}`;
      const { revision } = await client.put(key, "1");
      const { kv } = await client.get(key);
      own.push(Buffer.from(kv?.value ?? []).toString(), kv?.modRevision === revision);
      const { succeeded } = await client.txn({
        compare: [compareMod(key, "EQUAL", revision + 1)],
        success: [opPut(key, "2")],
        failure: [],
      });
      own.push(succeeded);
      const { id, ttlSeconds } = await client.grantLease(100);
      own.push(ttlSeconds, await client.keepAliveOnce(id));
      await client.revokeLease(id);
      own.push((await client.leaseTimeToLive(id)).ttlSeconds);
      await failure(client.put("k", "v", { lease: 12345n }));
      await failure(client.get(key, { revision: 1_000_000 }));
      await failure(client.compact(1_000_000));
      await failure(client.put("large", Buffer.alloc(1_700_000)));
      said.push(own);
      client.close();
    }
    deepStrictEqual(said[0], said[2]);
    deepStrictEqual(said[1], said[2]);
  });

  it("tells watchers every change in order, also what came while they were away", async () => {
    const client = beside.client("port");
    const { revision } = await client.put("seen/0", "0");
    const told: string[] = [];
    const watcher = client.watch({
      key: bytesOf("seen/"),
      rangeEnd: prefixEnd("seen/"),
      startRevision: revision,
    });
    for (let n = 1; n <= 20; n++) await client.put(`seen/${n}`, String(n));
    for await (const batch of watcher) {
      if (batch.kind === "events")
        for (const { kv } of batch.events) told.push(Buffer.from(kv?.key ?? []).toString());
      if (told.length > 20) break;
    }
    deepStrictEqual(
      told,
      Array.from({ length: 21 }, (_, n) => `seen/${n}`),
    );
    client.close();
  });

  for (const by of ["call", "port"] as const) {
    it(`is waited for as long as a call says, until it serves; what was not handed over may be sent again (${by})`, async () => {
      const transport = transportTo({ ...beside.store, ready: new Promise<void>(() => undefined) }, by);
      const bytes = methods.range.request.encode({ key: new Uint8Array([1]) });
      const call = (timeoutMs: number, signal?: AbortSignal) =>
        transport.unary(endpointOf(beside), methods.range.path, bytes, {
          timeoutMs,
          signal,
          requireLeader: true,
        });
      await rejects(call(5), (error: CallError) => error.status === "DEADLINE_EXCEEDED" && !error.sent);
      const stop = new AbortController();
      const waiting = call(600_000, stop.signal);
      stop.abort(new Error("no more"));
      await rejects(waiting, /no more/);
      transport.close();
    });

    it(`ends calls and streams with itself (${by})`, async () => {
      const own = await startStoreBeside();
      const client = own.client(by);
      await client.put("a", "1");
      let ended = 0;
      const transport = transportTo(own.store, by);
      const over = new Promise<CallError | undefined>((resolve) => {
        transport.stream(
          endpointOf(own),
          methods.watch.path,
          { requireLeader: false },
          {
            message: () => undefined,
            end: (error) => {
              ended++;
              resolve(error);
            },
          },
        );
      });
      await own.stop();
      await rejects(
        client.put("a", "2", { timeoutMs: 200 }),
        (error: CallError) => error.status === "UNAVAILABLE",
      );
      client.close();
      strictEqual((await over)?.status, "UNAVAILABLE");
      strictEqual(ended, 1);
      transport.close();
    });
  }

  it("is left by who closes the port: its stream ends there, too", async () => {
    const { port1: port, port2 } = new MessageChannel();
    const closed = deferred<void>();
    const handlers: Handlers = {
      unary: new Map(),
      streams: new Map([
        [
          methods.watch.path,
          {
            kind: "bidiStream" as const,
            handler: (out) => {
              out.send(new Uint8Array([1]));
              return {
                message: () => undefined,
                halfClose: () => undefined,
                drained: () => undefined,
                closed: () => closed.resolve(),
              };
            },
          },
        ],
      ]),
    };
    servePort(port2, new LocalTransport({ ...beside.store, handlers }, systemClock));
    const transport = new ThreadTransport({ ...beside.store, port }, {
      close: () => undefined,
    } as unknown as ClientTransport);
    const opened = deferred<Uint8Array>();
    transport.stream(
      endpointOf(beside),
      methods.watch.path,
      { requireLeader: false },
      { message: opened.resolve, end: () => undefined },
    );
    deepStrictEqual([...(await opened.promise)], [1]);
    transport.close();
    await closed.promise;
  });

  it("carries calls for other members to them", async () => {
    const asked: string[] = [];
    const remote = {
      unary: async ({ url }: Endpoint) => {
        asked.push(url);
        return new Uint8Array();
      },
      close: () => undefined,
    } as unknown as ClientTransport;
    const transport = transportTo(beside.store, "port", remote);
    const other: Endpoint = { url: "http://10.0.0.9:2379", address: "10.0.0.9:2379", secure: false };
    await transport.unary(other, methods.range.path, new Uint8Array(), {
      timeoutMs: 100,
      requireLeader: true,
    });
    strictEqual(asked.join(), other.url);
    transport.close();
  });

  it("is what an API server can stand on", async () => {
    const server = await startTestApiserver({ storage: await storageBeside() });
    try {
      const path = "/api/v1/namespaces/default/configmaps";
      const watch = await server.admin.openWatch(`${path}?watch=1`);
      const body = JSON.stringify({ apiVersion: "v1", kind: "ConfigMap", metadata: { name: "a" } });
      const headers = { "content-type": "application/json" };
      const { code } = await server.admin.call("POST", path, { body, headers });
      strictEqual(code, 201);
      for await (const { type, object } of watch)
        if (object.metadata.name === "a") {
          strictEqual(type, "ADDED");
          break;
        }
    } finally {
      await server.stop();
    }
  });
});

function endpointOf({ url }: StoreBeside): Endpoint {
  return { url, address: new URL(url).host, secure: false };
}
