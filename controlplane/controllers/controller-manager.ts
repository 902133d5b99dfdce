import { setMaxListeners } from "node:events";
import { hostname } from "node:os";
import type { Os, Running } from "../../base/os/os.ts";
import { TaskScope } from "../../base/os/task-scope.ts";
import { observeRelease } from "../../client/build-info.ts";
import { runController } from "../../client/controller-loop.ts";
import { EventRecorder } from "../../client/events.ts";
import { InformerFactory } from "../../client/informer.ts";
import { loadKubeconfig } from "../../client/kubeconfig.ts";
import { LeaderElector } from "../../client/leader-election.ts";
import { termClient, unelected, type WritingTerm } from "../../client/leader-only.ts";
import { type LoopMetrics, loopMetrics, queueObserver } from "../../client/loop-metrics.ts";
import { RestClient } from "../../client/rest.ts";
import { WorkQueue } from "../../client/work-queue.ts";
import type { Controller, ControllerClient } from "./controller.ts";
import type { ControllerManagerConfig } from "./flags.ts";
import { type HealthAnswers, serveHealth } from "./health-server.ts";
import { eventSource, queueName } from "./kubernetes-names.ts";
import { metadataOnly } from "./metadata-only.ts";
import { selectControllers } from "./select-controllers.ts";
import { ServedResources } from "./served-resources.ts";
import { answerState } from "./statemetrics/answer-state.ts";
import { StateMetrics } from "./statemetrics/state-metrics.ts";
import { controllerTable } from "./table.ts";

/** A started controller-manager. */
export interface RunningControllerManager extends Running {
  /** Where health is served; undefined when it is not. */
  readonly healthPort: number | undefined;
  /** True while this one does the work. */
  isLeader(): boolean;
}

/** Starts the controllers: at once, or whenever the lease is ours. Rejects with UsageError on a bad kubeconfig, unknown
 *  controller or taken port. */
export async function startControllerManager(
  config: ControllerManagerConfig,
  os: Os,
): Promise<RunningControllerManager> {
  const controllers = selectControllers(controllerTable, config);
  const beside = await shippingOf(config, os);
  const client = new RestClient(loadKubeconfig(config.kubeconfig), {
    clock: os.clock,
    userAgent: "pintle-controller-manager",
    metrics: os.metrics,
  });
  let problem: string | undefined;
  let inside: ReturnType<typeof runControllers> | undefined;
  const { clock, random } = os;
  const log = os.log.child("controller-manager");
  const state = new StateMetrics(config.stateMetrics, { client, clock, random, log });
  observeRelease(os.metrics);
  const answers: HealthAnswers = {
    metrics: os.metrics,
    problem: () => problem,
    state: (response) => answerState(response, state, () => inside?.isLeader() ?? false),
  };
  const health = config.health === undefined ? undefined : await serveHealth(config.health, answers);
  inside = runControllers({ config, controllers }, client, os, beside);
  const { isLeader, stop } = inside;
  const done = inside.done.finally(async () => {
    problem = "stopped";
    await state.stop();
    client.close();
    await health?.close();
  });
  return {
    isLeader,
    done,
    healthPort: health?.port,
    async stop() {
      await stop();
      await done.catch(() => undefined); // a failure is heard through `done`
    },
  };
}

/** What else the leader does in its term. */
type Beside = (client: ControllerClient, signal: AbortSignal) => Promise<void>;

/** Rejects with UsageError where its file is wrong. Nothing of it is loaded where there is none. */
async function shippingOf({ logShipping: file }: ControllerManagerConfig, os: Os): Promise<Beside> {
  if (file === undefined) return async () => {};
  const { readEventShipping, shipEvents } = await import("./logshipping/ship-events.ts");
  const shipping = readEventShipping(file);
  return (client, signal) => shipEvents(shipping, client, os, signal);
}

/** The controllers without their doors: over any client. */
export function runControllers(
  { config, controllers }: Pick<TermDeps, "config" | "controllers">,
  client: ControllerClient,
  os: Os,
  beside: Beside = async () => {},
): Omit<RunningControllerManager, "healthPort"> {
  const log = os.log.child("controller-manager");
  const metrics = loopMetrics(os.metrics);
  const tasks = new TaskScope(log);
  const run = async (signal: AbortSignal, term: WritingTerm) => {
    const ours = termClient(client, term, signal);
    await Promise.all([
      runTerm({ client: ours, controllers, config, os, metrics }, signal),
      beside(ours, signal),
    ]);
  };
  const elector = electorFor(config, client, { os, metrics }, run);
  tasks.run("controllers", elector ? (signal) => elector.run(signal) : (signal) => run(signal, unelected));
  const done = tasks.untilStopped();
  done.catch((error: unknown) => log.error("controller-manager failed", { error }));
  return {
    done,
    isLeader: () => elector?.isLeader ?? !tasks.signal.aborted,
    async stop() {
      await tasks.stop();
      await done.catch(() => undefined); // a failure is heard through `done`
    },
  };
}

interface ElectorDeps {
  readonly os: Os;
  readonly metrics: LoopMetrics;
}

function electorFor(
  { election }: ControllerManagerConfig,
  client: ControllerClient,
  { os, metrics }: ElectorDeps,
  onStartedLeading: (signal: AbortSignal, term: WritingTerm) => Promise<void>,
): LeaderElector | undefined {
  if (election === undefined) return undefined;
  const identity = election.identity ?? `${hostname()}_${process.pid}_${os.random.uint32().toString(16)}`;
  return new LeaderElector(
    { ...election, identity, onStartedLeading },
    { client, clock: os.clock, random: os.random, log: os.log.child("controller-manager"), metrics },
  );
}

export interface TermDeps {
  readonly client: ControllerClient;
  readonly controllers: readonly Controller[];
  readonly config: ControllerManagerConfig;
  readonly os: Os;
  readonly metrics?: LoopMetrics;
}

/** One term of leadership: sets all controllers up, waits until the caches show everything, then works until the
 *  signal aborts. Rejects when a controller breaks an invariant. */
export async function runTerm(deps: TermDeps, signal: AbortSignal): Promise<void> {
  const { client, config, os, metrics } = deps;
  const { clock, random } = os;
  const log = os.log.child("controller-manager");
  const tasks = new TaskScope(log);
  // Every informer, worker and request under way waits on these; their number is bounded by the table of controllers.
  setMaxListeners(0, tasks.signal, signal);
  const stop = () => void tasks.stop();
  signal.addEventListener("abort", stop, { once: true });
  if (signal.aborted) stop();
  try {
    const informers = new InformerFactory(tasks, { client, clock, random, log });
    const metadataInformers = new InformerFactory(tasks, {
      client: metadataOnly(client),
      clock,
      random,
      log,
    });
    const served = new ServedResources({ client, metadataInformers, clock, log, tasks });
    const loops = deps.controllers.map(({ name, workers, setUp }) => {
      const observer = metrics && queueObserver(metrics, queueName(name));
      const queue = new WorkQueue({ clock, random }, { ...(observer && { observer }) });
      const own = { client, clock, random, log: log.child(name), ...(metrics && { metrics }) };
      const recorder = new EventRecorder({ component: eventSource(name) }, own);
      tasks.run(`events of ${name}`, (until) => recorder.run(until));
      const sync = setUp(
        { ...own, meter: os.metrics, informers, metadataInformers, served, recorder, config, tasks },
        queue,
      );
      return { ...own, name: queueName(name), workers: config.workers.get(name) ?? workers, queue, sync };
    });
    tasks.run("caches", async (until) => {
      await informers.synced(until);
      await metadataInformers.synced(until);
      log.info("controllers started", { controllers: deps.controllers.map(({ name }) => name).join(",") });
      for (const loop of loops) tasks.run(loop.name, (ended) => runController(loop, ended));
    });
    await tasks.untilStopped();
  } finally {
    signal.removeEventListener("abort", stop);
    await tasks.stop();
  }
}
