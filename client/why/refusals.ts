import type { Stored } from "../object-cache.ts";
import { resources } from "../resources.ts";
import type { CauseCode } from "./causes.ts";
import { type Facts, latestEvent } from "./facts.ts";
import { type Evidence, type Finding, finding, type Named, stands, told } from "./finding.ts";

/** Why pods are refused when they are made, as their controllers' events tell it. */
export function refusalFinding(maker: Stored & Named, facts: Facts): Finding | undefined {
  const failed = latestEvent(facts.events(maker), "FailedCreate", "FailedDaemonPod");
  if (failed?.message === undefined) return undefined;
  const { message } = failed;
  const { namespace = "" } = maker.metadata;
  const known = refusals.find(({ says }) => says.test(message));
  const name = known?.name?.exec(message)?.[1];
  const cause = `its pods are refused: ${known?.what(name, message) ?? message}`;
  return finding(known?.code ?? "create-refused", maker, cause, {
    evidence: [told(failed), ...(known?.look?.(namespace, name, facts) ?? [])],
    change: known === undefined ? [] : [known.change],
    next:
      known === undefined
        ? [`kubectl describe ${maker.kind?.toLowerCase()}/${maker.metadata.name} -n ${namespace}`]
        : known.next(namespace, name),
  });
}

interface Refusal {
  readonly says: RegExp;
  readonly code: CauseCode;
  /** Finds the name of what refuses. */
  readonly name?: RegExp;
  readonly what: (name: string | undefined, message: string) => string;
  readonly change: string;
  readonly next: (namespace: string, name: string | undefined) => readonly string[];
  readonly look?: (namespace: string, name: string | undefined, facts: Facts) => readonly Evidence[];
}

const hooks = "kubectl get validatingwebhookconfigurations,mutatingwebhookconfigurations";

const afterColon = (message: string, of: RegExp): string => {
  const text = message.slice(message.search(of)).replace(of, "");
  return text.length > 200 ? `${text.slice(0, 200)}…` : text;
};

const refusals: readonly Refusal[] = [
  {
    says: /exceeded quota/,
    code: "quota-exceeded",
    name: /exceeded quota: ([^,\s]+)/,
    what: (name, message) =>
      `the quota ${name} is used up: ${afterColon(message, /exceeded quota: [^,]+, /)}`,
    change: "a larger quota, smaller requests, or fewer other pods",
    next: (namespace, name) => [`kubectl describe resourcequota ${name ?? ""} -n ${namespace}`],
    look: quotaEvidence,
  },
  {
    says: /failed quota/,
    code: "quota-unspecified",
    name: /failed quota: ([^:,\s]+)/,
    what: (name, message) =>
      `the quota ${name} counts what they do not specify: ${afterColon(message, /failed quota: [^:]+: /)}`,
    change: "requests and limits for all that the quota counts, or a LimitRange with defaults",
    next: (namespace) => [`kubectl get resourcequotas,limitranges -n ${namespace}`],
  },
  {
    says: /violates PodSecurity/,
    code: "pod-security",
    name: /violates PodSecurity "([^"]+)"/,
    what: (name, message) =>
      `they violate Pod Security ${name ?? ""}: ${afterColon(message, /violates PodSecurity "[^"]+": /)}`,
    change: "a securityContext that the level allows, or another level on the namespace",
    next: (namespace) => [`kubectl get namespace ${namespace} --show-labels`],
  },
  {
    says: /failed calling webhook/,
    code: "webhook-failing",
    name: /failed calling webhook "([^"]+)"/,
    what: (name, message) =>
      `the admission webhook ${name} does not answer: ${afterColon(message, /failed calling webhook "[^"]+": /)}`,
    change: "the webhook's Service answers, or its failurePolicy is Ignore, or it does not ask about pods",
    next: () => [hooks],
  },
  {
    says: /admission webhook/,
    code: "webhook-denied",
    name: /admission webhook "([^"]+)"/,
    what: (name, message) =>
      `the admission webhook ${name} denies them: ${afterColon(message, /admission webhook "[^"]+" denied the request:? ?/)}`,
    change: "what the webhook asks for, or the webhook",
    next: () => [hooks],
  },
  {
    says: /AdmissionPolicy/,
    code: "policy-denied",
    name: /AdmissionPolicy '([^']+)'/,
    what: (name, message) =>
      `the admission policy ${name} denies them: ${afterColon(message, /denied request: /)}`,
    change: "what the policy asks for, or its binding",
    next: (_, name) => [`kubectl get validatingadmissionpolicy ${name ?? ""} -o yaml`],
  },
  {
    says: /serviceaccount "[^"]+" not found|service account/i,
    code: "service-account-missing",
    name: /serviceaccount "([^"]+)"/,
    what: (name) => `their service account ${name} does not exist`,
    change: "the service account is made, or spec.serviceAccountName names another",
    next: (namespace) => [`kubectl get serviceaccounts -n ${namespace}`],
  },
  {
    says: /PriorityClass|priority class/i,
    code: "priority-class-missing",
    name: /no PriorityClass with name (\S+)/,
    what: (name) => `there is no priority class ${name}`,
    change: "the PriorityClass is made, or priorityClassName names another",
    next: () => ["kubectl get priorityclasses"],
  },
  {
    says: /(maximum|minimum) .* usage per|max limit to request ratio/,
    code: "limit-range",
    what: (_, message) => `a LimitRange forbids what they ask for: ${afterColon(message, /is forbidden: /)}`,
    change: "requests and limits within it, or another LimitRange",
    next: (namespace) => [`kubectl describe limitranges -n ${namespace}`],
  },
];

function quotaEvidence(namespace: string, name: string | undefined, facts: Facts): readonly Evidence[] {
  const quota = name === undefined ? undefined : facts.find(resources.resourcequotas, { name, namespace });
  if (!quota) return [];
  const { hard = {}, used = {} } = quota.status ?? {};
  return Object.keys(hard).map((key) =>
    stands(quota, `status.used[${key}]`, `${used[key] ?? "0"} of ${hard[key]}`),
  );
}
