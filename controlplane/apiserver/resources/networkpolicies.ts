import { dns1123Subdomain } from "../../../client/rules/names.ts";
import type { NetworkPolicy } from "../../../client/types.ts";
import { rangeWarnings } from "./address-warnings.ts";
import { age, ageColumn, column, labelSelectorText } from "./cell-text.ts";
import { validateNetworkPolicySpec } from "./network-policy-validation.ts";
import { kindOf } from "./typed-kind.ts";

export const networkPolicies = kindOf<NetworkPolicy>({
  group: "networking.k8s.io",
  version: "v1",
  kind: "NetworkPolicy",
  plural: "networkpolicies",
  singular: "networkpolicy",
  shortNames: ["netpol"],
  categories: [],
  namespaced: true,
  subresources: {},
  hasGeneration: true,
  nameRule: dns1123Subdomain,
  applyDefaults({ spec }) {
    spec.podSelector ??= {};
    // Who says nothing means ingress; who has rules for egress means it, too.
    if ((spec.policyTypes ?? []).length === 0)
      spec.policyTypes = (spec.egress ?? []).length > 0 ? ["Ingress", "Egress"] : ["Ingress"];
    for (const { ports } of [...(spec.ingress ?? []), ...(spec.egress ?? [])])
      for (const port of ports ?? []) port.protocol ??= "TCP";
  },
  validate: ({ spec }, _facts, current) => validateNetworkPolicySpec(spec, "spec", current?.spec),
  columns: [column("Pod-Selector"), ageColumn],
  warnings: networkPolicyWarnings,
  cells: ({ metadata, spec }, nowMs) => [
    labelSelectorText(spec.podSelector),
    age(metadata.creationTimestamp, nowMs),
  ],
});

type Peer = NonNullable<NonNullable<NetworkPolicy["spec"]["egress"]>[number]["to"]>[number];

function networkPolicyWarnings({ spec }: NetworkPolicy): readonly string[] {
  const peers = [
    ...((spec.ingress ?? []) as readonly { readonly from?: readonly Peer[] }[]).flatMap(
      ({ from = [] }, index) =>
        from.map((peer, place) => ({ peer, at: `spec.ingress[${index}].from[${place}].ipBlock` })),
    ),
    ...(spec.egress ?? []).flatMap(({ to = [] }, index) =>
      to.map((peer, place) => ({ peer, at: `spec.egress[${index}].to[${place}].ipBlock` })),
    ),
  ];
  return peers.flatMap(({ peer: { ipBlock }, at }) => [
    ...rangeWarnings(ipBlock?.cidr, `${at}.cidr`),
    ...(ipBlock?.except ?? []).flatMap((range, index) => rangeWarnings(range, `${at}.except[${index}]`)),
  ]);
}
