import assert from "node:assert/strict";
import type { IpFamilyName } from "../../../base/ip-range.ts";
import { settleFamilies } from "./service-families.ts";

const [v4, v6]: IpFamilyName[] = ["IPv4", "IPv6"];
const both = [v4, v6] as IpFamilyName[];

describe("the families of a Service", () => {
  const settle = (spec: object, configured: readonly IpFamilyName[] = both, current?: object) => {
    const next = { type: "ClusterIP", selector: { app: "web" }, ...structuredClone(spec) } as Record<
      string,
      unknown
    >;
    const before = current && { type: "ClusterIP", selector: { app: "web" }, ...current };
    const problems = settleFamilies(next, before, configured).map(
      ({ field, message }) => `${field}: ${message}`,
    );
    return problems.length > 0 ? problems : [next.ipFamilyPolicy, ...(next.ipFamilies as string[])].join(" ");
  };

  it("are the cluster's first where nothing is said, and as many as the policy asks for", () => {
    assert.equal(settle({}), "SingleStack IPv4");
    assert.equal(settle({}, ["IPv6", "IPv4"]), "SingleStack IPv6");
    assert.equal(settle({ ipFamilies: ["IPv6"] }), "SingleStack IPv6");
    assert.equal(settle({ ipFamilyPolicy: "PreferDualStack" }), "PreferDualStack IPv4 IPv6");
    assert.equal(settle({ ipFamilyPolicy: "PreferDualStack" }, ["IPv4"]), "PreferDualStack IPv4");
    assert.equal(
      settle({ ipFamilyPolicy: "RequireDualStack", ipFamilies: ["IPv6"] }),
      "RequireDualStack IPv6 IPv4",
    );
  });

  it("follow from addresses that are given", () => {
    assert.equal(settle({ clusterIPs: ["fd00::9"] }), "SingleStack IPv6");
    assert.equal(
      settle({ clusterIPs: ["fd00::9", "10.0.0.9"], ipFamilyPolicy: "RequireDualStack" }),
      "RequireDualStack IPv6 IPv4",
    );
    assert.deepEqual(settle({ clusterIPs: ["fd00::9"] }, ["IPv4"]), [
      'spec.clusterIPs[0]: Invalid value: ["fd00::9"]: IPv6 is not configured on this cluster',
    ]);
  });

  it("are refused in Kubernetes' words where the cluster, or the policy, has them not", () => {
    assert.deepEqual(settle({ ipFamilies: ["IPv6"], ipFamilyPolicy: "RequireDualStack" }, ["IPv4"]), [
      'spec.ipFamilyPolicy: Invalid value: "RequireDualStack": this cluster is not configured for dual-stack services',
      'spec.ipFamilies[0]: Invalid value: "IPv6": not configured on this cluster',
    ]);
    assert.deepEqual(settle({ ipFamilies: both, clusterIPs: ["10.0.0.9", "fd00::9"] }), [
      `spec.ipFamilyPolicy: Invalid value: "SingleStack": must be 'RequireDualStack' or 'PreferDualStack' when multiple cluster IPs are specified`,
      `spec.ipFamilyPolicy: Invalid value: "SingleStack": must be 'RequireDualStack' or 'PreferDualStack' when multiple IP families are specified`,
    ]);
  });

  it("may be any of a headless Service without selector", () => {
    const anybodys = { clusterIP: "None", clusterIPs: ["None"], selector: {} };
    assert.equal(settle(anybodys, ["IPv4"]), "RequireDualStack IPv4 IPv6");
    assert.equal(settle({ ...anybodys, ipFamilies: ["IPv6"] }, ["IPv4"]), "RequireDualStack IPv6 IPv4");
    assert.equal(settle({ ...anybodys, ipFamilyPolicy: "SingleStack" }), "SingleStack IPv4");
  });

  it("become fewer by the policy alone, and not by leaving one out", () => {
    const dual = {
      ipFamilyPolicy: "RequireDualStack",
      ipFamilies: both,
      clusterIPs: ["10.0.0.9", "fd00::9"],
    };
    assert.equal(settle({ ...dual, ipFamilyPolicy: "SingleStack" }, both, dual), "SingleStack IPv4");
    assert.deepEqual(settle({ ...dual, clusterIPs: ["10.0.0.9"] }, both, dual), [
      `spec.ipFamilyPolicy: Invalid value: "RequireDualStack": must be 'SingleStack' to release the secondary cluster IP`,
    ]);
    assert.deepEqual(settle({ ...dual, ipFamilies: ["IPv4"] }, both, dual), [
      `spec.ipFamilyPolicy: Invalid value: "RequireDualStack": must be 'SingleStack' to release the secondary IP family`,
    ]);
  });

  it("stay what they are for a Service that takes what there is, when the cluster gets a second family", () => {
    const old = { ipFamilyPolicy: "PreferDualStack", ipFamilies: ["IPv4"], clusterIPs: ["10.0.0.9"] };
    assert.equal(settle(old, both, old), "PreferDualStack IPv4");
    assert.equal(
      settle({ ...old, ipFamilyPolicy: "RequireDualStack" }, both, old),
      "RequireDualStack IPv4 IPv6",
    );
  });
});
