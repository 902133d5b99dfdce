import assert from "node:assert/strict";
import type { EndpointSlice, Service } from "../../client/types.ts";
import { emptyRuleset, rulesetChange } from "./nft-ruleset.ts";
import { planServices } from "./service-plan.ts";
import { serviceRules } from "./service-rules.ts";

const service = (spec: object): Service =>
  ({
    metadata: { namespace: "ns", name: "web" },
    spec: { clusterIP: "10.96.0.9", clusterIPs: ["10.96.0.9"], ports: [{ port: 80 }], ...spec },
  }) as unknown as Service;
const slice = (
  endpoints: readonly object[],
  ports: readonly object[] = [{ name: "", port: 8080 }],
): EndpointSlice =>
  ({
    metadata: { namespace: "ns", name: "web-1", labels: { "kubernetes.io/service-name": "web" } },
    addressType: "IPv4",
    ports,
    endpoints,
  }) as unknown as EndpointSlice;
const at = (address: string, conditions: object = { ready: true }, nodeName = "n1") => ({
  addresses: [address],
  conditions,
  nodeName,
});
const addresses = (services: Service[], slices: EndpointSlice[]) =>
  planServices(services, slices, "n1")[0]?.endpoints.map((endpoint) => endpoint.address);

describe("planServices", () => {
  it("leads to ready endpoints only", () => {
    assert.deepEqual(addresses([service({})], [slice([at("10.0.0.1"), at("10.0.0.2", { ready: false })])]), [
      "10.0.0.1",
    ]);
  });
  it("falls back to endpoints that still serve while they terminate", () => {
    const leaving = { ready: false, serving: true, terminating: true };
    assert.deepEqual(
      addresses([service({})], [slice([at("10.0.0.1", leaving), at("10.0.0.2", { ready: false })])]),
      ["10.0.0.1"],
    );
    assert.deepEqual(addresses([service({})], [slice([at("10.0.0.1", leaving), at("10.0.0.2")])]), [
      "10.0.0.2",
    ]);
  });
  it("matches ports by name across slices and counts an endpoint once", () => {
    const named = service({
      ports: [
        { name: "http", port: 80 },
        { name: "metrics", port: 9090 },
      ],
    });
    const ports = [
      { name: "metrics", port: 9100 },
      { name: "http", port: 8080 },
    ];
    const plan = planServices(
      [named],
      [slice([at("10.0.0.1")], ports), slice([at("10.0.0.1")], ports)],
      "n1",
    );
    assert.deepEqual(
      plan.map((port) => [port.id, port.endpoints.map((endpoint) => endpoint.port)]),
      [
        ["ns/web:http", [8080]],
        ["ns/web:metrics", [9100]],
      ],
    );
  });
  it("keeps to this node where the Service says so", () => {
    const local = service({ internalTrafficPolicy: "Local" });
    assert.deepEqual(addresses([local], [slice([at("10.0.0.1"), at("10.0.0.2", { ready: true }, "n2")])]), [
      "10.0.0.1",
    ]);
  });
  it("leaves out headless and external-name Services and other Services' slices", () => {
    assert.deepEqual(
      planServices([service({ clusterIP: "None" }), service({ type: "ExternalName" })], [], "n1"),
      [],
    );
    const other = slice([at("10.0.0.1")]);
    other.metadata.namespace = "elsewhere";
    assert.deepEqual(addresses([service({})], [other]), []);
  });
});

describe("rulesetChange", () => {
  const rules = (endpoints: readonly string[]) =>
    serviceRules(
      planServices(
        [
          service({}),
          {
            ...service({ clusterIPs: ["10.96.0.10"] }),
            metadata: { namespace: "ns", name: "other" },
          } as Service,
        ],
        [slice(endpoints.map((address) => at(address)))],
        "n1",
      ),
      { podCidr: "10.0.0.0/24" },
    );
  it("is empty where nothing differs", () => {
    assert.equal(rulesetChange("t", rules(["10.0.0.1"]), rules(["10.0.0.1"])), "");
  });
  it("touches only the Service that changed", () => {
    const change = rulesetChange("t", rules(["10.0.0.1"]), rules(["10.0.0.1", "10.0.0.2"]));
    assert.doesNotMatch(change, /prerouting|10\.96\.0\.10|refused/);
    assert.match(change, /dnat to 10\.0\.0\.2:8080/);
    assert.doesNotMatch(change, /dnat to 10\.0\.0\.1:/);
  });
  it("removes what went, in an order the kernel accepts: uses before chains", () => {
    const change = rulesetChange("t", rules(["10.0.0.1"]), rules([])).split("\n");
    const position = (text: string) => change.findIndex((line) => line.startsWith(text));
    assert.ok(position("delete element ip t cluster-ips") >= 0);
    assert.ok(position("delete element ip t cluster-ips") < position("delete chain"));
    assert.ok(position("add element ip t refused-ips") >= 0);
  });
  it("builds everything from nothing", () => {
    assert.match(rulesetChange("t", emptyRuleset, rules(["10.0.0.1"])), /add map ip t cluster-ips/);
  });
});
