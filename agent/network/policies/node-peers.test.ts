import assert from "node:assert/strict";
import { resources } from "../../../client/resources.ts";
import { ipFamilies } from "../ip-family.ts";
import { FixedInformers } from "../testing/fixed-informers.ts";
import { compileClusterPolicy } from "./compile-cluster-policy.ts";
import { NodePeers } from "./node-peers.ts";
import { PolicyTable } from "./policy-table.ts";
import { asClusterPolicy } from "./testing/tier-worlds.ts";

describe("nodes as peers of policies", () => {
  const informers = new FixedInformers();
  const node = (name: string, ...addresses: readonly string[]) => ({
    metadata: { name, uid: name, labels: {} },
    status: { addresses: addresses.map((address) => ({ type: "InternalIP", address })) },
  });
  const table = new PolicyTable();
  const nodes = informers.asFactory().informer(resources.nodes);
  const peers = new NodePeers(nodes, [{ family: ipFamilies[4], table }], () => undefined);
  const policy = compileClusterPolicy(
    asClusterPolicy("ClusterNetworkPolicy", "p", {
      tier: "Admin",
      priority: 1,
      subject: { namespaces: {} },
      egress: [{ action: "Deny", to: [{ nodes: {} }] }],
    }),
  );
  const known = () =>
    Object.entries(table.ruleset.whole().sets).flatMap(([name, { elements = [] }]) =>
      name.startsWith("peers-") ? elements.map(({ text }) => text) : [],
    );

  before(() => {
    table.putNamespace("ns", {});
    table.putSubject("s", { namespace: "ns", name: "s", labels: {}, addresses: ["10.198.1.2"], ports: [] });
  });

  it("are the addresses that they report, of the table's family, while a policy names nodes", () => {
    informers.set("nodes", [node("a", "10.0.0.1", "fd00::1", "127.0.0.1", "a.example", "10.0.0.1")]);
    peers.follow(table.namesNodes);
    table.putClusterPolicy(policy);
    assert.deepEqual(known(), []);
    peers.follow(table.namesNodes);
    assert.deepEqual(known(), ["10.0.0.1"]);
    informers.set("nodes", [node("a", "10.0.0.2"), node("b", "10.0.0.3")]);
    assert.deepEqual(known().sort(), ["10.0.0.2", "10.0.0.3"]);
    informers.set("nodes", [node("b", "10.0.0.3")]);
    assert.deepEqual(known(), ["10.0.0.3"]);
  });

  it("are forgotten when none does", () => {
    table.removeClusterPolicy(policy.id);
    peers.follow(table.namesNodes);
    informers.set("nodes", [node("c", "10.0.0.4")]);
    table.putClusterPolicy(policy);
    assert.deepEqual(known(), []);
    peers.follow(table.namesNodes);
    assert.deepEqual(known(), ["10.0.0.4"]);
  });
});
