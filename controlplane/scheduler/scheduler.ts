import { hostname } from "node:os";
import type { Os, Running } from "../../base/os/os.ts";
import { TaskScope } from "../../base/os/task-scope.ts";
import { withTracing } from "../../base/tracing/with-tracing.ts";
import type { ApiClient } from "../../client/api.ts";
import { observeRelease } from "../../client/build-info.ts";
import { EventRecorder } from "../../client/events.ts";
import { InformerFactory } from "../../client/informer.ts";
import { LeaderElector } from "../../client/leader-election.ts";
import { leaderOnly, unelected, type WritingTerm } from "../../client/leader-only.ts";
import { loopMetrics } from "../../client/loop-metrics.ts";
import { RestClient } from "../../client/rest.ts";
import { assembleProfiles } from "./assemble.ts";
import type { Handle } from "./cycle/handle.ts";
import { runEngine } from "./engine.ts";
import { Extenders } from "./extenders/extenders.ts";
import type { SchedulerConfig } from "./flags.ts";
import { followCluster, makeSources } from "./follow.ts";
import { serveHealth } from "./health-server.ts";
import { eventName, measuring, schedulerMetrics } from "./metrics.ts";
import { Permits } from "./permits.ts";
import { SchedulingQueue } from "./queue.ts";
import { loadUserPlugins } from "./user-plugins.ts";

/** Starts a scheduler: follows the cluster at once, decides and binds while it leads. */
export function startScheduler(config: SchedulerConfig, os: Os): Promise<Running> {
  const instance = config.election?.identity ?? hostname();
  return withTracing(config.tracing, { name: "scheduler", instance }, os, (own) => startParts(config, own));
}

async function startParts(config: SchedulerConfig, os: Os): Promise<Running> {
  const ownPlugins = await loadUserPlugins(config.pluginFiles);
  const client = new RestClient(config.api, {
    clock: os.clock,
    userAgent: "pintle-scheduler",
    metrics: os.metrics,
  });
  const inside = runScheduler({ ...config, ownPlugins }, client, os);
  const metrics = async () => {
    inside.updateGauges();
    return { text: await os.metrics.text(), contentType: os.metrics.contentType };
  };
  observeRelease(os.metrics);
  const serve = async () =>
    config.serve === undefined ? undefined : serveHealth(config.serve, { metrics, isReady: inside.isReady });
  const health = await serve().catch(async (error: unknown) => {
    await inside.stop();
    client.close();
    throw error;
  });
  const close = async () => {
    await health?.close();
    client.close();
  };
  return {
    done: inside.done.finally(close),
    stop: async () => {
      await inside.stop();
      await close();
    },
  };
}

interface SchedulerInside extends Running {
  readonly isReady: () => boolean;
  /** Brings the gauges of queue and cache up to date. */
  readonly updateGauges: () => void;
}

export type InsideConfig = Pick<SchedulerConfig, "election" | "profiles" | "extenders" | "backoff"> & {
  readonly ownPlugins?: Awaited<ReturnType<typeof loadUserPlugins>>;
};

/** What was begun ends where the configuration names plugins that are nobody's. */
function assembleOrStop(config: InsideConfig, handle: Handle, tasks: TaskScope) {
  try {
    return assembleProfiles(config, handle);
  } catch (error) {
    void tasks.stop();
    throw error;
  }
}

/** The scheduler without its doors: over any client. */
export function runScheduler(config: InsideConfig, client: ApiClient, os: Os): SchedulerInside {
  const { clock, random } = os;
  const log = os.log.child("scheduler");
  const metrics = schedulerMetrics(os.metrics);
  const tasks = new TaskScope(log);
  const informers = new InformerFactory(tasks, { client, clock, random, log });
  const { cache, volumes, devices, budgets } = makeSources(informers);
  const permits = new Permits(clock);
  let queue: SchedulingQueue | undefined;
  let term: WritingTerm | undefined = config.election === undefined ? unelected : undefined;
  const isLeader = () => term?.isCurrent() === true;
  const leaders = leaderOnly(client, () => term);
  const component = config.profiles[0]?.schedulerName ?? "default-scheduler";
  const recorder = new EventRecorder(
    { component },
    { client, clock, random, log, metrics: loopMetrics(os.metrics) },
  );
  const handle = {
    snapshot: cache,
    budgets,
    client: leaders,
    recorder,
    metrics,
    clock,
    volumes,
    devices,
    later: (what: string, work: (signal: AbortSignal) => Promise<void>) =>
      tasks.run(what, async (signal) => {
        if (!isLeader()) return;
        await work(signal).catch((error: unknown) => {
          if (!signal.aborted) log.warn("something left for later failed", { what, error });
        });
      }),
    permits,
    activate: (keys: Iterable<string>) => queue?.activate(keys),
    waitingOf: (group: string) => queue?.membersOf(group) ?? new Set<string>(),
  };
  const { profiles, rules } = assembleOrStop(config, handle, tasks);
  const line = new SchedulingQueue({ clock, random }, rules, {
    backoff: config.backoff,
    onMove: (to, why) => metrics.incoming.of({ queue: to, event: eventName(why) }).count++,
  });
  queue = line;
  followCluster(informers, cache, line, (name) => profiles.has(name));
  tasks.run("events", (signal) => recorder.run(signal));
  const identity =
    config.election?.identity ?? `${hostname()}_${process.pid}_${random.uint32().toString(16)}`;
  const extenders = config.extenders.length === 0 ? undefined : new Extenders(config.extenders);
  const measures = new Map([...profiles.keys()].map((name) => [name, measuring(metrics, clock, name)]));
  const engine = {
    client: leaders,
    queue: line,
    cache,
    permits,
    profiles,
    extenders,
    measure: (profile: string) => (measures.get(profile) ?? measuring(metrics, clock, profile))(),
    recorder,
    clock,
    random,
    log,
    metrics,
    tracer: os.tracer,
    mayBind: isLeader,
  };
  const work = async (signal: AbortSignal) => {
    await informers.synced(signal);
    await runEngine(engine, signal);
  };
  if (config.election === undefined) tasks.run("scheduling", work);
  else {
    const onStartedLeading = async (signal: AbortSignal, ours: WritingTerm) => {
      term = ours;
      await work(signal);
    };
    const elector = new LeaderElector(
      { ...config.election, identity, onStartedLeading },
      { client, clock, random, log, metrics: loopMetrics(os.metrics) },
    );
    tasks.run("leader election", (signal) => elector.run(signal));
  }
  let synced = false;
  tasks.run("first sync", async (signal) => {
    await informers.synced(signal);
    synced = true;
    log.info("informers have synced", { nodes: cache.nodes.length });
  });
  const finish = () => {
    line.close();
    extenders?.close();
  };
  const updateGauges = () => {
    for (const [name, count] of Object.entries(line.counts())) metrics.pending.set({ queue: name }, count);
    metrics.unschedulable.reset();
    for (const { plugin, profile, pods } of line.refusedBy())
      metrics.unschedulable.set({ plugin, profile }, pods);
    metrics.cacheSize.set({ type: "nodes" }, cache.nodes.length);
    metrics.cacheSize.set({ type: "pods" }, cache.podCount);
    metrics.cacheSize.set({ type: "assumed_pods" }, cache.assumedCount);
  };
  return {
    isReady: () => synced,
    updateGauges,
    done: tasks.untilStopped().finally(finish),
    stop: () => tasks.stop().finally(finish),
  };
}
