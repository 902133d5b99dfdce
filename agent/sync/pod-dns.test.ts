import assert from "node:assert/strict";
import type { Pod } from "../../client/types.ts";
import { parseResolvConf } from "../dns/resolv-conf.ts";
import { podDns } from "./pod-dns.ts";

const pod = (spec: object) =>
  ({
    metadata: { namespace: "shop", name: "web", uid: "u1" },
    spec: { containers: [], ...spec },
  }) as unknown as Pod;
const cluster = { servers: ["10.96.0.10"], domain: "cluster.local", resolvConf: "/etc/resolv.conf" };
const node = parseResolvConf(
  "# a comment\nnameserver 192.0.2.53\nnameserver 192.0.2.54 \nsearch old.example\nsearch corp.example. .\noptions timeout:1 rotate\noptions timeout:2\n",
);
const own = ["shop.svc.cluster.local", "svc.cluster.local", "cluster.local"];
const inCluster = { servers: ["10.96.0.10"], searches: [...own, "corp.example"], options: ["ndots:5"] };
const asNode = {
  servers: ["192.0.2.53", "192.0.2.54"],
  searches: ["corp.example"],
  options: ["timeout:2", "rotate"],
};

describe("a pod's resolv.conf", () => {
  const rows: readonly (readonly [string, object, object])[] = [
    ["names the cluster's server and domains, then the node's, by default", {}, inCluster],
    ["names the cluster's server with ClusterFirst", { dnsPolicy: "ClusterFirst" }, inCluster],
    ["is the node's in the node's network", { dnsPolicy: "ClusterFirst", hostNetwork: true }, asNode],
    [
      "names the cluster's server there with ClusterFirstWithHostNet",
      { dnsPolicy: "ClusterFirstWithHostNet", hostNetwork: true },
      inCluster,
    ],
    ["is the node's with Default", { dnsPolicy: "Default" }, asNode],
    [
      "is the pod's own with None",
      {
        dnsPolicy: "None",
        dnsConfig: {
          nameservers: ["1.1.1.1"],
          searches: ["a.b"],
          options: [{ name: "ndots", value: "2" }, { name: "edns0" }],
        },
      },
      { servers: ["1.1.1.1"], searches: ["a.b"], options: ["ndots:2", "edns0"] },
    ],
    [
      "takes what the pod adds, each once, and the pod's value of an option",
      {
        dnsConfig: {
          nameservers: ["1.1.1.1", "10.96.0.10"],
          searches: ["a.b", "cluster.local"],
          options: [{ name: "ndots", value: "1" }, { name: "rotate" }],
        },
      },
      {
        servers: ["10.96.0.10", "1.1.1.1"],
        searches: [...own, "corp.example", "a.b"],
        options: ["ndots:1", "rotate"],
      },
    ],
  ];
  for (const [what, spec, expected] of rows)
    it(what, () => assert.deepEqual(podDns(pod(spec), cluster, node), { config: expected, warnings: [] }));

  it("is the node's, with a warning, where the cluster has no server", () => {
    const { config, warnings } = podDns(pod({}), { ...cluster, servers: [] }, node);
    assert.deepEqual(config, asNode);
    assert.deepEqual(warnings, [
      {
        reason: "MissingClusterDNS",
        message:
          'pod: "web_shop(u1)". kubelet does not have ClusterDNS IP configured and cannot create Pod using "ClusterFirst" policy. Falling back to "Default" policy.',
      },
    ]);
  });

  it("resolves nothing where the node has no file for pods", () => {
    const { config } = podDns(pod({ dnsPolicy: "Default" }), { ...cluster, resolvConf: "" }, node);
    assert.deepEqual(config, { servers: ["127.0.0.1"], searches: ["."], options: [] });
  });

  it("keeps to three servers, and says which", () => {
    const { config, warnings } = podDns(
      pod({ dnsConfig: { nameservers: ["1.1.1.1", "1.1.1.2", "1.1.1.3"] } }),
      cluster,
      node,
    );
    assert.deepEqual(config.servers, ["10.96.0.10", "1.1.1.1", "1.1.1.2"]);
    assert.deepEqual(warnings, [
      {
        reason: "DNSConfigForming",
        message:
          "Nameserver limits were exceeded, some nameservers have been omitted, the applied nameserver line is: 10.96.0.10 1.1.1.1 1.1.1.2",
      },
    ]);
  });

  it("keeps to 32 searched domains of 253 characters in 2048, and says which", () => {
    const many = podDns(
      pod({ dnsConfig: { searches: Array.from({ length: 40 }, (_, i) => `d${i}`) } }),
      cluster,
      node,
    );
    assert.equal(many.config.searches.length, 32);
    const long = podDns(pod({ dnsConfig: { searches: ["x".repeat(254), "short"] } }), cluster, node);
    assert.deepEqual(long.config.searches, [...own, "corp.example", "short"]);
    const wide = podDns(
      pod({ dnsConfig: { searches: Array.from({ length: 10 }, (_, i) => `${i}${"y".repeat(249)}`) } }),
      cluster,
      node,
    );
    assert.ok(wide.config.searches.join(" ").length <= 2048 && wide.config.searches.length === 4 + 7);
    for (const { warnings, config } of [many, long, wide])
      assert.deepEqual(warnings, [
        {
          reason: "DNSConfigForming",
          message: `Search Line limits were exceeded, some search paths have been omitted, the applied search line is: ${config.searches.join(" ")}`,
        },
      ]);
  });
});
