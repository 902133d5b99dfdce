import assert from "node:assert/strict";
import { mkdtempSync, rmSync } from "node:fs";
import { type ClientHttp2Session, connect as connectHttp2 } from "node:http2";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { must } from "../../base/assert.ts";
import { grpcStatus } from "../../base/grpc/status.ts";
import { sleep, systemClock } from "../../base/os/clock.ts";
import { systemDisk } from "../../base/os/disk.ts";
import { parseFlags } from "../../base/os/flags.ts";
import { freePorts } from "../../base/os/free-ports.ts";
import { silentLog } from "../../base/os/log.ts";
import { MetricsRegistry } from "../../base/os/metrics.ts";
import { Prng, systemRandom } from "../../base/os/random.ts";
import { latin1 } from "../../base/wire.ts";
import { methods } from "../../proto/etcd-methods.ts";
import { openStoreClient } from "../../store/client/open-client.ts";
import { type RunningStore, startStore } from "../../store/compose.ts";
import { storeConfig, storeFlags } from "../../store/flags.ts";
import { FaultyLink, type LinkFault } from "./faulty-link.ts";

const parts = { clock: systemClock, random: systemRandom };
const names = ["m0", "m1", "m2"] as const;
const clientsCount = 20;
/** Not a whole number: whoever counts in milliseconds is early. */
const deadlineMs = 200.95;
const faults: readonly LinkFault[] = ["cut", "delay", "swallow"];

/** Writes unique values one after the other. Like etcd's Go client it sends a write again when it is told of a deadline or a
 *  cancellation that its own clock knows nothing of, and takes everything else for what it says. */
class Writer {
  readonly #session: ClientHttp2Session;
  readonly #name: string;
  #count = 0;
  readonly acknowledged = new Map<string, number>();
  /** Answers on a deadline that had not passed yet. */
  early = 0;

  constructor(name: string, port: number) {
    this.#name = name;
    this.#session = connectHttp2(`http://127.0.0.1:${port}`);
    this.#session.on("error", () => undefined);
  }

  async run(isOver: () => boolean): Promise<void> {
    while (!isOver()) await this.#write(`${this.#name}.${++this.#count}`);
    this.#session.destroy();
  }

  async #write(value: string): Promise<void> {
    const endMs = performance.now() + deadlineMs;
    for (;;) {
      const { status, revision } = await this.#send(value, endMs);
      if (status === grpcStatus.OK) this.acknowledged.set(value, revision);
      const isContextError = status === grpcStatus.DEADLINE_EXCEEDED || status === grpcStatus.CANCELLED;
      if (!isContextError || performance.now() >= endMs) return;
      this.early += 1;
    }
  }

  #send(value: string, endMs: number): Promise<{ readonly status: number; readonly revision: number }> {
    return new Promise((resolve) => {
      const micros = Math.max(1, Math.floor((endMs - performance.now()) * 1000));
      const stream = this.#session.request({
        ":method": "POST",
        ":path": methods.put.path,
        "content-type": "application/grpc",
        te: "trailers",
        "grpc-timeout": `${micros}u`,
      });
      let status: number = grpcStatus.UNAVAILABLE;
      const chunks: Buffer[] = [];
      const told = (headers: Record<string, unknown>) => {
        if (headers["grpc-status"] !== undefined) status = Number(headers["grpc-status"]);
      };
      // Node's timers may fire a little early; the client's clock must not.
      const ownClock = () => {
        const restMs = endMs - performance.now();
        if (restMs > 0) timer = setTimeout(ownClock, Math.ceil(restMs));
        else {
          status = grpcStatus.DEADLINE_EXCEEDED;
          stream.close(8 /* CANCEL */);
        }
      };
      let timer = setTimeout(ownClock, deadlineMs);
      stream.on("response", told);
      stream.on("trailers", told);
      stream.on("data", (chunk: Buffer) => chunks.push(chunk));
      stream.on("error", () => undefined);
      stream.on("close", () => {
        clearTimeout(timer);
        const message = Buffer.concat(chunks).subarray(5);
        const revision =
          status === grpcStatus.OK ? (methods.put.response.decode(message).header?.revision ?? 0) : 0;
        resolve({ status, revision });
      });
      const body = methods.put.request.encode({
        key: Buffer.from(`k${this.#count % 5}`),
        value: Buffer.from(value),
      });
      const prefix = Buffer.alloc(5);
      prefix.writeUInt32BE(body.length, 1);
      stream.end(Buffer.concat([prefix, body]));
    });
  }
}

describe("three members whose links fail under clients with short deadlines", function () {
  this.timeout(300_000);
  let folder: string;
  const stores: RunningStore[] = [];
  const links: FaultyLink[] = [];
  before(async () => {
    folder = mkdtempSync(join(tmpdir(), "pintle-faults-"));
    const ports = await freePorts(names.length);
    for (const port of ports) links.push(await FaultyLink.open(port));
    const peerUrl = (at: number) => `http://127.0.0.1:${must(links[at], "a link per member").port}`;
    for (const [at, name] of names.entries()) {
      const { flags } = parseFlags(storeFlags, [
        `--name=${name}`,
        `--data-dir=${join(folder, name)}`,
        "--listen-client-urls=http://127.0.0.1:0",
        "--advertise-client-urls=http://127.0.0.1:9",
        `--listen-peer-urls=http://127.0.0.1:${must(ports[at], "a port per member")}`,
        `--initial-advertise-peer-urls=${peerUrl(at)}`,
        `--initial-cluster=${names.map((other, to) => `${other}=${peerUrl(to)}`).join(",")}`,
        "--heartbeat-interval=50",
        "--election-timeout=300",
      ]);
      stores.push(
        await startStore(storeConfig(flags), {
          ...parts,
          disk: systemDisk,
          log: silentLog,
          metrics: new MetricsRegistry(),
        }),
      );
    }
  });
  after(async () => {
    for (const store of stores) await store.stop();
    for (const link of links) await link.close();
    rmSync(folder, { recursive: true, force: true });
  });

  it("apply no value twice, lose no acknowledged one, and answer no deadline early", async () => {
    const client = openStoreClient(
      { endpoints: stores.map((store) => `http://127.0.0.1:${store.clientPorts[0]}`) },
      parts,
    );
    await Promise.all(stores.map(({ ready }) => ready));
    const { revision: start } = await client.put("begin", "1");
    let isOver = false;
    const writers = Array.from(
      { length: clientsCount },
      (_, at) => new Writer(`c${at}`, must(stores[at % stores.length]?.clientPorts[0], "a client port")),
    );
    const running = Promise.all(writers.map((writer) => writer.run(() => isOver)));
    const random = new Prng(1);
    for (const fault of [...faults, ...faults]) {
      const link = must(links[random.uint32() % links.length], "a link per member");
      link.fault = fault;
      await sleep(systemClock, 1_000);
      link.fault = "none";
      await sleep(systemClock, 300);
    }
    isOver = true;
    await running;

    await client.put("end", "1");
    const seen = new Map<string, number[]>();
    const watcher = client.watch({ key: Buffer.from("e"), rangeEnd: Buffer.from("l"), startRevision: start });
    for await (const batch of watcher) {
      if (batch.kind !== "events") continue;
      const kvs = batch.events.map(({ kv }) => must(kv, "a put has a pair"));
      for (const { value, modRevision } of kvs)
        seen.set(latin1(value), [...(seen.get(latin1(value)) ?? []), modRevision]);
      if (kvs.some(({ key }) => latin1(key) === "end")) break;
    }
    client.close();
    assert.equal(
      writers.reduce((sum, { early }) => sum + early, 0),
      0,
      "deadlines answered early",
    );
    assert.deepEqual(
      [...seen].filter(([, revisions]) => revisions.length > 1),
      [],
      "applied twice",
    );
    const acknowledged = writers.flatMap((writer) => [...writer.acknowledged]);
    assert.ok(acknowledged.length > 100, `${acknowledged.length} writes were acknowledged`);
    assert.deepEqual(
      acknowledged.filter(([value, revision]) => seen.get(value)?.[0] !== revision),
      [],
      "acknowledged and not there",
    );
    assert.ok(seen.size >= acknowledged.length);
  });
});
