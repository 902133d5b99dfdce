import type { ApiClient } from "../../client/api.ts";
import { ApiError, ConnectionError, isConflict, isNotFound } from "../../client/api-error.ts";
import { resources } from "../../client/resources.ts";
import type { Pod } from "../../client/types.ts";
import type { BindOutcome } from "./cycle/plugin.ts";
import type { PodInfo } from "./cycle/pod-info.ts";

/** Tells the API server where a pod goes. Expected failures are outcomes. */
export async function bindPod(
  client: Pick<ApiClient, "createSubresource">,
  { pod }: PodInfo,
  node: string,
  signal: AbortSignal,
): Promise<BindOutcome> {
  const { name, namespace, uid } = pod.metadata;
  const binding = {
    apiVersion: "v1",
    kind: "Binding",
    metadata: { name, namespace, uid },
    target: { apiVersion: "v1", kind: "Node", name: node },
  };
  try {
    await client.createSubresource(resources.pods, pod.metadata, "binding", binding, { signal });
    return { outcome: "bound" };
  } catch (error) {
    if (isNotFound(error) || isConflict(error)) return { outcome: "dropped" };
    if (error instanceof ApiError || error instanceof ConnectionError) return { outcome: "failed", error };
    if (signal.aborted) return { outcome: "failed", error: new Error("stopped", { cause: error }) };
    throw error;
  }
}

/** Writes why the pod is not placed into its PodScheduled condition, unless it says so already. */
export async function markUnschedulable(
  client: Pick<ApiClient, "patch">,
  pod: Pod,
  verdict: { readonly reason: "Unschedulable" | "SchedulerError"; readonly message: string },
  options: {
    readonly nowMs: number;
    readonly signal: AbortSignal;
    /** The node that the pod is promised from now on; "" takes a promise back. */
    readonly nominatedNodeName?: string | undefined;
  },
): Promise<void> {
  const present = pod.status?.conditions?.find(({ type }) => type === "PodScheduled");
  const same =
    present?.status === "False" &&
    present.reason === verdict.reason &&
    present.message === verdict.message &&
    present.observedGeneration === pod.metadata.generation;
  const { nominatedNodeName } = options;
  const isPromised =
    nominatedNodeName === undefined || nominatedNodeName === (pod.status?.nominatedNodeName ?? "");
  if (same && isPromised) return;
  const now = `${new Date(options.nowMs).toISOString().slice(0, 19)}Z`;
  const lastTransitionTime = present?.status === "False" ? (present.lastTransitionTime ?? now) : now;
  const condition = {
    type: "PodScheduled",
    status: "False",
    ...verdict,
    ...(pod.metadata.generation !== undefined && { observedGeneration: pod.metadata.generation }),
    lastProbeTime: null,
    lastTransitionTime,
  };
  await patchStatus(
    client,
    pod,
    {
      conditions: [condition],
      ...(!isPromised && { nominatedNodeName: nominatedNodeName || null }),
    },
    options.signal,
  );
}

/** Writes down which node the pod is promised; "" for none. */
export async function setNominatedNode(
  client: Pick<ApiClient, "patch">,
  pod: Pod,
  node: string,
  signal: AbortSignal,
): Promise<void> {
  await patchStatus(client, pod, { nominatedNodeName: node || null }, signal);
}

async function patchStatus(
  client: Pick<ApiClient, "patch">,
  pod: Pod,
  status: object,
  signal: AbortSignal,
): Promise<void> {
  const body = { metadata: { uid: pod.metadata.uid }, status };
  try {
    await client.patch(resources.pods, pod.metadata, body, {
      type: "strategic",
      subresource: "status",
      signal,
    });
  } catch (error) {
    // Gone, made anew, or no server: the next attempt says it again.
    const expected = error instanceof ApiError || error instanceof ConnectionError || signal.aborted;
    if (!expected) throw error;
  }
}
