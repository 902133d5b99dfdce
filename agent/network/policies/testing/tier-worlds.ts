import fc from "fast-check";
import type { ClusterPolicy } from "../../../../client/cluster-policies.ts";
import { labels, portNumbers, selector } from "./worlds.ts";

/** Policies of whole clusters out of the same few words. */

const pods = fc.oneof(
  selector.map((namespaces) => ({ namespaces })),
  fc
    .record({ namespaceSelector: selector, podSelector: selector }, { requiredKeys: ["podSelector"] })
    .map((both): object => ({ pods: both })),
);

const network = fc.constantFrom(
  "0.0.0.0/0",
  "10.198.0.0/16",
  "10.198.1.0/24",
  "10.198.1.2/31",
  "10.198.2.0/25",
  "10.199.0.1/32",
  "10.199.0.8/30",
  "fd00::/8",
);

const places = fc.oneof(
  selector.map((nodes) => ({ nodes })),
  fc.uniqueArray(network, { minLength: 1, maxLength: 3 }).map((networks) => ({ networks })),
);
const unknown = fc.constantFrom<object>({}, { domainNames: ["example.com"] }, { moons: {} });

const number = fc.constantFrom(...portNumbers);
const protocol = fc.constantFrom("TCP", "UDP", "SCTP");
const range = fc.constantFrom({ start: 79, end: 80 }, { start: 79, end: 81 }, { start: 81, end: 65_535 });

/** As v1alpha1 and as its successors say them. */
const numberedPort = {
  ports: fc.oneof(
    fc.record({ protocol, port: number }).map((portNumber): object => ({ portNumber })),
    number.map((port): object => ({ portNumber: { port } })),
    fc.tuple(protocol, range).map(([of, ends]): object => ({ portRange: { protocol: of, ...ends } })),
  ),
  protocols: fc
    .tuple(
      fc.constantFrom("tcp", "udp", "sctp"),
      fc.oneof(
        number.map((one): object => ({ number: one })),
        range.map((one): object => ({ range: one })),
      ),
    )
    .map(([of, destinationPort]): object => ({ [of]: { destinationPort } })),
} as const;
const namedPort = {
  ports: fc.constantFrom<object>({ namedPort: "web" }, { namedPort: "dns" }),
  protocols: fc.constantFrom<object>({ destinationNamedPort: "web" }, { destinationNamedPort: "dns" }),
} as const;

const rule = (peers: "from" | "to", style: "ports" | "protocols") => {
  const action = fc.constantFrom(style === "ports" ? "Allow" : "Accept", "Deny", "Pass");
  const of = (peer: fc.Arbitrary<object>, port: fc.Arbitrary<object>) =>
    fc.record(
      {
        action,
        [peers]: fc.array(peer, { minLength: 1, maxLength: 2 }),
        [style]: fc.array(port, { minLength: 1, maxLength: 2 }),
      },
      { requiredKeys: ["action", peers] },
    );
  const anyPort = fc.oneof(numberedPort[style], namedPort[style]);
  const toPods = of(pods, anyPort);
  const toPlaces = of(fc.oneof(pods, places), numberedPort[style]);
  return fc.oneof(
    { weight: 8, arbitrary: toPods },
    ...(peers === "to" ? [{ weight: 8, arbitrary: toPlaces }] : []),
    { weight: 1, arbitrary: of(fc.oneof(pods, unknown), numberedPort[style]) },
  );
};

const rules = (style: "ports" | "protocols") => ({
  subject: pods,
  ingress: fc.array(rule("from", style), { maxLength: 3 }),
  egress: fc.array(rule("to", style), { maxLength: 3 }),
});

/** Each name has a priority of its own: what comes of two that are alike is left open. */
export const clusterPolicy: fc.Arbitrary<ClusterPolicy> = fc.oneof(
  fc
    .tuple(fc.constantFrom("p", "q"), fc.record(rules("ports")))
    .map(([name, spec]) =>
      asClusterPolicy("AdminNetworkPolicy", name, { priority: name === "p" ? 5 : 9, ...spec }),
    ),
  fc.record(rules("ports")).map((spec) => asClusterPolicy("BaselineAdminNetworkPolicy", "default", spec)),
  fc
    .tuple(fc.constantFrom("p", "q"), fc.constantFrom("Admin", "Baseline"), fc.record(rules("protocols")))
    .map(([name, tier, spec]) =>
      asClusterPolicy("ClusterNetworkPolicy", name, { tier, priority: name === "p" ? 7 : 3, ...spec }),
    ),
);

export function asClusterPolicy(kind: string, name: string, spec: object): ClusterPolicy {
  const apiVersion = `policy.networking.k8s.io/${kind === "ClusterNetworkPolicy" ? "v1beta1" : "v1alpha1"}`;
  return { apiVersion, kind, metadata: { name, uid: `${kind}-${name}` }, spec } as ClusterPolicy;
}

/** Ours first. */
export const nodes = fc
  .tuple(labels, labels)
  .map((of) => of.map((labels, at) => ({ name: `n${at}`, labels, ip: `10.199.0.${at + 8}` })));
