import assert from "node:assert/strict";
import { systemDisk } from "../../base/os/disk.ts";
import { parseFlags, UsageError } from "../../base/os/flags.ts";
import { silentLog } from "../../base/os/log.ts";
import { MetricsRegistry } from "../../base/os/metrics.ts";
import { Prng } from "../../base/os/random.ts";
import { ConnectionError } from "../../client/api-error.ts";
import { resources } from "../../client/resources.ts";
import { FakeApi } from "../../client/testing/fake-api.ts";
import { ManualClock } from "../../client/testing/manual-clock.ts";
import type { Draft, Node, Pod } from "../../client/types.ts";
import { SchedulerCache } from "./cache.ts";
import { noMeasure } from "./cycle/measure.ts";
import { podInfo } from "./cycle/pod-info.ts";
import { runEngine } from "./engine.ts";
import { schedulerConfig, schedulerFlags } from "./flags.ts";
import { serveHealth } from "./health-server.ts";
import { schedulerMetrics } from "./metrics.ts";
import { Permits } from "./permits.ts";
import { SchedulingQueue } from "./queue.ts";
import { runScheduler } from "./scheduler.ts";
import { noStorage } from "./storage/storage.ts";
import { insideConfig, testProfile } from "./testing/test-profile.ts";

const node = (name: string, cpu = "4"): Draft<Node> => ({
  metadata: { name, labels: { "kubernetes.io/hostname": name } },
  spec: {},
  status: { allocatable: { cpu, memory: "8Gi", pods: "110" } },
});
const pod = (name: string, cpu = "1", more: Partial<Pod["spec"]> = {}): Draft<Pod> => ({
  metadata: { name, namespace: "n" },
  spec: { containers: [{ name: "c", resources: { requests: { cpu } } }], ...more },
});

describe("controlplane/scheduler", () => {
  const make = (options: { elect?: boolean } = {}) => {
    const clock = new ManualClock();
    const api = new FakeApi();
    const times = { leaseDurationMs: 3_000, renewDeadlineMs: 2_000, retryPeriodMs: 500 };
    const config = {
      ...insideConfig,
      election: options.elect ? { name: "kube-scheduler", namespace: "kube-system", times } : undefined,
    };
    const start = (seed: number, client = api) => {
      const os = {
        clock,
        random: new Prng(seed),
        disk: systemDisk,
        log: silentLog,
        metrics: new MetricsRegistry(),
      };
      return { ...runScheduler(config, client, os), metrics: os.metrics };
    };
    const placed = () =>
      Object.fromEntries(api.all(resources.pods).map(({ metadata, spec }) => [metadata.name, spec.nodeName]));
    const events = (reason: string) => api.all(resources.events).filter((event) => event.reason === reason);
    return { clock, api, start, placed, events };
  };

  it("spreads pods over nodes, counting those it has only just decided on, and says so", async () => {
    const { clock, api, start, placed, events } = make();
    for (const name of ["n1", "n2"]) await api.create(resources.nodes, node(name));
    for (const name of ["a", "b", "c", "d"]) await api.create(resources.pods, pod(name, "1"));
    await api.create(resources.pods, pod("other", "1", { schedulerName: "somebody" }));
    await api.create(resources.pods, pod("gated", "1", { schedulingGates: [{ name: "g" }] }));
    const scheduler = start(1);
    await clock.advance(100);
    const nodes = Object.values(placed());
    assert.equal(nodes.filter((name) => name === "n1").length, 2);
    assert.equal(nodes.filter((name) => name === "n2").length, 2);
    assert.equal(nodes.filter((name) => name === undefined).length, 2);
    const [event] = events("Scheduled");
    assert.match(event?.message ?? "", /^Successfully assigned n\/\w to n[12]$/);
    assert.equal(event?.source?.component, "default-scheduler");
    scheduler.updateGauges();
    assert.match(
      await scheduler.metrics.text(),
      /scheduler_schedule_attempts_total{profile="default-scheduler",result="scheduled"} 4/,
    );
    await scheduler.stop();
    await scheduler.done;
    assert.equal(clock.pending, 0);
  });

  it("says why a pod does not fit, once, and places it when there is room", async () => {
    const { clock, api, start, placed, events } = make();
    await api.create(resources.nodes, node("n1", "1"));
    await api.create(resources.pods, pod("big", "2"));
    const scheduler = start(1);
    await clock.advance(100);
    const message =
      "0/1 nodes are available: 1 Insufficient cpu. preemption: 0/1 nodes are available: 1 Preemption is not helpful for scheduling.";
    const [big] = api.all(resources.pods);
    const condition = big?.status?.conditions?.find(({ type }) => type === "PodScheduled");
    assert.deepEqual(
      [condition?.status, condition?.reason, condition?.message],
      ["False", "Unschedulable", message],
    );
    assert.equal(events("FailedScheduling")[0]?.message, message);
    const before = api.actions.length;
    await clock.advance(60_000);
    assert.equal(api.actions.length, before, "it tries again only when something changed");
    await api.create(resources.nodes, node("n2", "4"));
    await clock.advance(2_000);
    assert.deepEqual(placed(), { big: "n2" });
    await scheduler.stop();
  });

  it("tries again when a pod that was in the way is gone", async () => {
    const { clock, api, start, placed } = make();
    await api.create(resources.nodes, node("n1", "1"));
    await api.create(resources.pods, pod("first", "1"));
    const scheduler = start(1);
    await clock.advance(100);
    await api.create(resources.pods, pod("second", "1"));
    await clock.advance(100);
    assert.deepEqual(placed(), { first: "n1", second: undefined });
    await api.delete(resources.pods, { name: "first", namespace: "n" });
    await clock.advance(2_000);
    assert.deepEqual(placed(), { second: "n1" });
    await scheduler.stop();
  });

  it("takes a failed binding back and tries again", async () => {
    const { clock, api, start, placed } = make();
    await api.create(resources.nodes, node("n1", "1"));
    await api.create(resources.pods, pod("p", "1"));
    let failures = 2;
    api.intercept = async ({ verb }) => {
      if (verb === "subresource" && failures-- > 0) throw new ConnectionError("away", { neverSent: true });
      return undefined;
    };
    const scheduler = start(1);
    await clock.advance(500);
    assert.deepEqual(placed(), { p: undefined });
    await clock.advance(5_000);
    assert.deepEqual(placed(), { p: "n1" });
    await scheduler.stop();
  });

  it("binds only while it leads; the standby takes over", async () => {
    const { clock, api, start, placed } = make({ elect: true });
    await api.create(resources.nodes, node("n1", "8"));
    const first = start(1);
    await clock.advance(100);
    const holder = () => api.all(resources.leases)[0]?.spec?.holderIdentity ?? "";
    const firstHolder = holder();
    const second = start(2);
    await api.create(resources.pods, pod("a"));
    await clock.advance(1_000);
    assert.deepEqual(placed(), { a: "n1" });
    assert.equal(holder(), firstHolder);
    await first.stop();
    await api.create(resources.pods, pod("b"));
    await clock.advance(1_000);
    assert.notEqual(holder(), firstHolder);
    assert.deepEqual(placed(), { a: "n1", b: "n1" });
    await second.stop();
    assert.equal(holder(), "");
    assert.equal(clock.pending, 0);
  });

  it("stops binding when it cannot renew its lease, before another may lead", async () => {
    const { clock, api, start, placed } = make({ elect: true });
    await api.create(resources.nodes, node("n1", "8"));
    const scheduler = start(1);
    await clock.advance(1_000);
    api.intercept = async ({ resource }) => {
      if (resource === "leases") throw new ConnectionError("cut off", { neverSent: true });
      return undefined;
    };
    await clock.advance(2_000);
    await api.create(resources.pods, pod("a"));
    await clock.advance(30_000);
    assert.deepEqual(placed(), { a: undefined });
    api.intercept = async () => undefined;
    await clock.advance(5_000);
    assert.deepEqual(placed(), { a: "n1" });
    await scheduler.stop();
  });

  it("asks whether it leads right before each binding, and takes the decision back if not", async () => {
    const clock = new ManualClock();
    const random = new Prng(1);
    const rules = { order: () => 0, gate: () => undefined, helps: () => false };
    const queue = new SchedulingQueue({ clock, random }, rules);
    const cache = new SchedulerCache({
      namespaceLabels: () => ({}),
      siblings: () => undefined,
      storage: noStorage,
    });
    const api = new FakeApi();
    const stored = await api.create(resources.pods, pod("a"));
    cache.putNode(await api.create(resources.nodes, node("n1")));
    queue.put(podInfo(stored));
    const stop = new AbortController();
    const running = runEngine(
      {
        client: api,
        queue,
        cache,
        permits: new Permits(clock),
        profiles: new Map([["default-scheduler", testProfile(cache)]]),
        extenders: undefined,
        measure: () => noMeasure,
        recorder: { record: () => undefined },
        clock,
        random,
        log: silentLog,
        metrics: schedulerMetrics(new MetricsRegistry()),
        mayBind: () => false,
      },
      stop.signal,
    );
    await clock.advance(100);
    assert.equal(api.actions.filter(({ verb }) => verb === "subresource").length, 0);
    assert.equal(cache.assumedCount, 0);
    assert.equal(queue.counts().backoff, 1);
    stop.abort();
    await running;
    queue.close();
  });

  it("reads its flags and names every problem", () => {
    const { flags } = parseFlags(schedulerFlags, [
      "--secure-port=70000",
      "--leader-elect-renew-deadline=20s",
    ]);
    assert.throws(
      () => schedulerConfig(flags),
      (error) => error instanceof UsageError && error.message.split("\n").length === 2,
    );
  });

  it("serves health and metrics, and says which port is taken", async () => {
    let ready = false;
    const answers = {
      isReady: () => ready,
      metrics: async () => ({ text: "m 1\n", contentType: "text/plain" }),
    };
    const server = await serveHealth({ addresses: ["127.0.0.1"], port: 0 }, answers);
    const get = async (path: string) => {
      const response = await fetch(`http://127.0.0.1:${server.port}${path}`);
      return [response.status, await response.text()];
    };
    assert.deepEqual(await get("/healthz"), [200, "ok"]);
    assert.equal((await get("/readyz"))[0], 503);
    ready = true;
    assert.deepEqual(await get("/readyz"), [200, "ok"]);
    assert.deepEqual(await get("/metrics"), [200, "m 1\n"]);
    await assert.rejects(serveHealth({ addresses: ["127.0.0.1"], port: server.port }, answers), /is in use/);
    await server.close();
  });
});
