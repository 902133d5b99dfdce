import { matchesLabels, selectorFromLabelSelector } from "../../base/label-selector.ts";
import { resources } from "../resources.ts";
import type { NetworkPolicy, Pod } from "../types.ts";
import type { Facts } from "./facts.ts";
import { type Finding, finding, stands, wordsOf } from "./finding.ts";

export type Direction = "Ingress" | "Egress";

type Rule = { readonly ports?: readonly PolicyPort[]; readonly from?: unknown[]; readonly to?: unknown[] };
interface PolicyPort {
  readonly protocol?: string;
  readonly port?: number | string;
  readonly endPort?: number;
}

/** The policies that are for a pod in a direction. */
export function policiesFor(pod: Pod, direction: Direction, facts: Facts): readonly NetworkPolicy[] {
  const all = facts.list(resources.networkpolicies, pod.metadata.namespace) ?? [];
  return all.filter(({ spec }) => {
    const types = spec?.policyTypes ?? (spec?.egress === undefined ? ["Ingress"] : ["Ingress", "Egress"]);
    return (
      types.includes(direction) &&
      matchesLabels(selectorFromLabelSelector(spec?.podSelector ?? {}), pod.metadata.labels)
    );
  });
}

interface Port {
  readonly protocol: string;
  readonly number: number | undefined;
  readonly name: string | undefined;
}

const allows = (rule: Rule, { protocol, number, name }: Port): boolean =>
  (rule.ports ?? []).length === 0 ||
  (rule.ports ?? []).some(
    ({ protocol: of = "TCP", port, endPort }) =>
      of === protocol &&
      (port === undefined ||
        port === number ||
        (typeof port === "string" && port === name) ||
        (typeof port === "number" &&
          endPort !== undefined &&
          number !== undefined &&
          number >= port &&
          number <= endPort)),
  );

const rulesOf = ({ spec }: NetworkPolicy, direction: Direction): readonly Rule[] =>
  ((direction === "Ingress" ? spec?.ingress : spec?.egress) ?? []) as readonly Rule[];

/** The policies that together let nothing through to a port, from anybody; none: something may pass. */
export function blockers(pod: Pod, direction: Direction, port: Port, facts: Facts): readonly NetworkPolicy[] {
  const policies = policiesFor(pod, direction, facts);
  const open = policies.some((policy) => rulesOf(policy, direction).some((rule) => allows(rule, port)));
  return open ? [] : policies;
}

/** The policies that keep a pod from asking DNS at all. */
export function dnsBlockers(pod: Pod, facts: Facts): readonly NetworkPolicy[] {
  const port = { number: 53, name: undefined };
  const udp = blockers(pod, "Egress", { protocol: "UDP", ...port }, facts);
  return udp.length > 0 && blockers(pod, "Egress", { protocol: "TCP", ...port }, facts).length > 0 ? udp : [];
}

/** Policies that let nobody in to a port that a Service leads to. */
export function blockedPort(pod: Pod, port: Port, shown: string, facts: Facts): Finding | undefined {
  const [policy, ...others] = blockers(pod, "Ingress", port, facts);
  if (policy === undefined) return undefined;
  const names = [policy, ...others].map(({ metadata }) => metadata.name).join(", ");
  return finding(
    "policy-blocks-ingress",
    policy,
    `the network polic${others.length === 0 ? "y" : "ies"} ${names} let${others.length === 0 ? "s" : ""} nobody in to port ${shown} of its pods (ingress)`,
    {
      evidence: [
        stands(policy, "spec.podSelector", policy.spec?.podSelector ?? {}),
        stands(policy, "spec.ingress", policy.spec?.ingress ?? []),
      ],
      change: [`an ingress rule of a policy for these pods that allows port ${shown}`],
      next: [`kubectl describe ${wordsOf(policy)}`],
    },
  );
}

/** What a policy by itself does that is hardly meant. */
export function explainPolicy(policy: NetworkPolicy, facts: Facts): readonly Finding[] {
  const { spec, metadata } = policy;
  const pods = facts.list(resources.pods, metadata.namespace);
  const selector = selectorFromLabelSelector(spec?.podSelector ?? {});
  const selected = (pods ?? []).filter((pod) => matchesLabels(selector, pod.metadata.labels));
  const [first] = selected;
  if (pods !== undefined && first === undefined && selector !== null && selector.length > 0)
    return [
      finding("policy-no-pods", policy, `it is for none of ${pods.length} pods in ${metadata.namespace}`, {
        evidence: [stands(policy, "spec.podSelector", spec?.podSelector ?? {})],
        change: ["a podSelector that the labels of the pods match"],
        next: [`kubectl get pods -n ${metadata.namespace} --show-labels`],
      }),
    ];
  if (first === undefined || !policiesFor(first, "Egress", facts).includes(policy)) return [];
  if (!dnsBlockers(first, facts).includes(policy)) return [];
  return [
    finding("policy-blocks-dns", policy, `it lets ${selected.length} pods ask no DNS (egress)`, {
      evidence: [stands(policy, "spec.egress", spec?.egress ?? [])],
      change: ["an egress rule for port 53, UDP and TCP, where these pods look up names"],
      next: [`kubectl describe ${wordsOf(policy)}`],
    }),
  ];
}
