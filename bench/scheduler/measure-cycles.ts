import { Prng } from "../../base/os/random.ts";
import type { Draft, Meta, Node, Pod } from "../../client/types.ts";
import { SchedulerCache } from "../../controlplane/scheduler/cache.ts";
import { podInfo } from "../../controlplane/scheduler/cycle/pod-info.ts";
import { schedule } from "../../controlplane/scheduler/cycle/schedule.ts";
import { noStorage } from "../../controlplane/scheduler/storage/storage.ts";
import { testProfile } from "../../controlplane/scheduler/testing/test-profile.ts";
import { benchNode, type Workload } from "./workloads.ts";

export interface CycleFigures {
  readonly perSecond: number;
  readonly p50Ms: number;
  readonly p99Ms: number;
  readonly placed: number;
}

const stored = <T extends object>(draft: T & { metadata: object }, kind: string, at: number) =>
  ({
    apiVersion: "v1",
    kind,
    ...draft,
    metadata: {
      uid: `${kind}-${at}`,
      resourceVersion: "1",
      creationTimestamp: "2026-01-01T00:00:00Z",
      ...draft.metadata,
    } as Meta,
  }) as const;

/** Decisions alone, one after the other, without an API server: what the cycle itself can do. */
export function measureCycles(workload: Workload, nodes: number, pods: number): CycleFigures {
  const cache = new SchedulerCache({
    namespaceLabels: () => ({}),
    siblings: () => undefined,
    storage: noStorage,
  });
  const profile = testProfile(cache);
  const random = new Prng(1);
  let serial = 0;
  const storedPod = (draft: Draft<Pod>) => stored(draft, "Pod", ++serial) as unknown as Pod;
  for (let at = 0; at < nodes; at++)
    cache.putNode(stored(benchNode(at, workload.nodeCpu), "Node", at) as unknown as Node);
  let startAt = 0;
  const decide = (pod: Pod): "placed" | "other" => {
    const info = podInfo(pod);
    const decision = schedule(info, cache, profile, { startAt }, random);
    startAt += decision.examined;
    if (decision.outcome === "placed") {
      cache.assume(info, decision.node);
      cache.putPod({ ...pod, spec: { ...pod.spec, nodeName: decision.node } });
      return "placed";
    }
    if (decision.outcome !== "unschedulable" || decision.rescue?.outcome !== "nominated") return "other";
    for (const victim of decision.rescue.victims) cache.deletePod(victim.key);
    cache.assume(info, decision.rescue.node);
    return "placed";
  };
  const { before } = workload;
  for (let at = 0; at < (before?.pods ?? 0); at++) {
    const pod = storedPod(before?.make(at) as Draft<Pod>);
    cache.putPod({ ...pod, spec: { ...pod.spec, nodeName: `node-${at % nodes}` } });
  }
  const tookMs: number[] = [];
  let placed = 0;
  const startedMs = performance.now();
  for (let at = 0; at < pods; at++) {
    const pod = storedPod(workload.make(at));
    if (workload.churns && at % 10 === 0) churn(cache, nodes, at);
    const cycleMs = performance.now();
    if (decide(pod) === "placed") placed++;
    tookMs.push(performance.now() - cycleMs);
  }
  const seconds = (performance.now() - startedMs) / 1000;
  tookMs.sort((a, b) => a - b);
  const at = (share: number) => tookMs[Math.min(tookMs.length - 1, Math.floor(tookMs.length * share))] ?? 0;
  return { perSecond: pods / seconds, p50Ms: at(0.5), p99Ms: at(0.99), placed };
}

/** A node changes, another comes or goes. */
function churn(cache: SchedulerCache, nodes: number, at: number): void {
  const name = `churn-${at % 100}`;
  const draft = benchNode(nodes + at);
  const node = stored({ ...draft, metadata: { ...draft.metadata, name } }, "Node", nodes + at);
  if (cache.node(name) === undefined) cache.putNode(node as unknown as Node);
  else cache.deleteNode(name);
}
