import assert from "node:assert/strict";
import { parse } from "yaml";
import { planClusterInfo, serverUrls } from "./plan-cluster-info.ts";

const facts = {
  servers: ["https://10.0.0.1:6443"],
  caPem: "PEM",
  podRanges: ["10.244.0.0/16"],
  serviceRanges: ["10.96.0.0/16"],
};

describe("by what a machine finds the cluster", () => {
  it("stand the servers, their authority and the ranges, and nobody's credentials", () => {
    const data = planClusterInfo(undefined, {
      ...facts,
      servers: [...facts.servers, "https://10.0.0.2:6443"],
    });
    const { clusters, users, contexts } = parse(data?.kubeconfig ?? "");
    assert.deepEqual(clusters, [
      {
        name: "",
        cluster: {
          server: "https://10.0.0.1:6443",
          servers: ["https://10.0.0.1:6443", "https://10.0.0.2:6443"],
          "certificate-authority-data": Buffer.from("PEM").toString("base64"),
        },
      },
    ]);
    assert.deepEqual([users, contexts], [[], []]);
    assert.equal(data?.["cluster-cidr"], "10.244.0.0/16");
    assert.equal(data?.["service-cluster-ip-range"], "10.96.0.0/16");
  });

  it("is written only where it changes, beside what others put there, and not before a server is known", () => {
    const first = planClusterInfo({ data: { "jws-kubeconfig-abcdef": "s" } }, facts);
    assert.equal(first?.["jws-kubeconfig-abcdef"], "s");
    assert.equal(planClusterInfo({ data: { ...first } }, facts), undefined);
    assert.ok(planClusterInfo({ data: { ...first } }, { ...facts, caPem: "NEW" }));
    assert.equal(planClusterInfo(undefined, { ...facts, servers: [] }), undefined);
  });

  it("names every endpoint of the API once, in order", () => {
    const subsets = [
      { addresses: [{ ip: "10.0.0.2" }, { ip: "10.0.0.1" }], ports: [{ port: 6443 }] },
      { addresses: [{ ip: "fd00::1" }, { ip: "10.0.0.1" }], ports: [{ port: 6443 }] },
    ];
    assert.deepEqual(serverUrls({ subsets }), [
      "https://10.0.0.1:6443",
      "https://10.0.0.2:6443",
      "https://[fd00::1]:6443",
    ]);
    assert.deepEqual(serverUrls(undefined), []);
  });
});
