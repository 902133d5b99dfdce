import assert from "node:assert/strict";
import type { ServicePort } from "./service-plan.ts";
import { parseFlows } from "./udp-flows.ts";
import { EndpointChanges, flowsTo } from "./waiting-flows.ts";

const port = (id: string, places: readonly string[], protocol: ServicePort["protocol"] = "tcp") => {
  const endpoints = places.map((place) => ({ address: place, port: 8080, isLocal: false }));
  return { id, protocol, clusterEndpoints: endpoints, localEndpoints: [] } as unknown as ServicePort;
};

describe("TCP flows that wait for an answer", () => {
  it("are stale where a Service's endpoint went, whichever Service's", () => {
    const changes = new EndpointChanges();
    const web = port("web", ["10.0.0.1", "10.0.0.2"]);
    const api = port("api", ["10.0.0.3"]);
    const dns = port("dns", ["10.0.0.4"], "udp");
    assert.deepEqual([...changes.goneSince([web, api, dns])], []);
    assert.deepEqual([...changes.goneSince([web, api, dns])], []);
    assert.deepEqual([...changes.goneSince([port("web", ["10.0.0.2", "10.0.0.5"]), api])], ["10.0.0.1:8080"]);
    assert.deepEqual([...changes.goneSince([api])].sort(), ["10.0.0.2:8080", "10.0.0.5:8080"]);
    assert.deepEqual([...changes.goneSince([])], ["10.0.0.3:8080"]);
  });

  it("are found among what conntrack lists, alike ones once", () => {
    const line = (sport: number, to: string) =>
      `tcp      6 117 SYN_SENT src=10.77.0.2 dst=10.96.0.7 sport=${sport} dport=80 [UNREPLIED] src=${to} dst=10.77.0.2 sport=8080 dport=${sport} mark=0 use=1`;
    const listing = [line(40_000, "10.0.0.1"), line(40_002, "10.0.0.1"), line(40_004, "10.0.0.2"), "", "x"];
    assert.deepEqual(flowsTo(new Set(["10.0.0.1:8080"]), parseFlows("tcp", listing.join("\n"))), [
      { to: "10.96.0.7", toPort: 80, from: "10.0.0.1", fromPort: 8080 },
    ]);
  });
});
