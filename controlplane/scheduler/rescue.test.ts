import assert from "node:assert/strict";
import { deferred } from "../../base/deferred.ts";
import { systemDisk } from "../../base/os/disk.ts";
import { silentLog } from "../../base/os/log.ts";
import { MetricsRegistry } from "../../base/os/metrics.ts";
import { Prng } from "../../base/os/random.ts";
import { ApiError } from "../../client/api-error.ts";
import { resources } from "../../client/resources.ts";
import { FakeApi } from "../../client/testing/fake-api.ts";
import { ManualClock } from "../../client/testing/manual-clock.ts";
import type { Draft, Node, Pod } from "../../client/types.ts";
import { defaultProfile } from "./config/make-profiles.ts";
import type { PluginFactory } from "./cycle/handle.ts";
import { groupLabels } from "./cycle/pod-group.ts";
import { runScheduler } from "./scheduler.ts";
import { insideConfig } from "./testing/test-profile.ts";
import { loadUserPlugins } from "./user-plugins.ts";

const node = (name: string, cpu = "4", labels: Record<string, string> = {}): Draft<Node> => ({
  metadata: { name, labels: { "kubernetes.io/hostname": name, ...labels } },
  spec: {},
  status: { allocatable: { cpu, memory: "8Gi", pods: "110" } },
});
const pod = (
  name: string,
  cpu = "1",
  more: Partial<Pod["spec"]> & { labels?: Record<string, string> } = {},
): Draft<Pod> => {
  const { labels = {}, ...spec } = more;
  return {
    metadata: { name, namespace: "n", labels },
    spec: { containers: [{ name: "c", resources: { requests: { cpu } } }], ...spec },
  };
};

const refusal = new ApiError(500, {
  kind: "Status",
  status: "Failure",
  code: 500,
  reason: "InternalError",
  message: "no",
});

async function start(options: { profile?: object; own?: ReadonlyMap<string, PluginFactory> } = {}) {
  const clock = new ManualClock();
  const api = new FakeApi();
  const os = {
    clock,
    random: new Prng(1),
    disk: systemDisk,
    log: silentLog,
    metrics: new MetricsRegistry(),
  };
  const profile = { ...defaultProfile("default-scheduler"), ...options.profile };
  const begin = () =>
    runScheduler(
      { ...insideConfig, profiles: [profile], ...(options.own && { ownPlugins: options.own }) },
      api,
      os,
    );
  const placed = () =>
    Object.fromEntries(api.all(resources.pods).map(({ metadata, spec }) => [metadata.name, spec.nodeName]));
  const messages = (reason: string) =>
    api.all(resources.events).flatMap((event) => (event.reason === reason ? [event.message] : []));
  const named = (name: string) => api.all(resources.pods).find(({ metadata }) => metadata.name === name);
  return { clock, api, os, begin, placed, messages, named };
}

describe("controlplane/scheduler: pods that make room for others", () => {
  it("are told why, deleted, and the node is promised to the one they go for", async () => {
    const { clock, api, os, begin, placed, messages, named } = await start();
    await api.create(resources.nodes, node("n1", "1"));
    await api.create(resources.pods, pod("low", "1", { priority: 1 }));
    const scheduler = begin();
    await clock.advance(100);
    assert.deepEqual(placed(), { low: "n1" });
    let conditions: unknown;
    api.intercept = async ({ verb, resource }) => {
      if (verb === "delete" && resource === "pods") conditions = named("low")?.status?.conditions;
      return undefined;
    };
    await api.create(resources.pods, pod("high", "1", { priority: 2 }));
    await clock.advance(200);
    const high = named("high");
    assert.equal(high?.status?.nominatedNodeName, "n1");
    const disruption = (conditions as { type: string; reason: string; message: string }[]).find(
      ({ type }) => type === "DisruptionTarget",
    );
    assert.deepEqual(
      [disruption?.reason, disruption?.message],
      ["PreemptionByScheduler", "default-scheduler: preempting to accommodate a higher priority pod"],
    );
    assert.deepEqual(messages("Preempted"), [`Preempted by pod ${high?.metadata.uid} on node n1`]);
    await clock.advance(2_000);
    assert.deepEqual(placed(), { high: "n1" });
    scheduler.updateGauges();
    const text = await os.metrics.text();
    assert.match(text, /scheduler_preemption_attempts_total 1/);
    assert.match(text, /scheduler_preemption_victims_count 1/);
    assert.match(text, /scheduler_preemption_goroutines_execution_total{result="success"} 1/);
    assert.match(text, /scheduler_queue_incoming_pods_total{event="PodAdd",queue="active"} 2/);
    await scheduler.stop();
    assert.equal(clock.pending, 0);
  });

  it("keep a promised node free from pods that are no more important", async () => {
    const { clock, api, begin, placed, named } = await start();
    await api.create(resources.nodes, node("n1", "2"));
    // The victim takes its time.
    const low = pod("low", "1", { priority: 1 });
    await api.create(resources.pods, { ...low, metadata: { ...low.metadata, finalizers: ["n/slow"] } });
    const scheduler = begin();
    await clock.advance(100);
    await api.create(resources.pods, pod("high", "2", { priority: 5 }));
    await clock.advance(200);
    await api.create(resources.pods, pod("other", "1", { priority: 5 }));
    await clock.advance(200);
    assert.ok(named("low")?.metadata.deletionTimestamp);
    assert.equal(placed().other, undefined, "there is room, but it is promised");
    const ref = { name: "low", namespace: "n" };
    await api.patch(resources.pods, ref, { metadata: { finalizers: null } }, { type: "merge" });
    if (named("low") !== undefined) await api.delete(resources.pods, ref);
    await clock.advance(20_000);
    assert.deepEqual(placed(), { high: "n1", other: undefined });
    await scheduler.stop();
  });

  it("are promised nothing any more once they cannot be bound", async () => {
    const { clock, api, begin, placed, named } = await start();
    await api.create(resources.nodes, node("n1", "1"));
    await api.create(resources.pods, pod("low", "1", { priority: 1 }));
    const scheduler = begin();
    await clock.advance(100);
    let refusing = true;
    api.intercept = async ({ verb }) => {
      if (verb === "subresource" && refusing) throw refusal;
      return undefined;
    };
    await api.create(resources.pods, pod("high", "1", { priority: 2 }));
    await clock.advance(200);
    assert.equal(named("high")?.status?.nominatedNodeName, "n1");
    await clock.advance(2_000);
    assert.deepEqual(placed(), { high: undefined });
    assert.equal(named("high")?.status?.nominatedNodeName, undefined);
    refusing = false;
    await clock.advance(20_000);
    assert.deepEqual(placed(), { high: "n1" });
    await scheduler.stop();
  });
});

describe("controlplane/scheduler: pods that wait", () => {
  it("for their scheduling gates do so without being tried, and are placed when the last is gone", async () => {
    const { clock, api, os, begin, placed, messages } = await start();
    await api.create(resources.nodes, node("n1"));
    await api.create(resources.pods, pod("p", "1", { schedulingGates: [{ name: "g" }] }));
    const scheduler = begin();
    await clock.advance(100);
    scheduler.updateGauges();
    assert.match(await os.metrics.text(), /scheduler_pending_pods{queue="gated"} 1/);
    assert.deepEqual(messages("FailedScheduling"), []);
    await api.patch(
      resources.pods,
      { name: "p", namespace: "n" },
      { spec: { schedulingGates: null } },
      { type: "merge" },
    );
    await clock.advance(100);
    assert.deepEqual(placed(), { p: "n1" });
    await scheduler.stop();
  });

  const member = (name: string, least: number, cpu = "1") =>
    pod(name, cpu, { labels: { [groupLabels.name]: "g", [groupLabels.least]: String(least) } });

  it("for the others of their group are bound only when enough of it have a node", async () => {
    const { clock, api, begin, placed } = await start();
    await api.create(resources.nodes, node("n1", "2"));
    const scheduler = begin();
    await api.create(resources.pods, member("a", 3));
    await api.create(resources.pods, member("b", 3));
    await clock.advance(100);
    assert.deepEqual(placed(), { a: undefined, b: undefined }, "too few are there");
    await api.create(resources.pods, member("c", 3));
    await clock.advance(1_000);
    assert.deepEqual(
      placed(),
      { a: undefined, b: undefined, c: undefined },
      "one has no room: none is bound",
    );
    await api.create(resources.pods, pod("single", "2"));
    await clock.advance(60_000);
    assert.equal(placed().single, "n1", "and none holds room for itself");
    await api.create(resources.nodes, node("n2", "3"));
    await clock.advance(60_000);
    assert.deepEqual(placed(), { a: "n2", b: "n2", c: "n2", single: "n1" });
    await scheduler.stop();
    assert.equal(clock.pending, 0);
  });
});

describe("controlplane/scheduler: a plugin that a user wrote", () => {
  const file = new URL("../../examples/scheduler-plugin/prefer-lowest-name.ts", import.meta.url).pathname;

  it("is loaded from a file, takes its arguments and has its say in filtering and scoring", async () => {
    const own = await loadUserPlugins([file]);
    const { clock, api, begin, placed, messages } = await start({
      own,
      profile: {
        plugins: { multiPoint: { enabled: [{ name: "PreferLowestName", weight: 1000 }] } },
        pluginConfig: new Map([["PreferLowestName", { label: "loud" }]]),
      },
    });
    await api.create(resources.nodes, node("a", "8", { loud: "" }));
    await api.create(resources.nodes, node("b"));
    await api.create(resources.nodes, node("c"));
    await api.create(resources.pods, pod("quiet", "1", { labels: { quiet: "true" } }));
    await api.create(resources.pods, pod("any"));
    await api.create(resources.pods, pod("big", "6", { labels: { quiet: "true" } }));
    const scheduler = begin();
    await clock.advance(200);
    assert.deepEqual(placed(), { quiet: "b", any: "a", big: undefined });
    assert.match(
      messages("FailedScheduling").join(),
      /^0\/3 nodes are available: 1 node\(s\) were loud, 2 Insufficient cpu\./,
    );
    await scheduler.stop();
  });

  it("is refused by name where the file has none", async () => {
    await assert.rejects(loadUserPlugins(["/nowhere/x.ts"]), /--plugins: \/nowhere\/x\.ts: cannot be loaded/);
    const table = new URL("./plugins/table.ts", import.meta.url).pathname;
    await assert.rejects(loadUserPlugins([table]), /exports no `plugins`/);
  });
});

describe("controlplane/scheduler: pods that are not bound at once", () => {
  it("say where they are about to go, and no more where they do not get there", async () => {
    const done = deferred<void>();
    const slow: PluginFactory = () => ({
      name: "Slow",
      needsPreBind: ({ pod: { metadata } }) => metadata.name === "slow",
      preBind: async ({ pod: { metadata } }) => (metadata.name === "slow" ? done.promise : undefined),
    });
    const profile = { plugins: { preBind: { enabled: [{ name: "Slow" }] } } };
    const { clock, api, begin, placed, named } = await start({ own: new Map([["Slow", slow]]), profile });
    await api.create(resources.nodes, node("n1"));
    const scheduler = begin();
    await api.create(resources.pods, pod("slow"));
    await api.create(resources.pods, pod("quick"));
    await clock.advance(200);
    assert.deepEqual(placed(), { slow: undefined, quick: "n1" });
    assert.equal(named("slow")?.status?.nominatedNodeName, "n1");
    assert.equal(named("quick")?.status?.nominatedNodeName, undefined);
    done.reject(new Error("too slow"));
    await clock.advance(200);
    const { nominatedNodeName, conditions = [] } = named("slow")?.status ?? {};
    assert.equal(nominatedNodeName, undefined);
    assert.equal(conditions[0]?.message, 'running PreBind plugin "Slow": too slow');
    await scheduler.stop();
  });
});
