import { type Clock, sleep } from "../../base/os/clock.ts";
import type { ApiClient } from "../../client/api.ts";
import { ApiError, isNotFound, orAbsent } from "../../client/api-error.ts";
import { resources } from "../../client/resources.ts";
import { isMirrorPod } from "../../client/rules/static-pods.ts";
import type { Node, Pod } from "../../client/types.ts";

/** What becomes of a node's pods when the node goes. */
export interface DrainPlan {
  /** Evicted: somebody makes others in their place, elsewhere. */
  readonly evict: readonly Pod[];
  /** Nobody will: they are lost. */
  readonly lost: readonly Pod[];
}

/** Pods of a DaemonSet, and those that the node runs by itself, go with the node; those that have ended are over. Pure. */
export function planDrain(pods: readonly Pod[]): DrainPlan {
  const controllerOf = ({ metadata }: Pod) => metadata.ownerReferences?.find((one) => one.controller);
  const isOver = ({ status }: Pod) => ["Succeeded", "Failed"].includes(status?.phase ?? "");
  const concerned = pods.filter(
    (pod) => !isMirrorPod(pod) && !isOver(pod) && controllerOf(pod)?.kind !== "DaemonSet",
  );
  return {
    evict: concerned.filter((pod) => controllerOf(pod) !== undefined),
    lost: concerned.filter((pod) => controllerOf(pod) === undefined),
  };
}

export interface DrainDeps {
  readonly client: Pick<ApiClient, "createSubresource" | "get">;
  readonly clock: Clock;
  readonly signal: AbortSignal;
  readonly gracePeriodSeconds: number | undefined;
  /** Told once of each pod that a budget keeps. */
  readonly onKept: (pod: Pod, why: string) => void;
}

export const isAnswering = ({ status }: Node): boolean =>
  status?.conditions?.some((one) => one.type === "Ready" && one.status === "True") ?? false;

const budgetPollMs = 5_000;
const gonePollMs = 500;

/** Asks for the pod's eviction until its budget allows it. */
export async function evict(pod: Pod, deps: DrainDeps): Promise<void> {
  const { client, clock, signal, gracePeriodSeconds, onKept } = deps;
  const { name, namespace = "", uid } = pod.metadata;
  const body = {
    apiVersion: "policy/v1",
    kind: "Eviction",
    metadata: { name, namespace },
    deleteOptions: {
      preconditions: { uid },
      ...(gracePeriodSeconds !== undefined && { gracePeriodSeconds }),
    },
  };
  for (let isTold = false; ; isTold = true) {
    try {
      await client.createSubresource(resources.pods, { name, namespace }, "eviction", body, { signal });
      return;
    } catch (error) {
      // Gone, or another of its name by now.
      if (isNotFound(error) || (error instanceof ApiError && error.code === 409)) return;
      if (!(error instanceof ApiError) || error.code !== 429) throw error;
      if (!isTold) onKept(pod, error.message);
      await sleep(clock, budgetPollMs, signal);
    }
  }
}

/** Until it has ended and its object is gone, or its node says nothing any more: that ends no pods, and the cluster takes their
 *  objects away once the node is gone. */
export async function untilGone(pod: Pod, { client, clock, signal }: DrainDeps): Promise<void> {
  const { name, namespace = "", uid } = pod.metadata;
  for (;;) {
    const found = await orAbsent(client.get(resources.pods, { name, namespace }, { signal }));
    if (found?.metadata.uid !== uid) return;
    const node = await orAbsent(client.get(resources.nodes, { name: found.spec.nodeName ?? "" }, { signal }));
    if (node === undefined || !isAnswering(node)) return;
    await sleep(clock, gonePollMs, signal);
  }
}
