import fc from "fast-check";
import type { NetworkPolicy } from "../../../../client/types.ts";
import type { OraclePod } from "./oracle.ts";

/** Small clusters of few words, so that selectors often meet what they select. */

export const keys = ["a", "b"] as const;
export const values = ["1", "2"] as const;
export const namespaceNames = ["x", "y", "z"] as const;
export const portNumbers = [80, 81, 5353] as const;

export const labels = fc.dictionary(fc.constantFrom(...keys), fc.constantFrom(...values), { maxKeys: 2 });

export const selector = fc.oneof(
  { weight: 2, arbitrary: fc.constant({}) },
  { weight: 3, arbitrary: labels.map((matchLabels) => ({ matchLabels })) },
  {
    weight: 3,
    arbitrary: fc
      .array(
        fc.record({
          key: fc.constantFrom(...keys),
          operator: fc.constantFrom("In", "NotIn", "Exists", "DoesNotExist"),
          values: fc.subarray([...values], { minLength: 1 }),
        }),
        { minLength: 1, maxLength: 2 },
      )
      .map((all) => ({
        matchExpressions: all.map(({ key, operator, values }) =>
          operator.endsWith("In") ? { key, operator, values } : { key, operator },
        ),
      })),
  },
);

const cidr = fc.constantFrom(
  "0.0.0.0/0",
  "10.0.0.0/8",
  "10.198.0.0/16",
  "10.198.1.0/24",
  "10.198.1.2/31",
  "10.198.1.3/32",
  "10.198.2.0/25",
  "10.199.0.1/32",
  "10.198.1.77/24", // bits behind the prefix mean nothing
  "fd00::/8",
);

const peer = fc.oneof(
  selector.map((podSelector) => ({ podSelector })),
  selector.map((namespaceSelector) => ({ namespaceSelector })),
  fc.record({ podSelector: selector, namespaceSelector: selector }),
  fc.record({ cidr, except: fc.array(cidr, { maxLength: 3 }) }).map((ipBlock) => ({ ipBlock })),
);

const port = fc.oneof(
  fc.record({ protocol: fc.constantFrom("TCP", "UDP", "SCTP"), port: fc.constantFrom(...portNumbers) }),
  fc.record({ port: fc.constantFrom(...portNumbers) }),
  fc.record({ protocol: fc.constantFrom("TCP", "UDP", "SCTP") }),
  fc.record({ protocol: fc.constantFrom("TCP", "UDP"), port: fc.constantFrom("web", "dns") }),
  fc.record({ port: fc.constant(79), endPort: fc.constantFrom(80, 81, 65_535) }),
);

const rule = (peers: "from" | "to") =>
  fc.record(
    { [peers]: fc.array(peer, { maxLength: 2 }), ports: fc.array(port, { maxLength: 2 }) },
    { requiredKeys: [] },
  );

export const policySpec = fc.record(
  {
    podSelector: selector,
    policyTypes: fc.subarray(["Ingress", "Egress"]),
    ingress: fc.array(rule("from"), { maxLength: 2 }),
    egress: fc.array(rule("to"), { maxLength: 2 }),
  },
  { requiredKeys: ["podSelector"] },
);

export const policy = fc
  .record({
    namespace: fc.constantFrom(...namespaceNames),
    name: fc.constantFrom("p", "q"),
    spec: policySpec,
  })
  .map(({ namespace, name, spec }) => asPolicy(namespace, name, spec));

export function asPolicy(namespace: string, name: string, spec: object): NetworkPolicy {
  const metadata = { namespace, name, uid: `${namespace}-${name}` };
  return { apiVersion: "networking.k8s.io/v1", kind: "NetworkPolicy", metadata, spec } as NetworkPolicy;
}

const namedPort = fc.record({
  name: fc.constantFrom("web", "dns"),
  protocol: fc.constantFrom("TCP", "UDP"),
  containerPort: fc.constantFrom(...portNumbers),
});

/** The pod's place in the cluster stands in its address: `1` is our node. */
export const podAt = (node: 1 | 2, at: number): fc.Arbitrary<OraclePod> =>
  fc.record({
    namespace: fc.constantFrom(...namespaceNames),
    labels,
    ip: fc.constant(`10.198.${node}.${at + 2}`),
    ports: fc.array(namedPort, { maxLength: 2 }),
  });

export const namespaces = fc.record(
  Object.fromEntries(namespaceNames.map((name) => [name, labels])) as Record<string, typeof labels>,
);
