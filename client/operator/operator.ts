import { setMaxListeners } from "node:events";
import { TaskScope } from "../../base/os/task-scope.ts";
import { EventRecorder } from "../events.ts";
import { InformerFactory } from "../informer.ts";
import type { KubeClient } from "../kube/kube-client.ts";
import { candidateFor, type LeaderElectionOptions } from "../kube/leadership.ts";
import { type Metrics, meterOf } from "../kube/metrics.ts";
import type { LeaderElector, Term } from "../leader-election.ts";
import { loopMetrics } from "../loop-metrics.ts";
import { type AnyController, defineController, nameOf } from "./controller.ts";
import { type ControllerParts, type Reconciled, runOne, startCaches } from "./one-controller.ts";

export interface OperatorOptions {
  /** Only the leader among the replicas works: the holder of the Lease of this name. */
  readonly leaderElection?: LeaderElectionOptions;
  /** Where queues and leadership are counted, under Kubernetes' names. */
  readonly metrics?: Metrics;
  /** Told of every call of a controller's functions. */
  readonly onReconciled?: (reconciled: Reconciled) => void;
  /** How long what is under way may take when the operator stops; 30 s by default. Lost leadership ends it at once. */
  readonly stopWithinMs?: number;
  /** Shown with events as where they come from; the first controller's name by default. */
  readonly name?: string;
}

const stopWithinMs = 30_000;

/** Controllers at work, made by `startControllers`. */
export class Operator implements AsyncDisposable {
  readonly #options: OperatorOptions;
  readonly #controllers: readonly AnyController[];
  readonly #informers: InformerFactory;
  readonly #parts: ControllerParts;
  readonly #elector: LeaderElector | undefined;
  /** Caches and events: they end after the work. */
  readonly #service: TaskScope;
  /** The controllers, or the candidate that runs them. */
  readonly #work: TaskScope;
  #leadsUntilMs = Number.POSITIVE_INFINITY;
  #stopped: Promise<void> | undefined;

  constructor(api: KubeClient, controllers: readonly AnyController[], options: OperatorOptions) {
    if (controllers.length === 0) throw new TypeError("no controller is given");
    const names = controllers.map((one) => nameOf(defineController(one)));
    if (new Set(names).size < names.length)
      throw new TypeError(`two controllers have one name: ${names.join(", ")}`);
    const { clock, random, log } = api.deps;
    this.#options = options;
    this.#controllers = controllers;
    this.#service = new TaskScope(log);
    this.#work = new TaskScope(log);
    this.#informers = new InformerFactory(this.#service, api.deps);
    const component = options.name ?? names[0] ?? "";
    const metrics = options.metrics && loopMetrics(meterOf(options.metrics));
    const deps = { client: api.rest, clock, random, log, ...(metrics && { metrics }) };
    const recorder = new EventRecorder({ component }, deps);
    this.#parts = {
      api,
      cached: (kind, scope) => this.#informers.informer(kind, scope),
      recorder,
      log,
      clock,
      random,
      metrics,
      onReconciled: options.onReconciled,
    };
    this.#service.run("events", (signal) => recorder.run(signal));
    for (const one of controllers) startCaches(one, this.#parts.cached);
    if (options.leaderElection === undefined)
      this.#work.run("controllers", (signal) => this.#reconcile(signal, signal));
    else this.#elector = this.#campaign(options.leaderElection);
    // Where a part breaks the rest must not go on without it.
    for (const scope of [this.#work, this.#service])
      scope.untilStopped().then(
        () => this.stop(),
        () => this.stop(),
      );
  }

  /** True while it works: it leads, or needs not. By the clock, so that it can be asked right before acting. */
  get isLeader(): boolean {
    return this.#elector?.isLeader ?? !this.#work.signal.aborted;
  }

  /** Resolves once every cache shows the whole state. Rejects with the signal's reason, or once it is stopped. */
  async synced(signal?: AbortSignal): Promise<void> {
    const { signal: stopped } = this.#service;
    await this.#informers.synced(signal === undefined ? stopped : AbortSignal.any([stopped, signal]));
  }

  /** Resolves once stopped. Rejects when a part of it broke, such as a function of `watches` that threw; it has stopped then. */
  async untilStopped(): Promise<void> {
    try {
      await Promise.all([this.#work.untilStopped(), this.#service.untilStopped()]);
    } finally {
      await this.stop();
    }
  }

  /** Takes nothing new, lets what is under way end, gives leadership up, sends what events there are, and resolves. Idempotent. */
  stop(): Promise<void> {
    this.#stopped ??= this.#work.stop().then(() => this.#service.stop());
    return this.#stopped;
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.stop();
  }

  #campaign(election: LeaderElectionOptions): LeaderElector {
    const work = {
      onStartedLeading: (leading: AbortSignal, term: Term) =>
        this.#reconcile(this.#work.signal, leading, term),
      onRenewed: (untilMs: number) => {
        this.#leadsUntilMs = untilMs;
      },
    };
    const candidate = candidateFor(election, work, this.#parts.api, this.#options.metrics);
    this.#work.run("leader election", (signal) => candidate.run(signal));
    return candidate;
  }

  /** Runs the controllers until `leading` aborts. Where that is because the operator stops, what is under way may end, as long
   *  as nobody else can lead. */
  async #reconcile(stopping: AbortSignal, leading: AbortSignal, term?: Term): Promise<void> {
    await this.#informers.synced(leading);
    const parts = term ? { ...this.#parts, api: this.#parts.api.inTerm(term) } : this.#parts;
    const { clock } = this.#parts;
    const ended = new AbortController();
    const cut = new AbortController();
    setMaxListeners(0, ended.signal, cut.signal); // every call that is under way listens
    let cancel = () => {};
    const onEnd = () => {
      ended.abort(leading.reason);
      const lostInMs = this.#leadsUntilMs - clock.monotonicMs();
      const graceMs = stopping.aborted ? Math.min(this.#options.stopWithinMs ?? stopWithinMs, lostInMs) : 0;
      if (graceMs > 0)
        cancel = clock.after(graceMs, () => cut.abort(new Error("the time for stopping passed")));
      else cut.abort(leading.reason);
    };
    leading.addEventListener("abort", onEnd, { once: true });
    const signals = { stopping: ended.signal, signal: cut.signal };
    const running = this.#controllers.map((one) => runOne(one, parts, signals));
    try {
      await Promise.all(running);
    } finally {
      leading.removeEventListener("abort", onEnd);
      if (!ended.signal.aborted) ended.abort(new Error("another controller broke"));
      await Promise.allSettled(running);
      cancel();
    }
  }
}

/** Begins to work: caches at once, controllers when they have synced and this replica leads. */
export function startControllers(
  api: KubeClient,
  controllers: readonly AnyController[],
  options: OperatorOptions = {},
): Operator {
  return new Operator(api, controllers, options);
}

/** A whole operator's life: works until the signal aborts – by default when the process is asked to end by SIGTERM or SIGINT –,
 *  then stops gracefully and resolves. Rejects when a part of it broke. */
export async function runControllers(
  api: KubeClient,
  controllers: readonly AnyController[],
  options: OperatorOptions & { readonly signal?: AbortSignal } = {},
): Promise<void> {
  const { signal, ...rest } = options;
  await using operator = startControllers(api, controllers, rest);
  const stop = () => {
    operator.stop();
  };
  const signs = signal === undefined ? (["SIGTERM", "SIGINT"] as const) : [];
  for (const sign of signs) process.once(sign, stop);
  signal?.addEventListener("abort", stop, { once: true });
  if (signal?.aborted) stop();
  try {
    await operator.untilStopped();
  } finally {
    for (const sign of signs) process.off(sign, stop);
    signal?.removeEventListener("abort", stop);
  }
}
