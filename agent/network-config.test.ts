import assert from "node:assert/strict";
import { parseFlags } from "../base/os/flags.ts";
import { agentConfig, agentFlags } from "./flags.ts";
import { dnsPlaces, networkConfig } from "./network-config.ts";

describe("a node's network, as flags and the Node say", () => {
  const config = (...words: readonly string[]) =>
    agentConfig(parseFlags(agentFlags, ["--node-name=n", ...words]).flags);
  const bridge = { mode: "bridge", cni: undefined } as const;

  it("has the families of the ranges that the node was given", () => {
    const one = networkConfig(config("--service-cluster-ip-range=10.96.0.0/16"), {
      ...bridge,
      podCidrs: ["10.1.0.0/24"],
    });
    assert.equal(one.podCidr, "10.1.0.0/24");
    assert.equal(one.v6, undefined);
    assert.deepEqual(dnsPlaces(one).addresses, ["10.96.0.10"]);
    const both = networkConfig(
      config(
        "--node-ip=10.0.0.1,fd00::1",
        "--cluster-cidr=10.1.0.0/16,fd00:1::/48",
        "--service-cluster-ip-range=10.96.0.0/16,fd00:96::/112",
      ),
      { ...bridge, podCidrs: ["fd00:1:0:1::/64", "10.1.0.0/24"] },
    );
    assert.equal(both.podCidr, "10.1.0.0/24");
    assert.deepEqual(both.v6, {
      podCidr: "fd00:1:0:1::/64",
      nodeIp: "fd00::1",
      clusterCidr: "fd00:1::/48",
      serviceCidr: "fd00:96::/112",
      dnsAddress: "fd00:96::a",
    });
    assert.deepEqual(dnsPlaces(both), {
      addresses: ["10.96.0.10", "fd00:96::a"],
      ownRanges: ["10.1.0.0/16", "10.96.0.0/16", "fd00:1::/48", "fd00:96::/112"],
      clients: ["10.1.0.0/24", "fd00:1:0:1::/64"],
    });
  });

  it("is refused by name where there is IPv6 alone, or plain processes are to have it", () => {
    assert.throws(
      () => networkConfig(config(), { ...bridge, podCidrs: ["fd00:1::/64"] }),
      /no range of IPv4 addresses for pods, and IPv6 alone is not served/,
    );
    assert.throws(
      () =>
        networkConfig(config(), {
          mode: "loopback",
          cni: undefined,
          podCidrs: ["127.1.0.0/24", "fd00:1::/64"],
        }),
      /plain processes have addresses of IPv4 alone/,
    );
  });
});
