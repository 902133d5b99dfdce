import assert from "node:assert/strict";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Server, ServerCredentials, status } from "@grpc/grpc-js";
import {
  leaseGrantRequest,
  leaseKeepAliveRequest,
  putRequest,
  rangeRequest,
  rangeResponse,
} from "../../proto/etcd.ts";
import type { RunningStore } from "../../store/compose.ts";
import { startAlone } from "../../store/testing/start-alone.ts";
import { drive, type Job } from "./drive.ts";
import { driveLeases } from "./lease-lives.ts";
import { LeaseTemplate } from "./lease-template.ts";
import { markedValue, TimedTemplate } from "./marked-times.ts";
import { keyOf, RequestTemplate } from "./request-template.ts";
import { driveWatched } from "./watched.ts";

const putOf = (bytes: number) =>
  new RequestTemplate((key) => putRequest.encode({ key, value: new Uint8Array(bytes) }));
const puts: Job = {
  path: "/etcdserverpb.KV/Put",
  template: putOf(100),
  keyNumber: (n) => n,
  connections: 3,
  clients: 20,
};

describe("the generator of load", function () {
  this.timeout(120_000);

  describe("against a store", () => {
    let folder: string;
    let store: RunningStore;
    let endpoints: readonly string[];
    before(async () => {
      folder = await mkdtemp(join(tmpdir(), "pintle-generator-"));
      store = await startAlone(folder);
      await store.ready;
      endpoints = [`http://127.0.0.1:${store.clientPorts[0]}`];
    });
    after(async () => {
      await store.stop();
      await rm(folder, { recursive: true, force: true });
    });

    it("sends as many requests as it is told, each about its own key, and measures tenths", async () => {
      const result = await drive(puts, endpoints, { requests: 1000 });
      assert.equal(result.requests, 1000);
      assert.equal(result.failures, 0, result.firstFailure);
      assert.equal(result.tenths?.length, 10);
      const read = { ...puts, path: "/etcdserverpb.KV/Range", clients: 1, connections: 1 };
      const all = new RequestTemplate(() => rangeRequest.encode({ key: keyOf(0), rangeEnd: keyOf(1000) }));
      const keysOfAll = Array.from({ length: 1000 }, (_, n) => ({
        key: keyOf(n),
        value: new Uint8Array(100),
      }));
      const { answerBytes } = await drive({ ...read, template: all }, endpoints, { requests: 1 });
      assert.ok(answerBytes > rangeResponse.encode({ kvs: keysOfAll, count: 1000 }).length);
    });

    it("sends values that are larger than a frame and the server's windows", async () => {
      const large = { ...puts, template: putOf(1_000_000), clients: 6 };
      const result = await drive(large, endpoints, { requests: 24 });
      assert.deepEqual([result.requests, result.failures], [24, 0], result.firstFailure);
    });

    it("counts what the store refuses, and keeps the first reason", async () => {
      const empty = new RequestTemplate(() => putRequest.encode({ key: new Uint8Array(0) }));
      const result = await drive({ ...puts, template: empty }, endpoints, { requests: 50 });
      assert.deepEqual([result.requests, result.failures], [0, 50]);
      assert.match(result.firstFailure ?? "", /^status 3: etcdserver: key is not provided/);
    });

    it("has a stream for each client that asks on one", async () => {
      const lease = { connections: 2, clients: 10, keyNumber: (n: number) => n % 10 };
      const grant = new LeaseTemplate((id) => leaseGrantRequest.encode({ id, ttl: 600 }));
      const path = "/etcdserverpb.Lease";
      const granted = await drive({ ...lease, path: `${path}/LeaseGrant`, template: grant }, endpoints, {
        requests: 10,
      });
      assert.deepEqual([granted.requests, granted.failures], [10, 0], granted.firstFailure);
      const keepAlive = new LeaseTemplate((id) => leaseKeepAliveRequest.encode({ id }));
      const kept = await drive(
        { ...lease, path: `${path}/LeaseKeepAlive`, template: keepAlive, isStream: true },
        endpoints,
        { requests: 500 },
      );
      assert.deepEqual([kept.requests, kept.failures], [500, 0], kept.firstFailure);
    });

    it("counts the events of its puts at each watcher of each stream, and how long they took", async () => {
      const template = new TimedTemplate(
        new RequestTemplate((key) => putRequest.encode({ key, value: markedValue(100) })),
      );
      const writer = { ...puts, template, clients: 2, connections: 1 };
      const result = await driveWatched(
        writer,
        { streams: 7, watchersPerStream: 3, connections: 3 },
        endpoints,
        { requests: 50 },
      );
      assert.deepEqual([result.requests, result.failures], [1050, 0], result.firstFailure);
      assert.ok(result.p50Ms > 0 && result.p50Ms <= result.p99Ms);
    });

    it("grants leases that are due together, and waits until their keys are gone", async () => {
      const lives = { clients: 8, connections: 2, firstNumber: 500, dueSeconds: 5 };
      const result = await driveLeases(lives, endpoints, 40);
      assert.deepEqual([result.requests, result.failures], [40, 0]);
      assert.deepEqual(
        result.steps?.map(({ name }) => name),
        ["grants", "puts", "expiry"],
      );
      assert.ok(result.p50Ms > 0, "a key went before its lease was due");
      const all = new RequestTemplate(() => rangeRequest.encode({ key: keyOf(500), rangeEnd: keyOf(540) }));
      const read = { ...puts, path: "/etcdserverpb.KV/Range", template: all, clients: 1, connections: 1 };
      const { answerBytes } = await drive(read, endpoints, { requests: 1 });
      assert.ok(answerBytes < 100, `${answerBytes} bytes of keys that should be gone`);
    });

    it("ends after a time", async () => {
      const result = await drive(puts, endpoints, { seconds: 0.2 });
      assert.ok(result.requests > 0 && result.seconds >= 0.2);
      assert.equal(result.failures, 0, result.firstFailure);
    });
  });

  it("reads the answers of a server that keeps their headers in its table", async () => {
    const server = new Server();
    const bytes = (value: Buffer) => value;
    const method = { requestStream: false, responseStream: false };
    const codec = {
      requestSerialize: bytes,
      requestDeserialize: bytes,
      responseSerialize: bytes,
      responseDeserialize: bytes,
    };
    let asked = 0;
    server.addService(
      { put: { path: puts.path, ...method, ...codec } },
      {
        put: (_call: unknown, answer: (error: object | null, value?: Buffer) => void) => {
          asked += 1;
          if (asked % 10 === 0) answer({ code: status.UNAVAILABLE, details: `no. ${asked}` });
          else answer(null, Buffer.from("done"));
        },
      },
    );
    const port = await new Promise<number>((resolve, reject) =>
      server.bindAsync("127.0.0.1:0", ServerCredentials.createInsecure(), (error, bound) =>
        error === null ? resolve(bound) : reject(error),
      ),
    );
    try {
      const result = await drive(puts, [`http://127.0.0.1:${port}`], { requests: 200 });
      assert.deepEqual([result.requests, result.failures], [180, 20]);
      assert.equal(result.firstFailure, "status 14: no. 10");
      assert.equal(result.answerBytes, 180 * 9);
    } finally {
      server.forceShutdown();
    }
  });

  it("says why where a server goes away", async () => {
    await assert.rejects(drive(puts, ["http://127.0.0.1:1"], { requests: 1 }), /ECONNREFUSED/);
  });
});
