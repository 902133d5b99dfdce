import { systemClock } from "../../base/os/clock.ts";
import { silentLog } from "../../base/os/log.ts";
import { MetricsRegistry } from "../../base/os/metrics.ts";
import { systemRandom } from "../../base/os/random.ts";
import { TaskScope } from "../../base/os/task-scope.ts";
import type { ApiClient } from "../../client/api.ts";
import { InformerFactory } from "../../client/informer.ts";
import { keyOf } from "../../client/object-cache.ts";
import { resources } from "../../client/resources.ts";
import type { Pod } from "../../client/types.ts";
import { defaultProfile, profileFrom } from "./config/make-profiles.ts";
import { findNodes } from "./cycle/filter-nodes.ts";
import type { NodeRefusal } from "./cycle/filter-run.ts";
import { noMeasure } from "./cycle/measure.ts";
import type { NodeInfo } from "./cycle/node-info.ts";
import { podInfo } from "./cycle/pod-info.ts";
import { makeSources } from "./follow.ts";
import { schedulerMetrics } from "./metrics.ts";

export interface Verdict {
  readonly node: NodeInfo;
  /** Undefined: the node would take the pod. */
  readonly refusal: NodeRefusal | undefined;
}

export interface Verdicts {
  /** What keeps the pod from every node, whichever, and the plugins that say so. */
  readonly nowhere: { readonly reason: string; readonly plugins: readonly string[] } | undefined;
  /** Every node's, by name. */
  readonly nodes: readonly Verdict[];
}

/** What the default profile's filters say of each node for one pod, as the cluster is now. Reads what a scheduler follows;
 *  changes nothing. */
export async function judgeNodes(pod: Pod, client: ApiClient, signal: AbortSignal): Promise<Verdicts> {
  const tasks = new TaskScope(silentLog);
  const onAbort = () => void tasks.stop();
  signal.addEventListener("abort", onAbort, { once: true });
  try {
    const deps = { client, clock: systemClock, random: systemRandom, log: silentLog };
    const informers = new InformerFactory(tasks, deps);
    const { cache, volumes, devices, budgets } = makeSources(informers);
    const nodes = informers.informer(resources.nodes);
    const pods = informers.informer(resources.pods, {
      fieldSelector: "status.phase!=Succeeded,status.phase!=Failed",
    });
    await informers.synced(tasks.signal);
    for (const node of nodes.list()) cache.putNode(node);
    for (const one of pods.list()) if (one.spec.nodeName && keyOf(one) !== keyOf(pod)) cache.putPod(one);
    const profile = profileFrom(defaultProfile("default-scheduler"), {
      snapshot: cache,
      budgets,
      client,
      recorder: { record: () => undefined },
      metrics: schedulerMetrics(new MetricsRegistry()),
      clock: systemClock,
      volumes,
      devices,
      later: () => undefined,
      permits: { pods: () => [], allow: () => undefined, refuse: () => false },
      activate: () => undefined,
      waitingOf: () => new Set(),
    });
    const { nominatedNodeName: _, ...status } = pod.status ?? {};
    const options = { percentageOfNodesToScore: 100, startAt: 0, measure: noMeasure };
    const found = findNodes(podInfo({ ...pod, status }), cache, profile, options);
    const { nowhere, plugins } = found.error;
    const unlooked = {
      plugin: [...plugins].join(", "),
      reasons: ["the pod may only be on other nodes"],
      lasting: true,
    };
    const taken = new Set(found.feasible.map(({ name }) => name));
    const verdicts = cache.nodes.map((node) => ({
      node,
      refusal: taken.has(node.name) ? undefined : (found.refusals.of(node.name) ?? unlooked),
    }));
    return {
      nowhere: nowhere === undefined ? undefined : { reason: nowhere, plugins: [...plugins] },
      nodes: verdicts.sort((a, b) => (a.node.name < b.node.name ? -1 : 1)),
    };
  } finally {
    signal.removeEventListener("abort", onAbort);
    await tasks.stop();
  }
}
