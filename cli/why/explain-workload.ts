import type { Event, KubeObject, Pod } from "../../client/types.ts";
import { latestEvent } from "./facts.ts";
import { type Finding, finding } from "./finding.ts";

export interface WorkloadFacts {
  readonly workload: KubeObject;
  /** Of the workload, and of what it makes that makes pods. */
  readonly events: readonly Event[];
  readonly pods: readonly Pod[];
}

/** What keeps a workload from making its pods, or how many of them are well. What is wrong with those that it made is theirs
 *  to tell. Pure. */
export function explainWorkload({ workload, events, pods }: WorkloadFacts): readonly Finding[] {
  const {
    kind,
    metadata,
    spec = {},
  } = workload as KubeObject & { readonly spec?: Readonly<Record<string, unknown>> };
  const where = `${kind?.toLowerCase()}/${metadata.name} -n ${metadata.namespace}`;
  const next = [`kubectl describe ${where}`];
  if (spec.paused === true)
    return [finding("it is paused", { change: ["it goes on"], next: [`kubectl rollout resume ${where}`] })];
  if (spec.suspend === true)
    return [
      finding("it is suspended", { change: ["spec.suspend is false"], next: [`kubectl edit ${where}`] }),
    ];
  const wanted = spec.replicas ?? spec.parallelism;
  if (wanted === 0)
    return [
      finding("it is to have no pods: replicas is 0", { next: [`kubectl scale ${where} --replicas 1`] }),
    ];
  const failed = latestEvent(events, "FailedCreate");
  const ready = pods.filter(isReadyPod).length;
  if (failed?.message !== undefined && (typeof wanted !== "number" || pods.length < wanted))
    return [creationFinding(failed.message, next)];
  if (pods.length === 0) return [finding("it has made no pods yet", { next })];
  return ready === pods.length ? [finding(`nothing is wrong: all of its ${ready} pods are ready`)] : [];
}

export const isReadyPod = ({ status }: Pod): boolean =>
  (status?.conditions ?? []).some((one) => one.type === "Ready" && one.status === "True");

/** Why pods are refused when they are made. */
function creationFinding(message: string, next: readonly string[]): Finding {
  const known = refusals.find(({ says }) => message.includes(says));
  return finding(`its pods are refused${known === undefined ? "" : `: ${known.what}`}`, {
    because: [message],
    change: known === undefined ? [] : [known.change],
    next: [...(known?.next ?? []), ...next],
  });
}

const refusals = [
  {
    says: "exceeded quota",
    what: "the namespace's quota is used up",
    change: "a larger quota, smaller requests, or fewer other pods",
    next: ["kubectl get resourcequotas -A"],
  },
  {
    says: "failed quota",
    what: "a quota wants to know what they ask for",
    change: "requests and limits for all that the quota counts, or a LimitRange with defaults",
    next: ["kubectl get resourcequotas,limitranges -A"],
  },
  {
    says: "violates PodSecurity",
    what: "the namespace's Pod Security level forbids them",
    change: "a securityContext that the level allows, or another level on the namespace",
    next: ["kubectl get namespaces --show-labels"],
  },
  {
    says: "admission webhook",
    what: "an admission webhook denies them",
    change: "what the webhook asks for, or the webhook",
    next: ["kubectl get validatingwebhookconfigurations,mutatingwebhookconfigurations"],
  },
  {
    says: "failed calling webhook",
    what: "an admission webhook does not answer",
    change: "the webhook's service answers, or its failurePolicy is Ignore",
    next: ["kubectl get validatingwebhookconfigurations,mutatingwebhookconfigurations"],
  },
  {
    says: "ValidatingAdmissionPolicy",
    what: "an admission policy denies them",
    change: "what the policy asks for, or its binding",
    next: ["kubectl get validatingadmissionpolicies,validatingadmissionpolicybindings"],
  },
  {
    says: "serviceaccount",
    what: "their service account does not exist",
    change: "the service account is made, or spec.serviceAccountName names another",
    next: ["kubectl get serviceaccounts -A"],
  },
  {
    says: "maximum",
    what: "they ask for more than a LimitRange allows",
    change: "smaller limits and requests, or another LimitRange",
    next: ["kubectl get limitranges -A"],
  },
  {
    says: "minimum",
    what: "they ask for less than a LimitRange wants",
    change: "larger limits and requests, or another LimitRange",
    next: ["kubectl get limitranges -A"],
  },
] as const;
