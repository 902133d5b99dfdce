import assert from "node:assert/strict";
import fc from "fast-check";
import { parseIpSpans } from "../../../base/ip-spans.ts";
import { silentLog } from "../../../base/os/log.ts";
import type { EndpointSlice, Service } from "../../../client/types.ts";
import { planServices, ServicePlanner } from "../service-plan.ts";
import type { ServiceRulesOptions } from "../service-rules.ts";
import { IptablesProxy } from "./iptables-proxy.ts";
import type { IptablesTool } from "./iptables-tool.ts";
import { LiveTables } from "./live-tables.ts";
import { tryMatches } from "./missing-matches.ts";
import { PresentReader } from "./present-tables.ts";
import { restoreText, restoreTexts, wholeChange } from "./restore-text.ts";
import { type TableName, tableNames } from "./table-chains.ts";
import { ModelIptables } from "./testing/model-iptables.ts";

const node = { nodeName: "a", zone: undefined, loopbackPods: false };
const options: ServiceRulesOptions = {
  podCidr: "10.1.0.0/24",
  clusterCidr: "10.1.0.0/16",
  serviceCidr: "10.96.0.0/16",
};
const service = (name: string, spec: object, status: object = {}): Service =>
  ({
    metadata: { namespace: "ns", name, uid: name },
    spec: { clusterIP: "10.96.0.1", ports: [{ name: "http", port: 80, protocol: "TCP" }], ...spec },
    status,
  }) as unknown as Service;
const slice = (name: string, endpoints: readonly object[], protocol = "TCP"): EndpointSlice =>
  ({
    metadata: { namespace: "ns", name: `${name}-1`, labels: { "kubernetes.io/service-name": name } },
    addressType: "IPv4",
    ports: [{ name: "http", port: 8080, protocol }],
    endpoints,
  }) as unknown as EndpointSlice;
const here = { addresses: ["10.1.0.1"], nodeName: "a" };
const there = { addresses: ["10.1.1.1"], nodeName: "b" };

/** Chains by name, with what stands for a digest in its place; comments left out. */
function chainsOf(
  table: TableName,
  services: readonly Service[],
  {
    slices,
    more = {},
  }: { readonly slices: readonly EndpointSlice[]; readonly more?: Partial<ServiceRulesOptions> },
) {
  const { ports } = planServices(services, slices, node);
  const { chains } = new LiveTables({ ...options, ...more }).wanted(ports)[table];
  const names = new Map<string, string>();
  const plain = (text: string) =>
    text
      .replaceAll(/KUBE-(SVC|SVL|EXT|FW|SEP)-[A-Z2-7]{16}/g, (name, kind: string) => {
        const known =
          names.get(name) ?? `${kind}-${[...names.values()].filter((one) => one.startsWith(kind)).length}`;
        names.set(name, known);
        return known;
      })
      .replaceAll(/ ?-m comment --comment "[^"]*"/g, "")
      .trim();
  return Object.fromEntries(
    [...chains].map(([name, rules]) => [plain(name), rules.map(({ text }) => plain(text))]),
  );
}

describe("Services as chains of iptables", () => {
  const balanced = (spec: object = {}) =>
    service(
      "web",
      {
        type: "LoadBalancer",
        loadBalancerSourceRanges: ["192.0.2.0/24"],
        ports: [{ name: "http", port: 80, protocol: "TCP", nodePort: 30_080 }],
        ...spec,
      },
      { loadBalancer: { ingress: [{ ip: "10.9.0.1" }] } },
    );

  it("masquerade only what is marked where the pods' ranges are others' matter", () => {
    const { nat } = new LiveTables({ podCidr: "" }).wanted([]);
    const rules = nat.chains.get("KUBE-POSTROUTING")?.map(({ text }) => text) ?? [];
    assert.equal(rules.length, 3);
    assert.match(rules[0] ?? "", /^-m mark ! --mark .* -j RETURN$/);
  });

  it("lead from KUBE-SERVICES to a port's chain, to an endpoint's", () => {
    const chains = chainsOf("nat", [balanced()], { slices: [slice("web", [here, there])] });
    assert.deepEqual(chains["KUBE-SERVICES"], [
      "-d 10.96.0.1 -p tcp -m tcp --dport 80 -j SVC-0",
      "-d 10.9.0.1 -p tcp -m tcp --dport 80 -j FW-0",
      "-d 127.0.0.0/8 -j RETURN",
      "-m addrtype --dst-type LOCAL -j KUBE-NODEPORTS",
    ]);
    assert.deepEqual(chains["KUBE-NODEPORTS"], ["-p tcp -m tcp --dport 30080 -j EXT-0"]);
    assert.deepEqual(chains["FW-0"], ["-s 192.0.2.0/24 -j EXT-0"]);
    assert.deepEqual(chains["EXT-0"], ["-j KUBE-MARK-MASQ", "-j SVC-0"]);
    assert.deepEqual(chains["SVC-0"], [
      "! -s 10.1.0.0/16 -d 10.96.0.1 -p tcp -m tcp --dport 80 -m addrtype ! --src-type LOCAL -j KUBE-MARK-MASQ",
      "-m statistic --mode random --probability 0.5000000000 -j SEP-0",
      "-j SEP-1",
    ]);
    assert.deepEqual(chains["SEP-0"], [
      "-s 10.1.0.1 -j KUBE-MARK-MASQ",
      "-p tcp -m tcp -j DNAT --to-destination 10.1.0.1:8080",
    ]);
    const filter = chainsOf("filter", [balanced()], { slices: [slice("web", [here, there])] });
    assert.deepEqual(filter["KUBE-PROXY-FIREWALL"], ["-d 10.9.0.1 -p tcp -m tcp --dport 80 -j DROP"]);
    assert.deepEqual(filter["KUBE-CLUSTER-IPS"], [
      "-d 10.96.0.1 -j REJECT",
      "-m addrtype ! --dst-type LOCAL -j DROP",
    ]);
  });

  it("keep traffic from outside on the node where that is asked for, and give pods every endpoint", () => {
    const local = { externalTrafficPolicy: "Local", sessionAffinity: "ClientIP" };
    const chains = chainsOf("nat", [balanced(local)], { slices: [slice("web", [here, there])] });
    assert.deepEqual(chains["EXT-0"], [
      "-s 10.1.0.0/16 -j SVC-0",
      "-m addrtype --src-type LOCAL -j KUBE-MARK-MASQ",
      "-m addrtype --src-type LOCAL -j SVC-0",
      "-j SVL-0",
    ]);
    assert.deepEqual(chains["SVL-0"], [
      "-m recent --name SEP-0 --rcheck --seconds 10800 --reap -j SEP-0",
      "-j SEP-0",
    ]);
    assert.equal(
      chains["SEP-0"]?.[1],
      "-p tcp -m recent --name SEP-0 --set -m tcp -j DNAT --to-destination 10.1.0.1:8080",
    );
    const away = { slices: [slice("web", [there])] };
    assert.deepEqual(chainsOf("filter", [balanced(local)], away)["KUBE-NODEPORTS"], [
      "-p tcp -m tcp --dport 30080 -j DROP",
    ]);
    const none = chainsOf("filter", [balanced(local)], { slices: [] });
    assert.deepEqual(none["KUBE-NODEPORTS"], ["-p tcp -m tcp --dport 30080 -j REJECT"]);
    assert.deepEqual(none["KUBE-SERVICES"]?.[0], "-d 10.96.0.1 -p tcp -m tcp --dport 80 -j REJECT");
    assert.deepEqual(none["KUBE-PROXY-FIREWALL"], [], "who may come is refused, not dropped");
  });

  it("serve node ports at named addresses, and none at those of a pool", () => {
    const ends = (more: Partial<ServiceRulesOptions>) =>
      chainsOf("nat", [], { slices: [], more })["KUBE-SERVICES"];
    assert.deepEqual(ends({ nodePortRanges: ["10.0.0.1/32", "192.0.2.0/24"] })?.slice(1), [
      "-d 10.0.0.1/32 -m addrtype --dst-type LOCAL -j KUBE-NODEPORTS",
      "-d 192.0.2.0/24 -m addrtype --dst-type LOCAL -j KUBE-NODEPORTS",
    ]);
    assert.deepEqual(ends({ nodePortRanges: [] }), []);
    const balancerPool = parseIpSpans(["10.9.0.1-10.9.0.9", "10.9.1.1"]).spans;
    assert.deepEqual(ends({ balancerPool })?.slice(1, 3), [
      "-m iprange --dst-range 10.9.0.1-10.9.0.9 -j RETURN",
      "-m iprange --dst-range 10.9.1.1-10.9.1.1 -j RETURN",
    ]);
    const pool = chainsOf("filter", [], { slices: [], more: { balancerPool } })["KUBE-BALANCER-POOL"];
    assert.equal(pool?.[0], "-p tcp -m iprange --dst-range 10.9.0.1-10.9.0.9 -j REJECT");
  });

  it("say whose a rule is where names are names, and nothing of them elsewhere", () => {
    const rules = (name: string) => {
      const { ports } = planServices([service(name, {})], [slice(name, [here])], node);
      return restoreText(wholeChange(nothing, new LiveTables(options).wanted(ports)));
    };
    assert.match(rules("web"), /--comment "ns\/web:http cluster IP" -j KUBE-SVC-/);
    assert.match(rules("web"), /--comment "ns\/web:http -> 10\.1\.0\.1:8080" -j KUBE-SEP-/);
    for (const name of ['x" -j ACCEPT\n-A INPUT', "x y", "x".repeat(300)])
      assert.doesNotMatch(rules(name), /comment|ACCEPT\n-A INPUT/, name);
  });

  it("are in the kernel what would be made anew, whatever came and went before", () => {
    const draft = fc.record({
      external: fc.boolean(),
      local: fc.boolean(),
      sticky: fc.boolean(),
      endpoints: fc.uniqueArray(fc.integer({ min: 1, max: 4 }), { maxLength: 3 }),
    });
    const steps = fc.array(fc.array(fc.option(draft, { nil: undefined }), { maxLength: 4 }), {
      maxLength: 6,
    });
    fc.assert(
      fc.property(steps, fc.constantFrom(1, 3, 500), (all, chainsMax) => {
        const planner = new ServicePlanner();
        const live = new LiveTables(options);
        const kernel = new ModelIptables();
        kernel.restore("*nat\n-A POSTROUTING -s 192.0.2.1/32 -j ACCEPT\nCOMMIT\n");
        for (const [turn, drafts] of all.entries()) {
          const now = drafts.flatMap((one, at) =>
            one === undefined ? [] : [{ ...one, name: `s${at}`, at }],
          );
          const services = now.map(({ name, at, external, local, sticky }) =>
            service(name, {
              clusterIP: `10.96.0.${at + 1}`,
              ...(external && { externalIPs: [`192.0.2.${at + 1}`] }),
              ...(local && { externalTrafficPolicy: "Local" }),
              ...(sticky && { sessionAffinity: "ClientIP" }),
            }),
          );
          const slices = now.map(({ name, endpoints }) =>
            slice(
              name,
              endpoints.map((n) => ({ addresses: [`10.1.0.${n}`], nodeName: n % 2 ? "a" : "b" })),
            ),
          );
          const { ports } = planner.plan(services, slices, node);
          // Now and then everything, as after another agent.
          if (turn % 3 === 0) live.applied(undefined);
          const wanted = live.wanted(ports);
          const change = live.change(wanted) ?? wholeChange(presentIn(kernel), wanted);
          for (const text of restoreTexts(change, chainsMax)) kernel.restore(text);
          live.applied(wanted);
          const anew = new ModelIptables();
          anew.restore("*nat\n-A POSTROUTING -s 192.0.2.1/32 -j ACCEPT\nCOMMIT\n");
          anew.restore(restoreText(wholeChange(presentIn(anew), new LiveTables(options).wanted(ports))));
          for (const table of tableNames)
            assert.deepEqual([...kernel.save(table)].sort(), [...anew.save(table)].sort());
          assert.equal(restoreText(live.change(wanted) ?? wholeChange(presentIn(kernel), wanted)), "");
        }
      }),
    );
  });
});

const nothing = { filter: new PresentReader(), nat: new PresentReader() };

function presentIn(kernel: ModelIptables) {
  const read = (table: TableName) => {
    const reader = new PresentReader();
    for (const line of kernel.save(table)) reader.read(line);
    return reader;
  };
  return { filter: read("filter"), nat: read("nat") };
}

/** The kernel's side as a model, whose next call may fail. */
class FakeTool implements IptablesTool {
  readonly program = "iptables";
  readonly kernel = new ModelIptables();
  readonly restored: string[] = [];
  refuses: ((text: string) => boolean) | undefined;

  present = async () => presentIn(this.kernel);
  hasCanary = async () => this.kernel.save("nat").includes(":PINTLE-CANARY - [0:0]");
  restore = async (text: string) => {
    if (this.refuses?.(text)) throw new Error("iptables-restore: no such match\nmore");
    this.kernel.restore(text);
    this.restored.push(text);
  };
}

describe("the proxy by iptables", () => {
  let nowMs = 0;
  const clock = { monotonicMs: () => nowMs } as never;
  const open = (tool: FakeTool, hasSctp = true) =>
    new IptablesProxy(options, {
      tool,
      hasSctp,
      flows: { clean: async () => undefined },
      clock,
      log: silentLog,
    });
  const plan = (...names: string[]) =>
    planServices(
      names.map((name, at) => service(name, { clusterIP: `10.96.0.${at + 1}` })),
      names.map((name) => slice(name, [here])),
      node,
    );

  it("writes all at first, then what changes, and all again after a failure or a loss", async () => {
    const tool = new FakeTool();
    const proxy = open(tool);
    const isWholeText = () => /^:KUBE-MARK-MASQ /m.test(tool.restored.at(-1) ?? "");
    await proxy.update(plan("a"));
    assert.ok(isWholeText());
    await proxy.update(plan("a", "b"));
    assert.ok(!isWholeText());
    tool.refuses = () => true;
    await assert.rejects(proxy.update(plan("a")), /no such match/);
    tool.refuses = undefined;
    await proxy.update(plan("a"));
    assert.ok(isWholeText());
    assert.equal(await proxy.isWhole(), true);
    tool.kernel.tables.clear();
    assert.equal(await proxy.isWhole(), false);
    await proxy.update(plan("a"));
    assert.ok(isWholeText());
    assert.equal(await proxy.isWhole(), true);
    nowMs += 3_600_000;
    assert.equal(await proxy.isWhole(), false, "an hour is over");
  });

  it("leaves SCTP out where the kernel has no match for it, and says so", async () => {
    const sctp = [service("s", { ports: [{ name: "http", port: 80, protocol: "SCTP" }] })];
    const wanted = planServices(sctp, [slice("s", [here], "SCTP")], node);
    const tool = new FakeTool();
    const problems = await open(tool, false).update(wanted);
    assert.match(problems[0]?.message ?? "", /ns\/s:http: .*SCTP/);
    assert.doesNotMatch(tool.restored.join(), /sctp/);
    assert.deepEqual(await open(tool).update(wanted), []);
    assert.match(tool.restored.join(), /-p sctp -m sctp --dport 80/);
  });

  it("knows at its start what the kernel's iptables lack", async () => {
    const tool = new FakeTool();
    assert.deepEqual(await tryMatches(tool, { hasPool: true }), { missing: [], hasSctp: true });
    tool.refuses = (text) => /-m recent|sctp/.test(text);
    assert.deepEqual(await tryMatches(tool, { hasPool: false }), {
      missing: ["the match recent (session affinity) (iptables-restore: no such match)"],
      hasSctp: false,
    });
  });
});
