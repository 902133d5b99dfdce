import assert from "node:assert/strict";
import { systemClock } from "../os/clock.ts";
import { silentLog } from "../os/log.ts";
import { MetricsRegistry } from "../os/metrics.ts";
import { Prng } from "../os/random.ts";
import { activeTraceparent, spanned, withActive } from "./active-span.ts";
import { collectorOf, readTracingFile } from "./config.ts";
import { openTracing, type Tracing } from "./open-tracing.ts";
import type { EndedSpan } from "./span.ts";
import { queuedMax, SpanQueue } from "./span-queue.ts";
import { TestCollector } from "./testing/collector.ts";
import { parseTraceparent, traceparent } from "./trace-context.ts";
import { Tracer } from "./tracer.ts";

const traceId = "4bf92f3577b34da6a3ce929d0e0e4736";
const spanId = "00f067aa0ba902b7";
const about = { resource: { "service.name": "test", "service.instance.id": "one" }, scope: "pintle" };

describe("traceparent", () => {
  it("is read as W3C has it, and is none otherwise", () => {
    const read = (text: string) => parseTraceparent(text);
    assert.deepEqual(read(`00-${traceId}-${spanId}-01`), { traceId, spanId, isSampled: true });
    assert.equal(read(`00-${traceId}-${spanId}-02`)?.isSampled, false);
    assert.ok(read(`cc-${traceId}-${spanId}-01-what-comes-later`));
    for (const text of [
      "",
      `ff-${traceId}-${spanId}-01`,
      `00-${traceId}-${spanId}-01-more`,
      `00-${traceId.toUpperCase()}-${spanId}-01`,
      `00-${"0".repeat(32)}-${spanId}-01`,
      `00-${traceId}-${"0".repeat(16)}-01`,
      `00-${traceId}-${spanId}-1`,
    ])
      assert.equal(read(text), undefined, text);
    assert.equal(traceparent({ traceId, spanId, isSampled: true }), `00-${traceId}-${spanId}-01`);
  });
});

describe("TracingConfiguration", () => {
  const problemsOf = (text: string) => {
    const problems: string[] = [];
    readTracingFile(text, problems);
    return problems.join("\n");
  };
  const head = "apiVersion: apiserver.config.k8s.io/v1\nkind: TracingConfiguration\n";

  it("is read, with Kubernetes' defaults, and refused by field and value", () => {
    assert.deepEqual(readTracingFile(head, []), { endpoint: "localhost:4317", ratePerMillion: 0 });
    const whole = `${head}endpoint: http://a:4318\nsamplingRatePerMillion: 500\n`;
    assert.deepEqual(readTracingFile(whole, []), { endpoint: "http://a:4318", ratePerMillion: 500 });
    assert.match(problemsOf(`${head}endpoint: ftp://a\n`), /^endpoint: "ftp:\/\/a" is none of HOST:PORT/);
    assert.match(problemsOf(`${head}samplingRatePerMillion: 1000001\n`), /1000001 is not from 0 to 1000000/);
    assert.match(problemsOf(`${head}sampling: 1\n`), /^sampling: unknown field/);
    assert.match(problemsOf("kind: Pod\n"), /not a TracingConfiguration/);
    assert.match(problemsOf("- a\n"), /not an object/);
  });

  it("names collectors as Kubernetes does, and by URLs", () => {
    const place = { host: "a", port: 4317 };
    for (const text of ["a:4317", "dns:///a:4317", "dns:a:4317", "dns://8.8.8.8/a:4317"])
      assert.deepEqual(collectorOf(text), { protocol: "grpc", place }, text);
    assert.deepEqual(collectorOf("[::1]:4317"), { protocol: "grpc", place: { host: "::1", port: 4317 } });
    assert.deepEqual(collectorOf("unix:///run/otel"), { protocol: "grpc", place: { path: "/run/otel" } });
    for (const text of ["a", "a:0", "a:70000", "unix:a", "http://a:b@c", "a b:1"])
      assert.equal(collectorOf(text), undefined, text);
  });
});

describe("spans", () => {
  let collector: TestCollector;
  let tracing: Tracing;
  let metrics: MetricsRegistry;
  const open = (endpoint: string, ratePerMillion = 1_000_000) => {
    metrics = new MetricsRegistry();
    const os = { clock: systemClock, random: new Prng(1), log: silentLog, metrics };
    tracing = openTracing({ endpoint, ratePerMillion }, about, os);
    return tracing.tracer;
  };
  beforeEach(() => {
    collector = new TestCollector();
  });
  afterEach(async () => {
    await tracing.close();
    collector.stop();
  });

  for (const [protocol, serve] of [
    ["HTTP", () => collector.serveHttp()],
    ["gRPC", () => collector.serveGrpc()],
  ] as const)
    it(`come to a collector by ${protocol}, as another implementation reads them`, async () => {
      const tracer = open(await serve());
      const parent = { traceId, spanId, isSampled: true };
      const span = tracer.start({
        name: "GET /api/v1/pods",
        kind: "server",
        parent,
        links: [{ ...parent, spanId: "1111111111111111" }],
        startMs: 1_700_000_000_000.25,
        attributes: { text: "é", count: 300, less: -1.5, yes: true, long: "x".repeat(10_000) },
      });
      assert.ok(span);
      span.event("half way", { at: 1 });
      span.fails("it broke");
      span.end();
      span.end();
      await tracing.close();
      const [found, ...more] = collector.spans;
      assert.ok(found);
      assert.deepEqual(more, []);
      const { spanId: own, endNanos, attributes, ...rest } = found;
      assert.equal(own, span.context.spanId);
      assert.ok(endNanos > rest.startNanos);
      const { long, ...values } = attributes;
      assert.equal(String(long).length, 4096);
      assert.deepEqual(values, { text: "é", count: "300", less: -1.5, yes: true });
      assert.deepEqual(rest, {
        service: "test",
        traceId,
        parentId: spanId,
        name: "GET /api/v1/pods",
        kind: "SPAN_KIND_SERVER",
        startNanos: 1_700_000_000_000_250_000n,
        events: ["half way"],
        links: ["1111111111111111"],
        failed: true,
      });
      assert.match(await metrics.text(), /pintle_tracing_spans_exported_total 1\n/);
      if (protocol === "HTTP") assert.deepEqual(collector.contentTypes, ["application/x-protobuf"]);
    });

  it("hang on the span in which the running code works, across what it waits for", async () => {
    const tracer = open(await collector.serveHttp());
    const span = tracer.start({ name: "outer" });
    assert.ok(span);
    assert.equal(activeTraceparent(), undefined);
    const told: (string | undefined)[] = [];
    await withActive({ tracer, context: span.context, span }, async () => {
      told.push(activeTraceparent());
      await spanned({ name: "inner" }, async () => {
        await Promise.resolve();
        told.push(activeTraceparent());
      });
      const failing = spanned({ name: "failing" }, () => Promise.reject(new Error("no")));
      await assert.rejects(failing, /^Error: no$/);
    });
    span.end();
    await spanned({ name: "of nothing" }, async (none) => assert.equal(none, undefined));
    await tracing.close();
    const [inner, failing, outer] = collector.spans;
    assert.deepEqual(
      [inner, failing, outer].map((one) => [one?.name, one?.parentId, one?.failed]),
      [
        ["inner", outer?.spanId, false],
        ["failing", outer?.spanId, true],
        ["outer", "", false],
      ],
    );
    assert.deepEqual(
      told,
      [outer, inner].map((one) => `00-${one?.traceId}-${one?.spanId}-01`),
    );
  });

  it("are dropped and counted where a collector does not take them, or there are too many", async () => {
    const tracer = open(await collector.serveHttp());
    collector.code = 503;
    tracer.start({ name: "lost" })?.end();
    await tracing.close();
    assert.match(await metrics.text(), /spans_dropped_total\{reason="not taken"\} 1\n/);
    tracer.start({ name: "late" })?.end();
    assert.match(await metrics.text(), /spans_dropped_total\{reason="queue full"\} 1\n/);
    const held: (() => void)[] = [];
    const own = new MetricsRegistry();
    const sender = { send: () => new Promise<void>((resolve) => held.push(resolve)), close: () => {} };
    const queue = new SpanQueue(sender, { clock: systemClock, log: silentLog, metrics: own });
    const ended: EndedSpan[] = [];
    new Tracer(1_000_000, { clock: systemClock, random: new Prng(1), ended: (one) => ended.push(one) })
      .start({ name: "a" })
      ?.end();
    const [one] = ended;
    assert.ok(one);
    // The first batch is on its way, and so no more of the queue.
    const sent = 512;
    for (let count = 0; count < sent + queuedMax + 7; count++) queue.add(one);
    assert.match(await own.text(), /spans_dropped_total\{reason="queue full"\} 7\n/);
    const closed = queue.close();
    while (held.length > 0) {
      held.shift()?.();
      await new Promise((resolve) => setImmediate(resolve));
    }
    await closed;
    assert.match(await own.text(), new RegExp(`spans_exported_total ${sent + queuedMax}\n`));
  });

  it("are begun for as many of a million as is said, by the trace's id, and as their parents are", async () => {
    const count = (rate: number) => {
      const tracer = new Tracer(rate, { clock: systemClock, random: new Prng(7), ended: () => {} });
      return Array.from({ length: 10_000 }, () => tracer.start({ name: "a" })).filter(Boolean).length;
    };
    open("http://127.0.0.1:9");
    assert.equal(count(0), 0);
    assert.equal(count(1_000_000), 10_000);
    const tenth = count(100_000);
    assert.ok(tenth > 900 && tenth < 1_100, String(tenth));
    const never = new Tracer(0, { clock: systemClock, random: new Prng(7), ended: () => {} });
    const parent = { traceId, spanId, isSampled: true };
    assert.equal(never.start({ name: "a", parent })?.context.traceId, traceId);
    const always = new Tracer(1_000_000, { clock: systemClock, random: new Prng(7), ended: () => {} });
    assert.equal(always.start({ name: "a", parent: { ...parent, isSampled: false } }), undefined);
  });
});
