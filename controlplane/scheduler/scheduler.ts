import { hostname } from "node:os";
import type { Os, Running } from "../../base/os/os.ts";
import { TaskScope } from "../../base/os/task-scope.ts";
import type { ApiClient } from "../../client/api.ts";
import { EventRecorder } from "../../client/events.ts";
import { InformerFactory } from "../../client/informer.ts";
import { LeaderElector } from "../../client/leader-election.ts";
import { loopMetrics } from "../../client/loop-metrics.ts";
import { RestClient } from "../../client/rest.ts";
import { runEngine } from "./engine.ts";
import type { SchedulerConfig } from "./flags.ts";
import { followCluster } from "./follow.ts";
import { serveHealth } from "./health-server.ts";
import { schedulerMetrics } from "./metrics.ts";
import { plugins } from "./plugins/table.ts";
import { SchedulingQueue } from "./queue.ts";

/** Starts a scheduler: follows the cluster at once, decides and binds while it leads. */
export async function startScheduler(config: SchedulerConfig, os: Os): Promise<Running> {
  const client = new RestClient(config.api, {
    clock: os.clock,
    userAgent: "pintle-scheduler",
    metrics: os.metrics,
  });
  const inside = runScheduler(config, client, os);
  const metrics = async () => {
    inside.updateGauges();
    return { text: await os.metrics.text(), contentType: os.metrics.contentType };
  };
  const serve = async () =>
    config.serve === undefined ? undefined : serveHealth(config.serve, { metrics, isReady: inside.isReady });
  const health = await serve().catch(async (error: unknown) => {
    await inside.stop();
    client.close();
    throw error;
  });
  const close = async () => {
    await health?.stop();
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

/** The scheduler without its doors: over any client. */
export function runScheduler(
  config: Pick<SchedulerConfig, "election" | "schedulerName" | "percentageOfNodesToScore">,
  client: ApiClient,
  os: Os,
): SchedulerInside {
  const { clock, random } = os;
  const log = os.log.child("scheduler");
  const metrics = schedulerMetrics(os.metrics);
  const tasks = new TaskScope(log);
  const informers = new InformerFactory(tasks, { client, clock, random, log });
  const helped = new Map(plugins.map(({ name, helpedBy }) => [name, new Set(helpedBy)]));
  const queue = new SchedulingQueue(
    { clock, random },
    (plugin, event) => helped.get(plugin)?.has(event) ?? false,
  );
  const { cache, volumes } = followCluster(informers, queue, config.schedulerName);
  const recorder = new EventRecorder(
    { component: config.schedulerName },
    { client, clock, random, log, metrics: loopMetrics(os.metrics) },
  );
  tasks.run("events", (signal) => recorder.run(signal));
  const identity = `${hostname()}_${process.pid}_${random.uint32().toString(16)}`;
  let elector: LeaderElector | undefined;
  const engine = {
    client,
    queue,
    cache,
    volumes,
    plugins,
    recorder,
    percentageOfNodesToScore: config.percentageOfNodesToScore,
    clock,
    random,
    log,
    metrics,
    mayBind: () => elector === undefined || elector.isLeader,
  };
  const work = async (signal: AbortSignal) => {
    await informers.synced(signal);
    await runEngine(engine, signal);
  };
  if (config.election === undefined) tasks.run("scheduling", work);
  else {
    elector = new LeaderElector(
      { ...config.election, identity, onStartedLeading: work },
      { client, clock, random, log, metrics: loopMetrics(os.metrics) },
    );
    const candidate = elector;
    tasks.run("leader election", (signal) => candidate.run(signal));
  }
  let synced = false;
  tasks.run("first sync", async (signal) => {
    await informers.synced(signal);
    synced = true;
    log.info("informers have synced", { nodes: cache.nodes.length });
  });
  const finish = () => queue.close();
  return {
    isReady: () => synced,
    updateGauges: () => {
      for (const [name, count] of Object.entries(queue.counts())) metrics.pending.set({ queue: name }, count);
      metrics.cacheSize.set({ type: "nodes" }, cache.nodes.length);
      metrics.cacheSize.set({ type: "assumed_pods" }, cache.assumedCount);
    },
    done: tasks.untilStopped().finally(finish),
    stop: () => tasks.stop().finally(finish),
  };
}
