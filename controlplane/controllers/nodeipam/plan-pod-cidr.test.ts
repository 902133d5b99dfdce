import assert from "node:assert/strict";
import { parseIpv4Range } from "../../../base/ipv4.ts";
import { planPodCidr } from "./plan-pod-cidr.ts";

describe("controlplane/controllers/nodeipam", () => {
  const cluster = parseIpv4Range("10.244.0.0/22");
  it("gives the first free range, and none when all are taken", () => {
    assert.ok(cluster);
    assert.equal(planPodCidr(cluster, 24, []), "10.244.0.0/24");
    assert.equal(planPodCidr(cluster, 24, ["10.244.0.0/24", "10.244.2.0/24"]), "10.244.1.0/24");
    assert.equal(planPodCidr(cluster, 24, ["10.244.0.0/23"]), "10.244.2.0/24");
    assert.equal(planPodCidr(cluster, 24, ["10.244.0.0/22"]), undefined);
  });

  it("reads ranges strictly", () => {
    for (const bad of ["10.0.0.1/24", "10.0.0.0/33", "300.0.0.0/8", "10.0.0.0", "fd00::/8"])
      assert.equal(parseIpv4Range(bad), undefined, bad);
  });
});
