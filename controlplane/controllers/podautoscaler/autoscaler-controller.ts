import { AssertionError } from "../../../base/assert.ts";
import { matchesLabels, parseSelector, type Selector, SelectorError } from "../../../base/label-selector.ts";
import { ApiError, ConnectionError } from "../../../client/api-error.ts";
import type { Informer } from "../../../client/informer.ts";
import { keyOf, refOfKey } from "../../../client/object-cache.ts";
import { resources } from "../../../client/resources.ts";
import type { HorizontalPodAutoscaler, Pod } from "../../../client/types.ts";
import type { Controller, ControllerContext } from "../controller.ts";
import { canonicalJson } from "../template-hash.ts";
import { timeText } from "../times.ts";
import { apiUsage } from "./api-usage.ts";
import { type AutoscalerMetrics, autoscalerMetrics } from "./autoscaler-metrics.ts";
import { CustomMetrics } from "./custom-metrics.ts";
import {
  type AutoscalerPlan,
  type AutoscalerStatus,
  type Measured,
  needsMetrics,
  planAutoscaler,
  type Seen,
  said,
} from "./plan-autoscaler.ts";
import { afterScaling, type History, noHistory } from "./plan-behavior.ts";
import { type MetricReaders, readMetric } from "./read-metrics.ts";
import { readScale, ScaleProblem, type ScaleTarget, writeScale } from "./scale-target.ts";
import { SelectingAutoscalers } from "./selecting-autoscalers.ts";

export const horizontalPodAutoscalerController: Controller = {
  name: "horizontal-pod-autoscaler-controller",
  workers: 5,
  setUp(context, queue) {
    const { informers, config } = context;
    const autoscalers = informers.informer(resources.horizontalpodautoscalers);
    const pods = informers.informer(resources.pods);
    const syncer = new Syncer(context, pods);
    const { syncPeriodMs } = config.autoscaling;
    // Looked at once a period, whatever happens to it: usage does not change because somebody wrote something.
    const enqueue = (autoscaler: HorizontalPodAutoscaler) => {
      syncer.know(autoscaler);
      queue.addAfter(keyOf(autoscaler), syncPeriodMs);
    };
    autoscalers.subscribe({
      onAdd: enqueue,
      onUpdate: enqueue,
      onDelete: ({ metadata }) => syncer.forget(metadata.namespace ?? "", metadata.name),
    });
    return async (key, signal) => {
      const autoscaler = autoscalers.getByKey(key);
      if (autoscaler === undefined) {
        const { namespace = "", name } = refOfKey(key);
        syncer.forget(namespace, name);
        return undefined;
      }
      await syncer.sync(key, autoscaler, signal);
      return { requeueAfterMs: syncPeriodMs };
    };
  },
};

/** How one look at an autoscaler ended. */
interface Outcome {
  readonly action: "scale_up" | "scale_down" | "none";
  readonly error: "spec" | "internal" | "none";
}

class Syncer {
  readonly #context: ControllerContext;
  readonly #pods: Informer<Pod>;
  readonly #metrics: AutoscalerMetrics;
  readonly #readers: MetricReaders;
  readonly #selecting = new SelectingAutoscalers();
  readonly #histories = new Map<string, History>();

  constructor(context: ControllerContext, pods: Informer<Pod>) {
    this.#context = context;
    this.#pods = pods;
    this.#metrics = autoscalerMetrics(context.meter);
    this.#metrics.autoscalers.set(0);
    this.#readers = {
      resources: apiUsage(context.client),
      custom: new CustomMetrics(context.client, context.served),
    };
  }

  know({ metadata: { namespace = "", name } }: HorizontalPodAutoscaler): void {
    if (!this.#selecting.has(namespace, name)) this.#selecting.set(namespace, name, null);
    this.#metrics.autoscalers.set(this.#selecting.size);
  }

  forget(namespace: string, name: string): void {
    this.#selecting.delete(namespace, name);
    this.#histories.delete(`${namespace}/${name}`);
    this.#metrics.autoscalers.set(this.#selecting.size);
    this.#metrics.desiredReplicas.remove({ namespace, hpa_name: name });
  }

  async sync(key: string, autoscaler: HorizontalPodAutoscaler, signal: AbortSignal): Promise<void> {
    const { clock } = this.#context;
    const startedMs = clock.monotonicMs();
    let outcome: Outcome = { action: "none", error: "internal" };
    try {
      outcome = await this.#reconcile(key, autoscaler, signal);
    } catch (error) {
      if (signal.aborted || error instanceof AssertionError) throw error;
      if (!(error instanceof ApiError || error instanceof ConnectionError)) throw error;
      // Its next look comes after a period, like any other.
      this.#context.log.warn("autoscaler not looked after", { key, error });
    } finally {
      const labels = { action: outcome.action, error: outcome.error };
      this.#metrics.reconciliations.inc(labels);
      this.#metrics.reconciliationSeconds.observe(labels, (clock.monotonicMs() - startedMs) / 1000);
    }
  }

  async #reconcile(key: string, autoscaler: HorizontalPodAutoscaler, signal: AbortSignal): Promise<Outcome> {
    const { recorder, clock, config, log } = this.#context;
    const namespace = autoscaler.metadata.namespace ?? "";
    const nowMs = clock.wallMs();
    let target: ScaleTarget;
    try {
      target = await readScale(this.#context, namespace, autoscaler.spec.scaleTargetRef, signal);
    } catch (error) {
      if (!(error instanceof ScaleProblem)) throw error;
      recorder.record(autoscaler, { type: "Warning", reason: "FailedGetScale", message: error.message });
      const message = `the HPA controller was unable to get the target's current scale: ${error.message}`;
      const conditions = said(autoscaler.status?.conditions, nowMs, "AbleToScale", false, {
        reason: "FailedGetScale",
        message,
      });
      await this.#writeStatus(autoscaler, statusOf(autoscaler, { conditions: [...conditions] }));
      return { action: "none", error: error.isSpec ? "spec" : "internal" };
    }
    const { scale } = target;
    const seen: Seen = {
      autoscaler,
      current: scale.spec?.replicas ?? 0,
      present: scale.status?.replicas ?? 0,
      history: this.#histories.get(key) ?? noHistory,
      rules: config.autoscaling,
      nowMs,
    };
    const readSeconds: number[] = [];
    const measured = needsMetrics(seen)
      ? await this.#measure(autoscaler, scale.status?.selector ?? "", readSeconds, signal)
      : undefined;
    const plan = planAutoscaler(seen, measured);
    this.#histories.set(key, plan.history);
    for (const event of plan.events) recorder.record(autoscaler, event);
    this.#observeComputed(autoscaler, plan, readSeconds);
    if (plan.problem !== undefined) log.debug("autoscaler's metrics", { key, problem: plan.problem });
    const error = plan.problem === undefined ? "none" : "internal";
    if (plan.rescale !== undefined) return this.#rescale(key, seen, plan, target, error, signal);
    const status = statusOf(autoscaler, {
      currentReplicas: seen.current,
      desiredReplicas: plan.failed ? (autoscaler.status?.desiredReplicas ?? 0) : seen.current,
      conditions: [...plan.conditions],
      currentMetrics: [...plan.currentMetrics],
    });
    if (!plan.failed)
      this.#metrics.desiredReplicas.set({ namespace, hpa_name: autoscaler.metadata.name }, seen.current);
    await this.#writeStatus(autoscaler, status);
    return { action: "none", error };
  }

  async #rescale(
    key: string,
    { autoscaler, current, nowMs }: Seen,
    plan: AutoscalerPlan,
    target: ScaleTarget,
    error: Outcome["error"],
    signal: AbortSignal,
  ): Promise<Outcome> {
    const { recorder, clock } = this.#context;
    const { replicas } = plan;
    const reason = plan.rescale?.reason ?? "";
    try {
      await writeScale(this.#context, target, replicas, signal);
    } catch (problem) {
      if (!(problem instanceof ScaleProblem)) throw problem;
      const message = `New size: ${replicas}; reason: ${reason}; error: ${problem.message}`;
      recorder.record(autoscaler, { type: "Warning", reason: "FailedRescale", message });
      const conditions = said(plan.conditions, nowMs, "AbleToScale", false, {
        reason: "FailedUpdateScale",
        message: `the HPA controller was unable to update the target scale: ${problem.message}`,
      });
      const status = statusOf(autoscaler, {
        currentReplicas: current,
        conditions: [...conditions],
        currentMetrics: [...plan.currentMetrics],
      });
      await this.#writeStatus(autoscaler, status);
      return { action: "none", error: "internal" };
    }
    const doneMs = clock.wallMs();
    const change = { from: current, to: replicas };
    this.#histories.set(key, afterScaling(plan.history, autoscaler.spec.behavior, change, doneMs));
    const message = `New size: ${replicas}; reason: ${reason}`;
    recorder.record(autoscaler, { type: "Normal", reason: "SuccessfulRescale", message });
    const conditions = said(plan.conditions, nowMs, "AbleToScale", true, {
      reason: "SucceededRescale",
      message: `the HPA controller was able to update the target scale to ${replicas}`,
    });
    const { namespace = "", name } = autoscaler.metadata;
    this.#metrics.desiredReplicas.set({ namespace, hpa_name: name }, replicas);
    const status = statusOf(autoscaler, {
      currentReplicas: current,
      desiredReplicas: replicas,
      conditions: [...conditions],
      currentMetrics: [...plan.currentMetrics],
      lastScaleTime: timeText(doneMs),
    });
    await this.#writeStatus(autoscaler, status);
    return { action: replicas > current ? "scale_up" : "scale_down", error };
  }

  async #measure(
    { metadata: { namespace = "", name }, spec }: HorizontalPodAutoscaler,
    text: string,
    readSeconds: number[],
    signal: AbortSignal,
  ): Promise<Measured> {
    if (text === "") {
      const message = "the HPA target's scale is missing a selector";
      return {
        ok: false,
        problem: "selector is required",
        event: "SelectorRequired",
        condition: { reason: "InvalidSelector", message },
      };
    }
    const unfit = (reason: string, problem: string): Measured => {
      return { ok: false, problem, event: reason, condition: { reason, message: problem } };
    };
    let selector: Selector;
    try {
      selector = parseSelector(text);
    } catch (error) {
      if (!(error instanceof SelectorError)) throw error;
      const problem = `couldn't convert selector into a corresponding internal selector object: ${error.message}`;
      return unfit("InvalidSelector", problem);
    }
    if (this.#selecting.has(namespace, name)) this.#selecting.set(namespace, name, selector);
    const pods = this.#pods
      .byNamespace(namespace)
      .filter(({ metadata }) => matchesLabels(selector, metadata.labels));
    const selecting = this.#selecting.of(namespace, pods);
    if (selecting.length > 1) {
      const names = selecting.map((one) => `${namespace}/${one}`).join(" ");
      const problem = `pods by selector ${text} are controlled by multiple HPAs: [${names}]`;
      return unfit("AmbiguousSelector", problem);
    }
    const asked = { namespace, selector };
    const readings = [];
    const { clock } = this.#context;
    for (const metric of spec.metrics ?? []) {
      const startedMs = clock.monotonicMs();
      readings.push(await readMetric(metric, asked, this.#readers, signal));
      readSeconds.push((clock.monotonicMs() - startedMs) / 1000);
    }
    return { ok: true, pods, readings };
  }

  #observeComputed(
    { spec, status }: HorizontalPodAutoscaler,
    { computed }: AutoscalerPlan,
    readSeconds: readonly number[],
  ): void {
    const before = status?.currentReplicas ?? 0;
    for (const [index, plan] of computed.entries()) {
      const change = plan.ok ? plan.replicas - before : 0;
      const labels = {
        action: change === 0 ? "none" : change > 0 ? "scale_up" : "scale_down",
        error: plan.ok ? "none" : plan.reason === "InvalidMetricSourceType" ? "spec" : "internal",
        metric_type: spec.metrics?.[index]?.type ?? "",
      };
      this.#metrics.computations.inc(labels);
      this.#metrics.computationSeconds.observe(labels, readSeconds[index] ?? 0);
    }
  }

  async #writeStatus(autoscaler: HorizontalPodAutoscaler, status: AutoscalerStatus): Promise<void> {
    const { client, recorder } = this.#context;
    if (canonicalJson(status) === canonicalJson(autoscaler.status ?? {})) return;
    try {
      await client.updateStatus(resources.horizontalpodautoscalers, { ...autoscaler, status });
    } catch (error) {
      if (error instanceof ApiError)
        recorder.record(autoscaler, {
          type: "Warning",
          reason: "FailedUpdateStatus",
          message: error.message,
        });
      throw error;
    }
  }
}

/** The status with what is new in it. As in Kubernetes, no generation is noted. */
function statusOf({ status }: HorizontalPodAutoscaler, next: Partial<AutoscalerStatus>): AutoscalerStatus {
  const { observedGeneration: _, ...before } = { ...status };
  return { desiredReplicas: 0, ...before, ...next };
}
