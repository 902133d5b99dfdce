import assert from "node:assert/strict";
import { familyFlags } from "./family-flags.ts";

describe("flags with a value for each family", () => {
  const read = (given: Partial<Parameters<typeof familyFlags>[0]>) => {
    const problems: string[] = [];
    const none = { "node-ip": undefined, "pod-cidr": undefined, "cluster-cidr": undefined };
    const found = familyFlags({ ...none, "service-cluster-ip-range": undefined, ...given }, problems);
    return problems.length > 0 ? problems : found;
  };

  it("are IPv4's alone, or both, written in one way", () => {
    const v4 = { nodeIp: undefined, podCidr: undefined, clusterCidr: undefined, serviceCidr: undefined };
    assert.deepEqual(read({}), { v4, v6: undefined });
    assert.deepEqual(read({ "cluster-cidr": "10.1.2.3/16" }), {
      v4: { ...v4, clusterCidr: "10.1.0.0/16" },
      v6: undefined,
    });
    assert.deepEqual(read({ "node-ip": "10.0.0.1,FD00:0::1", "pod-cidr": "10.1.0.0/24" }), {
      v4: { ...v4, nodeIp: "10.0.0.1", podCidr: "10.1.0.0/24" },
      v6: { ...v4, nodeIp: "fd00::1" },
    });
    // Plugins' pods may have no other.
    assert.deepEqual(read({ "node-ip": "fd00::1" }), { v4: { ...v4, nodeIp: "fd00::1" }, v6: undefined });
  });

  it("are refused by name where they are anything else", () => {
    for (const [flag, text, why] of [
      ["node-ip", "host", /--node-ip: "host" is not an IP address/],
      ["node-ip", "10.0.0.1,10.0.0.2", /"10\.0\.0\.2" is not a second address, of IPv6/],
      ["node-ip", "fd00::1,10.0.0.1", /"fd00::1" is of IPv6: IPv4 comes first/],
      [
        "pod-cidr",
        "fd00::/64",
        /--pod-cidr: "fd00::\/64" is of IPv6: IPv4 comes first, and is not done without/,
      ],
      ["cluster-cidr", "10.0.0.0", /"10\.0\.0\.0" is not a range of addresses/],
      ["service-cluster-ip-range", "10.96.0.0/16,fd00::1", /"fd00::1" is not a second range, of IPv6/],
      ["cluster-cidr", "10.0.0.0/8,fd00::/48,fd01::/48", /is more than one of each family/],
    ] as const) {
      const problems = read({ [flag]: text });
      assert.ok(Array.isArray(problems), text);
      assert.match(problems.join("\n"), why);
    }
  });
});
