import assert from "node:assert/strict";
import fc from "fast-check";
import type { ClusterPolicy } from "../../../client/cluster-policies.ts";
import type { NetworkPolicy } from "../../../client/types.ts";
import { changeText, type Ruleset, type RulesetChange } from "../nft-ruleset.ts";
import { nft } from "../nft-text.ts";
import { compileClusterPolicy } from "./compile-cluster-policy.ts";
import { compilePolicy } from "./compile-policy.ts";
import type { PolicyPod, Protocol } from "./policy-model.ts";
import { PolicyTable } from "./policy-table.ts";
import type { OracleParty, OraclePod } from "./testing/oracle.ts";
import { isLetThrough } from "./testing/table-verdict.ts";
import { isTierSideAllowed, type TierWorld } from "./testing/tier-oracle.ts";
import { asClusterPolicy, clusterPolicy, nodes } from "./testing/tier-worlds.ts";
import {
  asPolicy,
  labels,
  namespaceNames,
  namespaces,
  podAt,
  policy,
  portNumbers,
} from "./testing/worlds.ts";

const asPod = ({ namespace, labels, ip, ports }: OraclePod): PolicyPod => ({
  namespace,
  name: ip,
  labels,
  addresses: [ip],
  ports: ports.map(({ name, protocol, containerPort }) => ({
    name,
    protocol: protocol.toLowerCase() as Protocol,
    port: containerPort,
  })),
});

interface World extends TierWorld {
  readonly here: readonly OraclePod[];
  readonly elsewhere: readonly OraclePod[];
}

const world: fc.Arbitrary<World> = fc.record({
  policies: fc.uniqueArray(policy, { maxLength: 4, selector: ({ metadata }) => metadata.uid }),
  clusterPolicies: fc.uniqueArray(clusterPolicy, { maxLength: 3, selector: ({ metadata }) => metadata.uid }),
  nodes,
  namespaces,
  here: fc.tuple(podAt(1, 0), podAt(1, 1), podAt(1, 2)),
  elsewhere: fc.tuple(podAt(2, 0), podAt(2, 1)),
});

function tableOf({ policies, clusterPolicies, nodes, namespaces, here, elsewhere }: World): PolicyTable {
  const table = new PolicyTable();
  for (const pod of here) table.putSubject(pod.ip, asPod(pod));
  for (const pod of elsewhere) table.putPeer(pod.ip, asPod(pod));
  for (const [name, of] of Object.entries(namespaces)) table.putNamespace(name, of);
  for (const one of policies) table.putPolicy(compilePolicy(one));
  for (const { name, labels, ip } of nodes) table.putNode(name, labels, [ip]);
  for (const one of clusterPolicies) table.putClusterPolicy(compileClusterPolicy(one));
  return table;
}

/** Every pair with a pod of this node in it, at every port by every protocol. Each node judges its own pods' side. */
function assertTruth(ruleset: Ruleset, { here, elsewhere, ...known }: World): void {
  const [ownNode, ...otherNodes] = known.nodes;
  const everybody: readonly OracleParty[] = [
    ...here,
    ...elsewhere,
    { ip: "10.199.0.1" },
    ...otherNodes.map(({ ip }) => ({ ip })),
  ];
  const isOurs = (party: OracleParty) => here.some(({ ip }) => ip === party.ip);
  const check = (from: OracleParty, to: OracleParty, hook: "forward" | "own-node") => {
    const isOwn = from.ip === to.ip || hook === "own-node";
    for (const protocol of ["TCP", "UDP", "SCTP", "ICMP"])
      for (const port of protocol === "ICMP" ? [0] : [...portNumbers, 82]) {
        const traffic = { from, to, protocol, port };
        const wanted =
          (!isOurs(from) || isTierSideAllowed(known, traffic, { side: "Egress", isOwn })) &&
          (!isOurs(to) || isTierSideAllowed(known, traffic, { side: "Ingress", isOwn }));
        const packet = { from: from.ip, to: to.ip, protocol: protocol.toLowerCase(), port };
        if (isLetThrough(ruleset, packet, hook) !== wanted)
          assert.fail(`${from.ip} to ${to.ip} ${protocol} ${port}: wanted ${wanted}, the table does not`);
      }
  };
  for (const from of everybody) for (const to of everybody) check(from, to, "forward");
  if (ownNode !== undefined) for (const from of here) check(from, { ip: ownNode.ip }, "own-node");
}

describe("a table of network policies", () => {
  it("says of every pair of pods what the specification says", () => {
    fc.assert(
      fc.property(world, (one) => assertTruth(tableOf(one).ruleset.whole(), one)),
      { numRuns: 60, endOnFailure: true },
    );
  });

  type Step =
    | { readonly do: "policy"; readonly policy: NetworkPolicy; readonly isGone: boolean }
    | { readonly do: "cluster policy"; readonly policy: ClusterPolicy; readonly isGone: boolean }
    | { readonly do: "here" | "elsewhere"; readonly pod: OraclePod; readonly isGone: boolean }
    | { readonly do: "namespace"; readonly name: string; readonly labels: Record<string, string> };
  const isGone = fc.boolean();
  const step: fc.Arbitrary<Step> = fc.oneof(
    fc.record({ do: fc.constant("policy" as const), policy, isGone }),
    fc.record({ do: fc.constant("cluster policy" as const), policy: clusterPolicy, isGone }),
    fc.record({ do: fc.constant("here" as const), pod: fc.nat(2).chain((at) => podAt(1, at)), isGone }),
    fc.record({ do: fc.constant("elsewhere" as const), pod: fc.nat(2).chain((at) => podAt(2, at)), isGone }),
    fc.record({ do: fc.constant("namespace" as const), name: fc.constantFrom(...namespaceNames), labels }),
  );

  it("says the same however it came to be, and its changes add up to it", () => {
    fc.assert(
      fc.property(
        fc.array(step, { maxLength: 40 }),
        fc.array(fc.boolean(), { maxLength: 40 }),
        (steps, taken) => {
          const table = new PolicyTable();
          const policies = new Map<string, NetworkPolicy>();
          const clusterPolicies = new Map<string, ClusterPolicy>();
          const pods = { here: new Map<string, OraclePod>(), elsewhere: new Map<string, OraclePod>() };
          const labelsOf: Record<string, Record<string, string>> = {};
          for (const name of namespaceNames) {
            table.putNamespace(name, {});
            labelsOf[name] = {};
          }
          let kernel = applied({ chains: {}, maps: {}, sets: {} }, table.ruleset.takeChange());
          for (const [at, one] of steps.entries()) {
            if (one.do === "policy") {
              const compiled = compilePolicy(one.policy);
              if (one.isGone) table.removePolicy(compiled.id);
              else table.putPolicy(compiled);
              if (one.isGone) policies.delete(compiled.id);
              else policies.set(compiled.id, one.policy);
            } else if (one.do === "cluster policy") {
              const compiled = compileClusterPolicy(one.policy);
              if (one.isGone) table.removeClusterPolicy(compiled.id);
              else table.putClusterPolicy(compiled);
              if (one.isGone) clusterPolicies.delete(compiled.id);
              else clusterPolicies.set(compiled.id, one.policy);
            } else if (one.do === "namespace") {
              table.putNamespace(one.name, one.labels);
              labelsOf[one.name] = one.labels;
            } else {
              const { ip } = one.pod;
              if (one.isGone) pods[one.do].delete(ip);
              else pods[one.do].set(ip, one.pod);
              if (one.do === "here" && one.isGone) table.removeSubject(ip);
              else if (one.do === "here") table.putSubject(ip, asPod(one.pod));
              else if (one.isGone) table.removePeer(ip);
              else table.putPeer(ip, asPod(one.pod));
            }
            if (taken[at]) kernel = applied(kernel, table.ruleset.takeChange());
          }
          kernel = applied(kernel, table.ruleset.takeChange());
          const now: World = {
            policies: [...policies.values()],
            clusterPolicies: [...clusterPolicies.values()],
            nodes: [],
            namespaces: labelsOf,
            here: [...pods.here.values()],
            elsewhere: [...pods.elsewhere.values()],
          };
          assert.deepEqual(shown(kernel), shown(tableOf(now).ruleset.whole()));
          assertTruth(kernel, now);
        },
      ),
      { numRuns: 60, endOnFailure: true },
    );
  });

  it("is as it was at first once all is gone", () => {
    fc.assert(
      fc.property(world, (one) => {
        const table = tableOf(one);
        for (const { ip } of one.here) table.removeSubject(ip);
        for (const { ip } of one.elsewhere) table.removePeer(ip);
        for (const { metadata } of one.policies) table.removePolicy(`${metadata.namespace}/${metadata.name}`);
        for (const policy of one.clusterPolicies) table.removeClusterPolicy(compileClusterPolicy(policy).id);
        for (const { name } of one.nodes) table.removeNode(name);
        for (const name of Object.keys(one.namespaces)) table.removeNamespace(name);
        assert.deepEqual(shown(table.ruleset.whole()), shown(new PolicyTable().ruleset.whole()));
      }),
    );
  });

  it("gives an address to the sandbox that had it last, and takes it from that one only", () => {
    const table = new PolicyTable();
    const deny = (name: string) =>
      compilePolicy(asPolicy("x", name, { podSelector: { matchLabels: { app: name } } }));
    table.putPolicy(deny("closed"));
    const pod = (app: string): PolicyPod => ({
      namespace: "x",
      name: app,
      labels: { app },
      addresses: ["10.198.1.9"],
      ports: [],
    });
    const isOpen = () =>
      isLetThrough(table.ruleset.whole(), {
        from: "10.198.2.2",
        to: "10.198.1.9",
        protocol: "tcp",
        port: 80,
      });
    table.putSubject("old", pod("closed"));
    assert.equal(isOpen(), false);
    table.putSubject("new", pod("open"));
    assert.equal(isOpen(), true);
    table.removeSubject("old");
    assert.equal(isOpen(), true);
    table.putSubject("next", pod("closed"));
    table.removeSubject("new");
    assert.equal(isOpen(), false);
  });

  it("changes one element of one set when a pod of another node comes, however many there are", () => {
    const table = new PolicyTable();
    table.putNamespace("x", {});
    const allow = { ingress: [{ from: [{ podSelector: { matchLabels: { a: "1" } } }] }] };
    table.putPolicy(compilePolicy(asPolicy("x", "p", { podSelector: {}, ...allow })));
    const pod = (ip: string, a: string): PolicyPod => ({
      namespace: "x",
      name: ip,
      labels: { a },
      addresses: [ip],
      ports: [],
    });
    table.putSubject("s", pod("10.198.1.2", "2"));
    for (let at = 0; at < 5_000; at++) table.putPeer(`${at}`, pod(`10.197.${at >> 8}.${at & 255}`, "1"));
    table.ruleset.takeChange();
    table.putPeer("late", pod("10.196.0.1", "1"));
    table.putPeer("other", pod("10.196.0.2", "2"));
    const text = changeText(nft`ip t`, table.ruleset.takeChange());
    assert.match(text, /^add element ip t peers-\w+ \{ 10\.196\.0\.1 \}\n$/);
    table.removePeer("late");
    assert.match(
      changeText(nft`ip t`, table.ruleset.takeChange()),
      /^delete element ip t peers-\w+ \{ 10\.196\.0\.1 \}\n$/,
    );
    table.putPeer("1", pod("10.197.0.1", "1"));
    assert.equal(changeText(nft`ip t`, table.ruleset.takeChange()), "", "nothing that matters changed");
  });

  it("judges pods anew when their namespace's labels say that another policy of the cluster is for them", () => {
    const table = new PolicyTable();
    table.putSubject("s", { namespace: "x", name: "s", labels: {}, addresses: ["10.198.1.2"], ports: [] });
    const subject = { namespaces: { matchLabels: { a: "1" } } };
    const ingress = [{ action: "Deny", from: [{ namespaces: {} }] }];
    const spec = { tier: "Admin", priority: 1, subject, ingress };
    table.putClusterPolicy(compileClusterPolicy(asClusterPolicy("ClusterNetworkPolicy", "p", spec)));
    table.putPeer("far", { namespace: "x", name: "far", labels: {}, addresses: ["10.198.2.2"], ports: [] });
    const packet = { from: "10.198.2.2", to: "10.198.1.2", protocol: "tcp", port: 80 };
    const isOpen = () => isLetThrough(table.ruleset.whole(), packet);
    assert.ok(isOpen() && !table.knowsNamespace("x"));
    for (const [labels, open] of [
      [{ a: "1" }, false],
      [{ a: "2" }, true],
      [{ a: "1", b: "1" }, false],
    ] as const) {
      table.putNamespace("x", labels);
      assert.equal(isOpen(), open, JSON.stringify(labels));
    }
    table.putClusterPolicy(
      compileClusterPolicy(
        asClusterPolicy("ClusterNetworkPolicy", "p", {
          ...spec,
          subject: { namespaces: { matchLabels: { a: "2" } } },
        }),
      ),
    );
    assert.ok(isOpen(), "it is for others now");
  });

  it("lets a pod whose policies ask for too much be reached by nobody, and says so", () => {
    const table = new PolicyTable();
    table.putSubject("s", { namespace: "x", name: "s", labels: {}, addresses: ["10.198.1.2"], ports: [] });
    const from = Array.from({ length: 8_193 }, (_, at) => ({ podSelector: { matchLabels: { a: `${at}` } } }));
    table.putPolicy(compilePolicy(asPolicy("x", "huge", { podSelector: {}, ingress: [{ from }] })));
    table.putPolicy(compilePolicy(asPolicy("x", "all", { podSelector: { matchLabels: { no: "no" } } })));
    const packet = { from: "10.198.2.2", to: "10.198.1.2", protocol: "tcp", port: 80 };
    assert.equal(isLetThrough(table.ruleset.whole(), packet), false);
    assert.match(
      table
        .inUse()
        .flatMap(({ problems }) => problems)
        .join(),
      /takes 8193 rules .*allows nothing/,
    );
    assert.equal(Object.keys(table.ruleset.whole().sets).length, 1);
  });
});

/** What nftables makes of a change. */
function applied(from: Ruleset, change: RulesetChange): Ruleset {
  const chains: Record<string, Ruleset["chains"][string]> = { ...from.chains };
  const sets = structured(from.sets);
  const maps = structured(from.maps);
  for (const { name, definition } of change.newSets) {
    assert.ok(!(name in sets), `${name} is there`);
    sets[name] = { definition, elements: [] };
  }
  for (const { name, definition } of change.newMaps) maps[name] = { definition, elements: [] };
  for (const { name, elements } of change.goneElements)
    for (const { text } of elements) {
      const list: { text?: string; key?: { text: string } }[] =
        (sets[name]?.elements as never) ?? (maps[name]?.elements as never) ?? assert.fail(`no ${name}`);
      const at = list.findIndex((one) => (one.key ?? one).text === text);
      assert.ok(at >= 0, `${name} has no ${text}`);
      list.splice(at, 1);
    }
  for (const { name, chain, isNew } of change.chains) {
    assert.equal(name in chains, !isNew, name);
    chains[name] = chain;
  }
  for (const { name, elements } of change.freshElements)
    for (const whole of elements) {
      const [, key, verdict] = /^(\S+) : (.+)$/.exec(whole.text) ?? [];
      const list: unknown = (sets[name] ?? maps[name])?.elements;
      assert.ok(Array.isArray(list), `no ${name}`);
      if (key === undefined || verdict === undefined) list.push(whole);
      else list.push({ key: { text: key }, value: { text: verdict } });
    }
  for (const name of change.goneChains) {
    assert.ok(name in chains, `no chain ${name}`);
    delete chains[name];
  }
  for (const name of change.goneSets) {
    assert.ok(name in sets, `no set ${name}`);
    delete sets[name];
  }
  const used = Object.values(maps).flatMap(({ elements }) =>
    elements.map(({ value }) => value.text.replace("jump ", "")),
  );
  const next = Object.values(chains).flatMap(({ rules }) =>
    rules.flatMap(({ text }) => /goto (\S+)$/.exec(text)?.[1] ?? []),
  );
  for (const name of [...used, ...next]) assert.ok(name in chains, `${name} is led to, and gone`);
  for (const { rules } of Object.values(chains))
    for (const [, set = ""] of rules
      .map(({ text }) => text)
      .join(" ")
      .matchAll(/@(\S+)/g))
      assert.ok(set in sets || set in maps, `${set} is looked into, and gone`);
  return { chains, sets, maps };
}

function structured<T extends { readonly elements?: readonly unknown[] }>(
  containers: Readonly<Record<string, T>>,
): Record<string, T> {
  return Object.fromEntries(
    Object.entries(containers).map(([name, one]) => [name, { ...one, elements: [...(one.elements ?? [])] }]),
  );
}

/** For comparing: in one order. */
function shown({ chains, sets, maps }: Ruleset): unknown {
  const sorted = <T>(list: readonly T[], text: (one: T) => string) => list.map(text).sort();
  return {
    chains: Object.fromEntries(
      Object.entries(chains).map(([name, { rules }]) => [name, rules.map(({ text }) => text)]),
    ),
    sets: Object.fromEntries(
      Object.entries(sets).map(([name, { elements = [] }]) => [name, sorted(elements, ({ text }) => text)]),
    ),
    maps: Object.fromEntries(
      Object.entries(maps).map(([name, { elements }]) => [
        name,
        sorted(elements, ({ key, value }) => `${key.text} ${value.text}`),
      ]),
    ),
  };
}
