import type { Clock } from "../../../base/os/clock.ts";
import { objectPath, withQuery } from "../../../client/paths.ts";
import { resources } from "../../../client/resources.ts";
import { type PodSummary, type StatsSummary, statsTimes } from "../../../client/rules/stats-summary.ts";
import type { ControllerClient } from "../controller.ts";
import { timeMs } from "../times.ts";
import { answerProblem } from "./answer-problem.ts";
import { MetricProblem } from "./metric-problem.ts";
import type { MetricsSource, PodsAsked, PodUsage } from "./metrics-source.ts";

const askedAtOnceMax = 16;

interface NodeUsageDeps {
  readonly client: Pick<ControllerClient, "raw">;
  readonly clock: Clock;
}

/** Pods of one node by uid, or why it did not say. */
type NodeAnswer =
  | { readonly ok: true; readonly pods: ReadonlyMap<string, PodSummary> }
  | { readonly ok: false; readonly why: string };

/** Resource metrics of a cluster that serves no metrics.k8s.io: the nodes' own statistics, read through the API server. Only
 *  nodes that run asked pods are asked, each at most once between two samples, whoever wants to know. */
export class NodeUsage implements MetricsSource {
  readonly #deps: NodeUsageDeps;
  readonly #recent = new Map<string, { readonly atMs: number; readonly answer: Promise<NodeAnswer> }>();

  constructor(deps: NodeUsageDeps) {
    this.#deps = deps;
  }

  async resourceUsage({ pods }: PodsAsked, signal: AbortSignal): Promise<readonly PodUsage[]> {
    const names = [...new Set(pods.flatMap(({ spec }) => spec.nodeName || []))];
    const answers = new Map<string, NodeAnswer>();
    let next = 0;
    const ask = async () => {
      for (let name = names[next++]; name !== undefined; name = names[next++])
        answers.set(name, await this.#node(name, signal));
    };
    await Promise.all(Array.from({ length: Math.min(askedAtOnceMax, names.length) }, ask));
    const usage = pods.flatMap((pod) => {
      const answer = answers.get(pod.spec.nodeName ?? "");
      const summary = answer?.ok ? answer.pods.get(pod.metadata.uid) : undefined;
      return summary === undefined ? [] : [usageOf(summary)];
    });
    if (usage.length > 0) return usage;
    const failed = [...answers.values()].find((answer) => !answer.ok);
    throw new MetricProblem(
      failed?.ok === false
        ? `unable to fetch metrics from nodes: ${failed.why}`
        : "no metrics returned from nodes",
    );
  }

  #node(name: string, signal: AbortSignal): Promise<NodeAnswer> {
    const nowMs = this.#deps.clock.monotonicMs();
    for (const [known, { atMs }] of this.#recent)
      if (nowMs - atMs >= statsTimes.sampleMs) this.#recent.delete(known);
    const known = this.#recent.get(name);
    if (known !== undefined) return known.answer;
    const answer = this.#ask(name, signal);
    this.#recent.set(name, { atMs: nowMs, answer });
    return answer;
  }

  async #ask(name: string, signal: AbortSignal): Promise<NodeAnswer> {
    const path = withQuery(`${objectPath(resources.nodes, { name }, "proxy")}/stats/summary`, {
      only_cpu_and_memory: true,
    });
    try {
      const { pods } = JSON.parse(
        await this.#deps.client.raw("GET", path, undefined, { signal }),
      ) as StatsSummary;
      return { ok: true, pods: new Map(pods.map((pod) => [pod.podRef.uid, pod])) };
    } catch (error) {
      const why =
        error instanceof SyntaxError || error instanceof TypeError
          ? "the answer is no summary"
          : answerProblem(error, `get nodes ${name}`, signal);
      return { ok: false, why: `node ${name}: ${why}` };
    }
  }
}

function usageOf({ podRef, containers }: PodSummary): PodUsage {
  return {
    name: podRef.name,
    timestampMs: Math.min(...containers.map(({ cpu, memory }) => timeMs(cpu?.time ?? memory?.time))),
    windowMs: statsTimes.sampleMs,
    containers: containers.map(({ name, cpu, memory }) => ({
      name,
      usage: {
        ...(cpu?.usageNanoCores !== undefined && { cpu: `${cpu.usageNanoCores}n` }),
        ...(memory?.workingSetBytes !== undefined && { memory: String(memory.workingSetBytes) }),
      },
    })),
  };
}
