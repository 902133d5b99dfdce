import { matchesLabels } from "../../../base/label-selector.ts";
import type { Log } from "../../../base/os/log.ts";
import type { TaskScope } from "../../../base/os/task-scope.ts";
import type { ClusterPolicy } from "../../../client/cluster-policies.ts";
import type { EventRecorder } from "../../../client/events.ts";
import type { InformerFactory } from "../../../client/informer.ts";
import { resources } from "../../../client/resources.ts";
import type { NetworkPolicy, Pod } from "../../../client/types.ts";
import { ClusterPolicyFeed } from "./cluster-policy-feed.ts";
import { compilePolicy } from "./compile-policy.ts";

export interface UnenforcedPoliciesParts {
  readonly informers: InformerFactory;
  readonly events: Pick<EventRecorder, "record">;
  readonly log: Log;
  readonly tasks: TaskScope;
}

/** Says of each network policy that is for a pod of this node, and of each of the whole cluster, that nothing keeps to it here:
 *  once, as an event on the policy, and once in the log. The returned function ends it. */
export function followUnenforcedPolicies(
  { nodeName, why }: { readonly nodeName: string; readonly why: string },
  { informers, events, log, tasks }: UnenforcedPoliciesParts,
): () => void {
  const policies = informers.informer(resources.networkpolicies);
  const pods = informers.informer(resources.pods, { fieldSelector: `spec.nodeName=${nodeName}` });
  const said = new Set<string>();
  const say = (policy: NetworkPolicy | ClusterPolicy) => {
    if (said.size === 0) log.warn("network policies are not enforced here", { why });
    said.add(policy.metadata.uid);
    const message = `${nodeName} does not keep its pods' traffic to network policies: ${why}`;
    events.record(policy, { type: "Warning", reason: "NetworkPolicyNotEnforced", message });
  };
  const judge = (policy: NetworkPolicy, candidates: readonly Pod[]) => {
    if (said.has(policy.metadata.uid)) return;
    const { selector } = compilePolicy(policy);
    if (candidates.some((pod) => isSubject(pod) && matchesLabels(selector, pod.metadata.labels))) say(policy);
  };
  const onPolicy = (policy: NetworkPolicy) =>
    judge(policy, pods.byNamespace(policy.metadata.namespace ?? ""));
  const onPod = (pod: Pod) => {
    for (const policy of policies.byNamespace(pod.metadata.namespace ?? "")) judge(policy, [pod]);
  };
  const off = [
    policies.subscribe({
      onAdd: onPolicy,
      onUpdate: onPolicy,
      onDelete: ({ metadata }) => said.delete(metadata.uid),
    }),
    pods.subscribe({ onAdd: onPod, onUpdate: onPod }),
  ];
  const ofCluster = new ClusterPolicyFeed({
    informers,
    log,
    onPut: (policy) => {
      if (!said.has(policy.metadata.uid)) say(policy);
    },
    onRemove: ({ metadata }) => void said.delete(metadata.uid),
    onChange: () => undefined,
  });
  ofCluster.run(tasks);
  return () => {
    for (const one of off) one();
  };
}

/** Pods in the node's own network are nobody's to isolate. */
const isSubject = ({ spec, status }: Pod): boolean =>
  spec.hostNetwork !== true && status?.phase !== "Succeeded" && status?.phase !== "Failed";
