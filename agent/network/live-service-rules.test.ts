import assert from "node:assert/strict";
import fc from "fast-check";
import type { EndpointSlice, Service } from "../../client/types.ts";
import { LiveServiceRules } from "./live-service-rules.ts";
import { changeText, type Ruleset } from "./nft-ruleset.ts";
import { nft } from "./nft-text.ts";
import { planServices, ServicePlanner } from "./service-plan.ts";
import { serviceRules } from "./service-rules.ts";

describe("the table of Services, changed one port at a time", () => {
  const options = { podCidr: "10.1.0.0/24", clusterCidr: "10.1.0.0/16" };
  const node = { nodeName: "a", zone: undefined, loopbackPods: false };
  interface Draft {
    readonly address: number;
    readonly external: number | undefined;
    readonly nodePort: number | undefined;
    readonly local: boolean;
    readonly sticky: boolean;
    readonly endpoints: readonly number[];
  }
  const service = (name: number, { address, external, nodePort, local, sticky }: Draft): Service =>
    ({
      metadata: { namespace: "ns", name: `s${name}`, uid: `s${name}` },
      spec: {
        type: nodePort === undefined ? "ClusterIP" : "NodePort",
        clusterIP: `10.96.0.${address}`,
        ...(external !== undefined && { externalIPs: [`192.0.2.${external}`] }),
        ...(local && { externalTrafficPolicy: "Local" }),
        ...(sticky && { sessionAffinity: "ClientIP" }),
        ports: [{ port: 80, protocol: "TCP", nodePort }],
      },
    }) as unknown as Service;
  const slice = (name: number, { endpoints }: Draft): EndpointSlice =>
    ({
      metadata: { namespace: "ns", name: `s${name}-1`, labels: { "kubernetes.io/service-name": `s${name}` } },
      addressType: "IPv4",
      ports: [{ name: "", port: 8080, protocol: "TCP" }],
      endpoints: endpoints.map((n) => ({ addresses: [`10.1.0.${n}`], nodeName: n % 2 ? "a" : "b" })),
    }) as unknown as EndpointSlice;
  const draft = fc.record({
    address: fc.integer({ min: 1, max: 4 }),
    external: fc.option(fc.integer({ min: 1, max: 2 }), { nil: undefined }),
    nodePort: fc.option(fc.constantFrom(30_001, 30_002), { nil: undefined }),
    local: fc.boolean(),
    sticky: fc.boolean(),
    endpoints: fc.uniqueArray(fc.integer({ min: 1, max: 4 }), { maxLength: 3 }),
  });
  /** What order elements and chains stand in means nothing. */
  const sorted = ({ chains, sets, maps }: Ruleset) => ({
    chains: Object.entries(chains)
      .map(([name, { hook, rules }]) => `${name} ${hook?.text} ${rules.map(({ text }) => text).join(";")}`)
      .sort(),
    sets: Object.entries(sets)
      .map(
        ([name, one]) =>
          `${name} ${one.definition.text} ${(one.elements ?? []).map(({ text }) => text).sort()}`,
      )
      .sort(),
    maps: Object.entries(maps)
      .map(
        ([name, { definition, elements }]) =>
          `${name} ${definition.text} ${[...new Set(elements.map(({ key, value }) => `${key.text} ${value.text}`))].sort()}`,
      )
      .sort(),
  });

  it("is what would be made anew, whatever came and went before", () => {
    const steps = fc.array(fc.array(fc.option(draft, { nil: undefined }), { maxLength: 4 }), {
      maxLength: 6,
    });
    fc.assert(
      fc.property(steps, (all) => {
        const planner = new ServicePlanner();
        const rules = new LiveServiceRules(options);
        const kept = new Map<string, { readonly service: Service; readonly slice: EndpointSlice }>();
        for (const drafts of all) {
          const now = drafts.flatMap((one, name) => {
            if (one === undefined) return [];
            const key = `${name} ${JSON.stringify(one)}`;
            // The same draft is the same object, as in an informer.
            const found = kept.get(key) ?? { service: service(name, one), slice: slice(name, one) };
            kept.set(key, found);
            return [found];
          });
          const services = now.map((one) => one.service);
          const slices = now.map((one) => one.slice);
          const plan = planner.plan(services, slices, node);
          const anew = planServices(services, slices, node);
          assert.deepEqual(plan, anew);
          rules.update(plan.ports);
          assert.deepEqual(sorted(rules.live.whole()), sorted(serviceRules(anew.ports, options)));
        }
      }),
    );
  });

  it("changes what a Service's own change asks for, and nothing else", () => {
    const planner = new ServicePlanner();
    const rules = new LiveServiceRules(options);
    const make = (address: number, endpoints: readonly number[]): Draft => ({
      address,
      external: undefined,
      nodePort: undefined,
      local: false,
      sticky: false,
      endpoints,
    });
    const services = [1, 2, 3].map((n) => service(n, make(n, [])));
    const slices = [1, 2, 3].map((n) => slice(n, make(n, [n])));
    const change = () => {
      rules.update(planner.plan(services, slices, node).ports);
      return changeText(nft`ip t`, rules.live.takeChange()).split("\n");
    };
    assert.ok(change().length > 20);
    assert.deepEqual(change(), [""]);
    slices[1] = slice(2, make(2, [2, 3]));
    change();
    slices[0] = slice(1, make(1, [1, 3]));
    const key = "10.96.0.1 . tcp . 80";
    // The other Service of two endpoints has made what two need.
    assert.deepEqual(change(), [
      `delete element ip t service-ips { ${key} }`,
      `add element ip t service-ips { ${key} : goto one-of-2-address }`,
      `add element ip t address-1 { ${key} : 10.1.0.3 . 8080 }`,
      "",
    ]);
    slices[0] = slice(1, make(1, [2, 3]));
    assert.deepEqual(change(), [
      "delete element ip t hairpins { 10.1.0.1 . 10.1.0.1 }",
      `delete element ip t address-0 { ${key} }`,
      `add element ip t address-0 { ${key} : 10.1.0.2 . 8080 }`,
      "",
    ]);
  });
});
