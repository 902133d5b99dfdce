import assert from "node:assert/strict";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { systemClock } from "../base/os/clock.ts";
import { parseFlags } from "../base/os/flags.ts";
import { systemRandom } from "../base/os/random.ts";
import { withActive } from "../base/tracing/active-span.ts";
import { type CollectedSpan, TestCollector } from "../base/tracing/testing/collector.ts";
import { Tracer } from "../base/tracing/tracer.ts";
import { openStoreClient } from "./client/open-client.ts";
import { storeConfig, storeFlags } from "./flags.ts";
import { startAlone } from "./testing/start-alone.ts";
import { packed, unpacked } from "./thread/packets.ts";

const traceId = "4bf92f3577b34da6a3ce929d0e0e4736";
const parentId = "00f067aa0ba902b7";
const tracer = new Tracer(0, { clock: systemClock, random: systemRandom, ended: () => undefined });

describe("a store that traces", () => {
  let dataDir: string;
  let collector: TestCollector;

  beforeEach(async () => {
    dataDir = await mkdtemp(join(tmpdir(), "pintle-traced-"));
    collector = new TestCollector();
  });
  afterEach(async () => {
    collector.stop();
    await rm(dataDir, { recursive: true });
  });

  /** What is asked within a span that is sampled or not, and with none. */
  async function spansOf(flags: readonly string[]): Promise<readonly CollectedSpan[]> {
    const store = await startAlone({ dataDir }, ...flags);
    const endpoints = [`http://127.0.0.1:${store.clientPorts[0]}`];
    const client = openStoreClient({ endpoints }, { clock: systemClock, random: systemRandom });
    const within = <T>(isSampled: boolean, work: () => Promise<T>) =>
      withActive({ tracer, context: { traceId, spanId: parentId, isSampled }, span: undefined }, work);
    try {
      await within(true, () => client.put("a", "1"));
      await within(false, () => client.get("a"));
      await client.get("a");
      await assert.rejects(within(true, () => client.revokeLease(17n)));
    } finally {
      client.close();
      await store.stop();
    }
    return collector.spans;
  }

  it("has its requests hang on whom its clients say asks, sampled as they are", async () => {
    const endpoint = await collector.serveHttp();
    const spans = await spansOf([
      "--enable-distributed-tracing",
      `--distributed-tracing-address=${endpoint}`,
      "--distributed-tracing-service-name=shop-store",
    ]);
    assert.deepEqual(
      spans.map(({ name, service, kind, traceId: of, parentId: parent, failed }) => [
        name,
        service,
        kind,
        of,
        parent,
        failed,
      ]),
      [
        ["etcdserverpb.KV/Put", "shop-store", "SPAN_KIND_SERVER", traceId, parentId, false],
        ["etcdserverpb.Lease/LeaseRevoke", "shop-store", "SPAN_KIND_SERVER", traceId, parentId, true],
      ],
    );
    assert.equal(spans[0]?.attributes["rpc.method"], "Put");
    assert.ok((spans[0]?.endNanos ?? 0n) > (spans[0]?.startNanos ?? 0n));
  });

  it("samples what no client traces by its own rate, and goes by etcd's older names and by gRPC, too", async () => {
    const endpoint = await collector.serveGrpc();
    const spans = await spansOf([
      "--experimental-enable-distributed-tracing=true",
      `--experimental-distributed-tracing-address=${endpoint}`,
      "--experimental-distributed-tracing-sampling-rate=1000000",
    ]);
    assert.deepEqual(spans.map(({ name, service }) => `${service} ${name}`).sort(), [
      "etcd etcdserverpb.KV/Put",
      "etcd etcdserverpb.KV/Range",
      "etcd etcdserverpb.Lease/LeaseRevoke",
    ]);
    const own = spans.find(({ name }) => name.endsWith("Range"));
    assert.ok(own?.traceId !== traceId && own?.parentId === "");
  });

  it("says nothing unless it is told to", async () => {
    const endpoint = await collector.serveHttp();
    assert.deepEqual(await spansOf([`--distributed-tracing-address=${endpoint}`]), []);
  });

  it("refuses what is no address and no rate", () => {
    const config = (...flags: string[]) => storeConfig(parseFlags(storeFlags, flags).flags);
    assert.throws(
      () => config("--distributed-tracing-sampling-rate=-1"),
      /--distributed-tracing-sampling-rate: -1 must be from 0/,
    );
    assert.throws(
      () => config("--distributed-tracing-address=nowhere"),
      /--distributed-tracing-address: "nowhere" is none of/,
    );
    assert.equal(config("--distributed-tracing-sampling-rate=5").tracing, undefined);
  });
});

describe("packets to a store in another thread", () => {
  it("say which trace asks, where one does", () => {
    const traceparent = `00-${traceId}-${parentId}-01`;
    const one = {
      kind: "unary",
      call: 1,
      method: 2,
      timeoutMs: 3,
      requireLeader: true,
      body: Buffer.from("body"),
    } as const;
    const all = [...unpacked(packed([one, { ...one, traceparent }, one]))];
    assert.deepEqual(
      all.map((packet) => packet.traceparent),
      [undefined, traceparent, undefined],
    );
    assert.deepEqual(
      all.map(({ body, call }) => [Buffer.from(body).toString(), call]),
      Array(3).fill(["body", 1]),
    );
  });
});
