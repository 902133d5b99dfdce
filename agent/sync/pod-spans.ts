import type { Os } from "../../base/os/os.ts";
import { activeTrace, spanned } from "../../base/tracing/active-span.ts";
import { inTraceOf } from "../../client/rules/pod-trace.ts";
import type { Pod } from "../../client/types.ts";
import type { Action } from "./plan-pod.ts";

/** A step of a pod that does not run yet, in the trace of the request that made the pod, under the kubelet's name for it. Later
 *  steps are no part of its making. */
export function syncSpan<T>(
  { os: { tracer } }: { readonly os: Pick<Os, "tracer"> },
  pod: Pod,
  step: () => Promise<T>,
): Promise<T> {
  if (tracer === undefined || (pod.status?.phase ?? "Pending") !== "Pending") return step();
  const { namespace = "", name, uid } = pod.metadata;
  const attributes = () => ({
    "k8s.namespace.name": namespace,
    "k8s.pod.name": name,
    "k8s.pod": `${namespace}/${name}`,
    "k8s.pod.uid": uid,
  });
  return inTraceOf(tracer, pod, { name: "syncPod", attributes }, step);
}

/** By the calls of a container runtime that they come to. */
const actionNames: Partial<Record<Action["kind"], string>> = {
  "make-sandbox": "RunPodSandbox",
  "stop-sandbox": "StopPodSandbox",
  start: "StartContainer",
  kill: "StopContainer",
};

export function actionSpan<T>(action: Action, act: () => Promise<T>): Promise<T> {
  const name = actionNames[action.kind];
  if (name === undefined || activeTrace() === undefined) return act();
  const attributes = () => ("name" in action ? { "k8s.container.name": action.name } : {});
  return spanned({ name, attributes }, act);
}
