import assert from "node:assert/strict";
import type { EndpointSlice, Endpoints, KubeObject, Pod, Service } from "../../../client/types.ts";
import type { Kind } from "../registry/kind.ts";
import { endpointSlices, endpoints } from "./endpoints.ts";
import { pods } from "./pods.ts";
import { services } from "./services.ts";

const form = "must be a valid IP address, (e.g. 10.9.8.7 or 2001:db8::ffff)";
const hostile = "10.0.0.1\nflush ruleset";
const quoted = JSON.stringify(hostile);

function made(kind: Kind, fields: object): KubeObject {
  const metadata = { name: "x", namespace: "default", uid: "u" };
  const object = structuredClone({ metadata, ...fields }) as unknown as KubeObject;
  kind.applyDefaults(object);
  kind.prepareForCreate?.(object);
  return object;
}
const texts = (found: readonly { readonly field: string; readonly message: string }[]) =>
  found.map(({ field, message }) => `${field}: ${message}`);
const problems = (kind: Kind, fields: object, facts?: { loopbackEndpoints: boolean }) =>
  texts(kind.validate(made(kind, fields), facts));
const ports = [{ port: 80 }];
const service = (spec: Partial<Service["spec"]>) => problems(services, { spec: { ports, ...spec } });
const update = (from: Partial<Service["spec"]>, to: Partial<Service["spec"]>) => {
  const current = made(services, { spec: { ports, clusterIP: "10.0.0.9", ...from } });
  const next = made(services, { spec: { ports, ...to } });
  services.prepareForUpdate?.(next, current);
  return {
    spec: next.spec as Service["spec"],
    problems: texts([...services.validate(next), ...(services.validateUpdate?.(next, current) ?? [])]),
  };
};

describe("a Service's addresses", () => {
  it("are addresses, in Kubernetes' words", () => {
    assert.deepEqual(service({ clusterIP: hostile }), [
      `spec.clusterIPs[0]: Invalid value: ${quoted}: ${form}`,
    ]);
    assert.deepEqual(service({ externalIPs: ["203.0.113.7", hostile, "127.0.0.1", "010.0.0.1"] }), [
      `spec.externalIPs[1]: Invalid value: ${quoted}: ${form}`,
      'spec.externalIPs[2]: Invalid value: "127.0.0.1": may not be in the loopback range (127.0.0.0/8, ::1/128)',
      'spec.externalIPs[3]: Invalid value: "010.0.0.1": must not have leading 0s',
    ]);
    assert.deepEqual(
      service({ type: "LoadBalancer", loadBalancerSourceRanges: [" 10.0.0.0/8 ", "10.0.0.1/8"] }),
      [
        'spec.LoadBalancerSourceRanges[1]: Invalid value: "10.0.0.1/8": must not have bits set beyond the prefix length',
      ],
    );
  });
  it("that older rules took may stay in an update that leaves them alone, and nowhere else", () => {
    const old = {
      clusterIP: "010.0.0.9",
      clusterIPs: ["010.0.0.9"],
      externalIPs: ["203.0.113.007"],
      type: "LoadBalancer",
      loadBalancerSourceRanges: ["10.0.0.1/8"],
    } as const;
    const stored = () => ({ ...structuredClone(old), ports }) as unknown as Service["spec"];
    const status = { loadBalancer: { ingress: [{ ip: "203.0.113.008" }] } };
    const fault = (to: object, nextStatus: object = status) => {
      const current = { ...made(services, { spec: stored() }), status };
      const next = {
        ...made(services, { spec: { ...stored(), ...to } }),
        status: structuredClone(nextStatus),
      };
      services.applyDefaults(current);
      services.applyDefaults(next);
      return texts(services.validate(next, undefined, current)).map((text) =>
        text.slice(0, text.indexOf(":")),
      );
    };
    assert.deepEqual(fault({ sessionAffinity: "None" }), []);
    assert.deepEqual(fault({ externalIPs: ["203.0.113.007", "203.0.113.09"] }), ["spec.externalIPs[1]"]);
    assert.deepEqual(fault({ loadBalancerSourceRanges: [" 10.0.0.1/8", "10.0.0.2/8"] }), [
      "spec.LoadBalancerSourceRanges[1]",
    ]);
    assert.deepEqual(fault({ clusterIP: "010.0.0.8", clusterIPs: ["010.0.0.8"] }), ["spec.clusterIPs[0]"]);
    assert.deepEqual(fault({}, { loadBalancer: { ingress: [{ ip: "203.0.113.010" }] } }), [
      "status.loadBalancer.ingress[0].ip",
    ]);
    assert.equal(texts(services.validate(made(services, { spec: stored() }))).length, 3);
  });
  it("hang together", () => {
    assert.deepEqual(service({ clusterIP: "10.0.0.1", clusterIPs: ["10.0.0.2"] }), [
      'spec.clusterIPs: Invalid value: ["10.0.0.2"]: first value must match `clusterIP`',
    ]);
    assert.deepEqual(service({ clusterIPs: ["10.0.0.2"] }), [
      'spec.clusterIPs: Invalid value: ["10.0.0.2"]: must be empty when `clusterIP` is not specified',
    ]);
    assert.deepEqual(service({ clusterIP: "10.0.0.1", clusterIPs: ["10.0.0.1", "10.0.0.2"] }), [
      'spec.clusterIPs: Invalid value: ["10.0.0.1","10.0.0.2"]: may specify no more than one IP for each IP family',
    ]);
    assert.deepEqual(service({ ipFamilies: ["IPv6", "IPv6"], ipFamilyPolicy: "Both" }), [
      'spec.ipFamilies[1]: Duplicate value: "IPv6"',
      'spec.ipFamilyPolicy: Unsupported value: "Both": supported values: "PreferDualStack", "RequireDualStack", "SingleStack"',
    ]);
    assert.deepEqual(service({ clusterIP: "None", ipFamilies: ["IPv6"] }), []);
  });
  it("of a load balancer are addresses too, virtual ones where nothing is said", () => {
    const withIngress = (ingress: object[]) => {
      const object = made(services, { spec: { type: "LoadBalancer", ports } });
      object.status = { loadBalancer: { ingress } };
      services.applyDefaults(object);
      return { object, problems: texts(services.validate(object)) };
    };
    const fine = withIngress([{ ip: "203.0.113.9" }]);
    assert.deepEqual(fine.problems, []);
    assert.deepEqual((fine.object as unknown as Service).status?.loadBalancer?.ingress, [
      { ip: "203.0.113.9", ipMode: "VIP" },
    ]);
    assert.deepEqual(withIngress([{ ip: hostile }, { hostname: "10.0.0.1" }]).problems, [
      `status.loadBalancer.ingress[0].ip: Invalid value: ${quoted}: ${form}`,
      'status.loadBalancer.ingress[1].hostname: Invalid value: "10.0.0.1": must be a DNS name, not an IP address',
    ]);
  });
});

describe("a Service's traffic policies", () => {
  it("are for Services that can be reached from outside", () => {
    assert.deepEqual(service({ externalTrafficPolicy: "Local" }), [
      'spec.externalTrafficPolicy: Invalid value: "Local": may only be set for externally-accessible services',
    ]);
    assert.deepEqual(service({ externalTrafficPolicy: "Local", externalIPs: ["203.0.113.7"] }), []);
    assert.deepEqual(service({ type: "NodePort", healthCheckNodePort: 31_000 }), [
      "spec.healthCheckNodePort: Invalid value: 31000: may only be set when `type` is 'LoadBalancer' and `externalTrafficPolicy` is 'Local'",
    ]);
    assert.deepEqual(
      service({ type: "NodePort", externalTrafficPolicy: "Nearby", internalTrafficPolicy: "Near" }),
      [
        'spec.externalTrafficPolicy: Unsupported value: "Nearby": supported values: "Cluster", "Local"',
        'spec.internalTrafficPolicy: Unsupported value: "Near": supported values: "Cluster", "Local"',
      ],
    );
    assert.deepEqual(
      service({ allocateLoadBalancerNodePorts: false, loadBalancerSourceRanges: ["10.0.0.0/8"] }),
      [
        "spec.LoadBalancerSourceRanges: Forbidden: may only be used when `type` is 'LoadBalancer'",
        "spec.allocateLoadBalancerNodePorts: Forbidden: may only be used when `type` is 'LoadBalancer'",
      ],
    );
  });
  it("are Cluster where nothing is said, also for external addresses alone", () => {
    const policy = (spec: object) =>
      (made(services, { spec: { ports, ...spec } }).spec as Service["spec"]).externalTrafficPolicy;
    assert.equal(policy({ externalIPs: ["203.0.113.7"] }), "Cluster");
    assert.equal(policy({ type: "NodePort" }), "Cluster");
    assert.equal(policy({}), undefined);
  });
  it("keep the health check port through updates, and let nobody change it", () => {
    const local = { type: "LoadBalancer", externalTrafficPolicy: "Local", healthCheckNodePort: 31_000 };
    const { healthCheckNodePort: _, ...unnamed } = local;
    assert.deepEqual(update(local, unnamed).problems, []);
    assert.equal(update(local, unnamed).spec.healthCheckNodePort, 31_000);
    assert.deepEqual(update(local, { ...local, healthCheckNodePort: 31_001 }).problems, [
      "spec.healthCheckNodePort: Forbidden: field is immutable",
    ]);
    const opened = update(local, { ...local, externalTrafficPolicy: "Cluster" });
    assert.deepEqual([opened.problems, opened.spec.healthCheckNodePort], [[], undefined]);
  });
  it("go with the external addresses that they were for", () => {
    const to = update({ externalIPs: ["203.0.113.7"] }, { externalTrafficPolicy: "Cluster" });
    assert.deepEqual([to.problems, to.spec.externalTrafficPolicy], [[], undefined]);
  });
});

describe("addresses of endpoints", () => {
  const slice = (addressType: string, address: string, more: Partial<EndpointSlice> = {}) => ({
    addressType,
    endpoints: [{ addresses: [address] }],
    ...more,
  });
  it("in slices are of the slice's type, in Kubernetes' words", () => {
    const field = "endpoints[0].addresses";
    const cases: readonly [string, string, string][] = [
      ["IPv4", hostile, `${field}[0]: Invalid value: ${quoted}: ${form}`],
      ["IPv4", "2001:db8::1", `${field}: Invalid value: "2001:db8::1": must be an IPv4 address`],
      [
        "IPv4",
        "127.0.0.1",
        `${field}[0]: Invalid value: "127.0.0.1": may not be in the loopback range (127.0.0.0/8, ::1/128)`,
      ],
      ["IPv6", "10.0.0.1", `${field}: Invalid value: "10.0.0.1": must be an IPv6 address`],
      [
        "IPv6",
        "2001:DB8::1",
        `${field}[0]: Invalid value: "2001:DB8::1": must be in canonical form ("2001:db8::1")`,
      ],
      [
        "FQDN",
        "local",
        `${field}[0]: Invalid value: "local": should be a domain with at least two segments separated by dots`,
      ],
    ];
    for (const [type, address, text] of cases)
      assert.deepEqual(problems(endpointSlices, slice(type, address)), [text]);
    assert.deepEqual(problems(endpointSlices, slice("FQDN", "example.com.")), []);
    assert.deepEqual(problems(endpointSlices, slice("IPv4", "127.0.0.1"), { loopbackEndpoints: true }), []);
    const odd = slice("IPv4", "10.0.0.1", { ports: [{ name: "A", port: 80, protocol: "ICMP" }] });
    assert.equal(problems(endpointSlices, odd).length, 2);
  });
  it("in Endpoints are addresses, and names names", () => {
    const subset = (fields: object): Partial<Endpoints> => ({ subsets: [{ ...fields }] });
    assert.deepEqual(
      problems(endpoints, subset({ notReadyAddresses: [{ ip: hostile, hostname: "A" }] })).slice(0, 1),
      [`subsets[0].notReadyAddresses[0].ip: Invalid value: ${quoted}: ${form}`],
    );
    assert.deepEqual(
      problems(
        endpoints,
        subset({ addresses: [{ ip: "169.254.169.254" }], ports: [{ port: 80 }, { port: 81 }] }),
      ),
      [
        'subsets[0].addresses[0].ip: Invalid value: "169.254.169.254": may not be in the link-local range (169.254.0.0/16, fe80::/10)',
        "subsets[0].ports[0].name: Required value",
        "subsets[0].ports[1].name: Required value",
      ],
    );
  });
});

describe("a pod's addresses", () => {
  it("are addresses: host ports', host aliases', name servers'", () => {
    const spec: Partial<Pod["spec"]> = {
      containers: [{ name: "c", image: "i", ports: [{ containerPort: 80, hostPort: 80, hostIP: hostile }] }],
      hostAliases: [{ ip: hostile, hostnames: ["a\nb"] }],
      dnsConfig: { nameservers: [hostile] },
    };
    assert.deepEqual(
      problems(pods, { spec }).map((text) => text.slice(0, text.indexOf(": "))),
      [
        "spec.containers[0].ports[0].hostIP",
        "spec.dnsConfig.nameservers[0]",
        "spec.hostAliases[0].ip",
        "spec.hostAliases[0].hostnames[0]",
      ],
    );
    const fine = { containers: [{ name: "c", image: "i", ports: [{ containerPort: 80, hostIP: "::1" }] }] };
    assert.deepEqual(problems(pods, { spec: fine }), []);
  });
});

describe("a pod's sysctls", () => {
  const of = (...names: string[]) =>
    problems(pods, {
      spec: {
        containers: [{ name: "c", image: "i" }],
        securityContext: { sysctls: names.map((name) => ({ name, value: "1" })) },
      },
    });

  it("have well-formed names, each once", () => {
    const at = "spec.securityContext.sysctls";
    const text =
      "must have at most 253 characters and match regex " +
      "^([a-z0-9]([-_a-z0-9]*[a-z0-9])?[\\./])*[a-z0-9]([-_a-z0-9]*[a-z0-9])?$";
    assert.deepEqual(of("net.ipv4/../../kernel.core_pattern", "", "kernel.msgmax", "kernel.msgmax"), [
      `${at}[0].name: Invalid value: "net.ipv4/../../kernel.core_pattern": ${text}`,
      `${at}[1].name: Required value`,
      `${at}[3].name: Duplicate value: "kernel.msgmax"`,
    ]);
    assert.equal(of(`a.${"b".repeat(252)}`).length, 1);
    assert.deepEqual(of("net.ipv4.ip_local_port_range", "net/ipv4/conf/eth0.1/rp_filter"), []);
  });
});

describe("endpoints that older rules took", () => {
  it("may stay in an update that leaves all of them alone", () => {
    const subsets = [{ addresses: [{ ip: "10.0.0.01" }], ports }];
    const slice = { addressType: "IPv4", endpoints: [{ addresses: ["10.0.0.01"] }], ports: [] };
    const more = { addresses: ["10.0.0.2"] };
    for (const [kind, old, changed] of [
      [endpoints, { subsets }, { subsets: [...subsets, { addresses: [{ ip: "10.0.0.2" }], ports }] }],
      [endpointSlices, slice, { ...slice, endpoints: [...slice.endpoints, more] }],
    ] as const) {
      const current = made(kind, old);
      assert.deepEqual(texts(kind.validate(made(kind, old), undefined, current)), []);
      assert.match(texts(kind.validate(made(kind, changed), undefined, current)).join(), /leading 0s/);
      assert.match(texts(kind.validate(made(kind, old))).join(), /leading 0s/);
    }
  });
});
