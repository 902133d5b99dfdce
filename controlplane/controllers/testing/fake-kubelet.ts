import type { Os } from "../../../base/os/os.ts";
import { TaskScope } from "../../../base/os/task-scope.ts";
import { isConflict, isNotFound } from "../../../client/api-error.ts";
import { runController } from "../../../client/controller-loop.ts";
import { InformerFactory } from "../../../client/informer.ts";
import { resources } from "../../../client/resources.ts";
import type { RestClient } from "../../../client/rest.ts";
import type { Pod, PodStatus } from "../../../client/types.ts";
import { WorkQueue } from "../../../client/work-queue.ts";
import { enqueueSelf } from "../owner-events.ts";
import { timeText } from "../times.ts";

/** Scheduler and kubelets in one: every pod gets the node it asks for (or the first) and becomes what `outcome` says;
 *  what is deleted goes at once, unless it still runs by `lingers`. */
export interface FakeKubeletOptions {
  readonly nodes: readonly string[];
  /** The address of every pod; by default each has its own. */
  readonly podIp?: string;
  /** What becomes of a pod; by default it runs and is ready. Undefined: it stays pending. */
  readonly outcome?: (pod: Pod) => "ready" | "running" | "succeeded" | "failed" | undefined;
}

export function startFakeKubelet(client: RestClient, os: Os, options: FakeKubeletOptions) {
  const tasks = new TaskScope(os.log);
  const informers = new InformerFactory(tasks, { client, ...os });
  const pods = informers.informer(resources.pods);
  const queue = new WorkQueue(os);
  enqueueSelf(queue, pods);
  let addresses = 0;
  const addressOf = new Map<string, string>();
  const sync = async (key: string) => {
    const pod = pods.getByKey(key);
    if (pod === undefined) return;
    try {
      await serve(pod);
    } catch (error) {
      if (!isConflict(error) && !isNotFound(error)) throw error;
    }
  };
  async function serve(pod: Pod): Promise<void> {
    if (pod.metadata.deletionTimestamp !== undefined) {
      const waits = (pod.metadata.deletionGracePeriodSeconds ?? 0) > 0;
      if (waits) await client.delete(resources.pods, pod.metadata, { gracePeriodSeconds: 0 });
      return;
    }
    if (!pod.spec.nodeName) {
      const name = wantedNode(pod) ?? options.nodes[0];
      if (name === undefined) return;
      await client.createSubresource(resources.pods, pod.metadata, "binding", {
        apiVersion: "v1",
        kind: "Binding",
        metadata: { name: pod.metadata.name, namespace: pod.metadata.namespace },
        target: { kind: "Node", name },
      });
      return;
    }
    const outcome = (options.outcome ?? (() => "ready" as const))(pod);
    if (outcome === undefined) return;
    const { uid } = pod.metadata;
    const podIP = options.podIp ?? addressOf.get(uid) ?? `10.244.0.${++addresses}`;
    addressOf.set(uid, podIP);
    const status = statusFor(outcome, podIP, os.clock.wallMs());
    const readyNow = pod.status?.conditions?.find(({ type }) => type === "Ready")?.status;
    if (pod.status?.phase === status.phase && readyNow === status.conditions?.[0]?.status) return;
    await client.patch(resources.pods, pod.metadata, { status }, { type: "merge", subresource: "status" });
  }
  tasks.run("kubelet", async (signal) => {
    await informers.synced(signal);
    await runController({ name: "kubelet", workers: 4, queue, sync, log: os.log, clock: os.clock }, signal);
  });
  return {
    stop: () => tasks.stop(),
    /** Looks at every pod again, after `outcome` would answer otherwise. */
    again: () => {
      for (const pod of pods.list()) queue.add(`${pod.metadata.namespace}/${pod.metadata.name}`);
    },
  };
}

/** The node that a daemon pod is made for. */
function wantedNode(pod: Pod): string | undefined {
  const terms =
    pod.spec.affinity?.nodeAffinity?.requiredDuringSchedulingIgnoredDuringExecution?.nodeSelectorTerms ?? [];
  return terms.flatMap(({ matchFields }) => matchFields ?? []).find(({ key }) => key === "metadata.name")
    ?.values?.[0];
}

function statusFor(
  outcome: "ready" | "running" | "succeeded" | "failed",
  podIP: string,
  nowMs: number,
): PodStatus {
  const phase = outcome === "succeeded" ? "Succeeded" : outcome === "failed" ? "Failed" : "Running";
  const ready = outcome === "ready" ? "True" : "False";
  const now = timeText(nowMs);
  return {
    phase,
    podIP,
    podIPs: [{ ip: podIP }],
    startTime: now,
    conditions: [{ type: "Ready", status: ready, lastTransitionTime: now }],
  };
}
