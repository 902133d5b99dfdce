import assert from "node:assert/strict";
import type { Service } from "../types.ts";
import { announcementLease, isAnnouncementLease, poolAddressesOf } from "./load-balancer.ts";

describe("load balancers without a cloud", () => {
  it("have a Lease for each address, of which no name is written in two ways, nor refused", () => {
    for (const [address, name] of [
      ["10.9.0.1", "pintle-load-balancer-10.9.0.1"],
      ["fd00::", "pintle-load-balancer-fd00-0-0-0-0-0-0-0"],
      ["FD00:0::1:ff", "pintle-load-balancer-fd00-0-0-0-0-0-1-ff"],
    ] as const) {
      assert.equal(announcementLease(address), name);
      assert.match(name, /^[a-z0-9]([-a-z0-9.]*[a-z0-9])?$/);
      assert.ok(isAnnouncementLease(name));
    }
  });

  it("have the addresses that were given to them, and none that somebody else put there", () => {
    const service = (message: string, ...ips: string[]) =>
      ({
        spec: { type: "LoadBalancer" },
        status: {
          loadBalancer: { ingress: ips.map((ip) => ({ ip })) },
          conditions: [{ type: "pintle.dev/NodesBalance", status: "True", reason: "PoolAddress", message }],
        },
      }) as unknown as Service;
    assert.deepEqual(poolAddressesOf(service("10.9.0.1, fd00::1", "10.9.0.1", "fd00::1", "10.9.0.2")), [
      "10.9.0.1",
      "fd00::1",
    ]);
    assert.deepEqual(poolAddressesOf(service("10.9.0.1", "10.9.0.2")), []);
  });
});
