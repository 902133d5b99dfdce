import assert from "node:assert/strict";
import { parseIpRange } from "../../../base/ip-range.ts";
import { systemClock } from "../../../base/os/clock.ts";
import { MetricsRegistry } from "../../../base/os/metrics.ts";
import { systemRandom } from "../../../base/os/random.ts";
import type { KubeObject } from "../../../client/types.ts";
import { objectOf } from "../json.ts";
import { ipAddresses } from "../resources/ipaddresses.ts";
import { services } from "../resources/services.ts";
import { AddressObjects } from "./address-objects.ts";
import { allocationFigures, uncounted } from "./allocation-figures.ts";
import { MemoryStorage } from "./memory-storage.ts";
import { type Claims, ServiceAllocator } from "./service-allocator.ts";

const service = (name: string, spec: object = {}): KubeObject => ({
  apiVersion: "v1",
  kind: "Service",
  metadata: { name, namespace: "a", uid: name, resourceVersion: "", creationTimestamp: "" },
  spec: { type: "NodePort", ports: [{ port: 80, protocol: "TCP" }], ...spec },
});

const addresses = new AddressObjects(ipAddresses, {
  clock: systemClock,
  random: systemRandom,
  recordOwn: () => {},
});

describe("service allocator", () => {
  let storage: MemoryStorage;
  let allocator: ServiceAllocator;
  beforeEach(() => {
    storage = new MemoryStorage(systemClock);
    const clusterIps = parseIpRange("10.0.0.0/29");
    assert.ok(clusterIps);
    // Chance that always falls the same way: two at once want the same address.
    const random = { uint32: () => 0 };
    allocator = new ServiceAllocator({
      storage,
      random,
      clusterIps: [clusterIps],
      nodePorts: { first: 30000, last: 30002 },
      addresses,
      figures: uncounted,
    });
  });
  afterEach(() => storage.close());

  const commit = ({ compare, writes }: Claims) => storage.commit({ compare, writes });
  const address = (one: KubeObject) => objectOf(one.spec).clusterIP;

  it("lets one of two have what both chose", async () => {
    const [one, two] = [service("one"), service("two")];
    const plans = [
      await allocator.plan(services, one, undefined),
      await allocator.plan(services, two, undefined),
    ];
    assert.equal(address(one), "10.0.0.2");
    assert.equal(address(two), "10.0.0.2");
    const results = await Promise.all(plans.map(commit));
    assert.deepEqual(
      results.map(({ ok }) => ok),
      [true, false],
    );
    const again = service("two");
    assert.ok((await commit(await allocator.plan(services, again, undefined))).ok);
    assert.equal(address(again), "10.0.0.3");
  });

  it("frees everything with the service, and only what an update gives up", async () => {
    const one = service("one");
    await commit(await allocator.plan(services, one, undefined));
    const next = structuredClone(one);
    objectOf(next.spec).type = "ClusterIP";
    allocator.carryOver(services, next, one);
    const update = await allocator.plan(services, next, one);
    assert.deepEqual(
      update.writes.map(({ type, key }) => `${type} ${key}`),
      ["delete /registry/pintle.local/nodeports/30000"],
    );
    await commit(update);
    await commit(await allocator.plan(services, undefined, next));
    assert.deepEqual((await storage.list("/registry/")).entries, []);
  });

  it("finds the last free ones, then says that there are none", async () => {
    for (let n = 0; n < 3; n++) await commit(await allocator.plan(services, service(`s${n}`), undefined));
    await assert.rejects(allocator.plan(services, service("more"), undefined), /nodePort: range is full/);
    const plain = () => service("plain", { type: "ClusterIP" });
    for (let n = 0; n < 2; n++) await commit(await allocator.plan(services, plain(), undefined));
    await assert.rejects(
      allocator.plan(services, plain(), undefined),
      /serviceIP: range 10\.0\.0\.0\/29 is full/,
    );
  });

  it("leaves the first addresses to those who ask for them, until there are no others", async () => {
    const range = parseIpRange("10.0.0.0/27");
    assert.ok(range);
    const random = { uint32: () => 0 };
    const wide = new ServiceAllocator({
      storage,
      random,
      clusterIps: [range],
      nodePorts: { first: 1, last: 2 },
      addresses,
      figures: uncounted,
    });
    const given: unknown[] = [];
    for (let n = 0; n < 29; n++) {
      const one = service(`s${n}`, { type: "ClusterIP" });
      await commit(await wide.plan(services, one, undefined));
      given.push(address(one));
    }
    // 16 to choose from with the API's own, as Kubernetes counts.
    assert.deepEqual(given.slice(0, 2), ["10.0.0.17", "10.0.0.18"]);
    assert.equal(given[13], "10.0.0.30");
    assert.equal(new Set(given).size, 29);
    assert.equal(given[14], "10.0.0.2");
  });

  it("refuses a node port outside the range, or taken", async () => {
    const asking = (nodePort: number) =>
      service("asks", { ports: [{ port: 80, protocol: "TCP", nodePort }] });
    await assert.rejects(allocator.plan(services, asking(80), undefined), {
      message:
        'Service "asks" is invalid: spec.ports[0].nodePort: Invalid value: 80: provided port is not in the valid range. The range of valid ports is 30000-30002',
    });
    await commit(await allocator.plan(services, asking(30001), undefined));
    await assert.rejects(
      allocator.plan(services, asking(30001), undefined),
      /provided port is already allocated/,
    );
  });

  it("gives and checks the health check port, with or without node ports", async () => {
    const balanced = (name: string, spec: object = {}) =>
      service(name, {
        type: "LoadBalancer",
        externalTrafficPolicy: "Local",
        allocateLoadBalancerNodePorts: false,
        ...spec,
      });
    const one = balanced("one");
    assert.ok((await commit(await allocator.plan(services, one, undefined))).ok);
    assert.equal(objectOf(one.spec).healthCheckNodePort, 30000);
    const refused = (healthCheckNodePort: number) =>
      allocator.plan(services, balanced("two", { healthCheckNodePort }), undefined);
    await assert.rejects(
      refused(30000),
      /failed to allocate requested HealthCheck NodePort 30000: provided port is already allocated/,
    );
    await assert.rejects(refused(80), /HealthCheck NodePort 80: provided port is not in the valid range/);
    await allocator.plan(services, structuredClone(one), one);
    const gone = await allocator.plan(services, undefined, one);
    assert.ok(gone.writes.some(({ key }) => key.endsWith("/nodeports/30000")));
  });

  describe("in a cluster of two families", () => {
    let dual: ServiceAllocator;
    beforeEach(() => {
      dual = new ServiceAllocator({
        storage,
        random: { uint32: () => 0 },
        clusterIps: ["10.0.0.0/29", "fd00:96::/112"].flatMap((text) => parseIpRange(text) ?? []),
        nodePorts: { first: 30000, last: 30002 },
        addresses,
        figures: uncounted,
      });
    });
    const plain = (name: string, spec: object = {}) =>
      service(name, { type: "ClusterIP", selector: { a: "b" }, ...spec });
    const given = async (one: KubeObject) => {
      await commit(await dual.plan(services, one, undefined));
      return objectOf(one.spec).clusterIPs;
    };
    const keys = async () =>
      (await storage.list("/registry/")).entries.map(({ key }) => key.replace(/^.*\//, "")).sort();

    it("gives an address of each that a Service has, and frees them with it", async () => {
      const require = { ipFamilyPolicy: "RequireDualStack" };
      assert.deepEqual(await given(plain("one")), ["10.0.0.2"]);
      const two = plain("two", require);
      assert.deepEqual(await given(two), ["10.0.0.3", "fd00:96::101"]);
      assert.deepEqual(await given(plain("three", { ipFamilies: ["IPv6"] })), ["fd00:96::102"]);
      const asked = { ...require, clusterIP: "FD00:96::0009", clusterIPs: ["FD00:96::0009"] };
      assert.deepEqual(await given(plain("four", asked)), ["FD00:96::0009", "10.0.0.4"]);
      await assert.rejects(
        given(plain("five", { clusterIP: "fd00:96::9", clusterIPs: ["fd00:96::9"] })),
        /failed to allocate IP fd00:96::9: provided IP is already allocated/,
      );
      await assert.rejects(
        given(plain("six", { clusterIP: "fd00:97::9", clusterIPs: ["fd00:97::9"] })),
        /does not match the current range/,
      );
      const before = await keys();
      assert.ok(before.includes("fd00:96::101") && before.includes("fd00:96::9"));
      await commit(await dual.plan(services, undefined, two));
      // Its claim and the object that shows it, of each address.
      assert.equal(before.length - (await keys()).length, 4);
    });

    it("gives a second address to a Service that comes to ask for one, and takes it back", async () => {
      const one = plain("one");
      await given(one);
      const more = structuredClone(one);
      objectOf(more.spec).ipFamilyPolicy = "PreferDualStack";
      await commit(await dual.plan(services, more, one));
      assert.deepEqual(objectOf(more.spec).clusterIPs, ["10.0.0.2", "fd00:96::101"]);
      const less = structuredClone(more);
      objectOf(less.spec).ipFamilyPolicy = "SingleStack";
      await commit(await dual.plan(services, less, more));
      assert.deepEqual(objectOf(less.spec).clusterIPs, ["10.0.0.2"]);
      assert.deepEqual(objectOf(less.spec).ipFamilies, ["IPv4"]);
      assert.ok(!(await keys()).includes("fd00:96::101"));
    });
  });

  it("counts what is handed out and what cannot be had, and nothing of a dry run", async () => {
    const metrics = new MetricsRegistry();
    const clusterIps = parseIpRange("10.0.0.0/29");
    assert.ok(clusterIps);
    const counting = new ServiceAllocator({
      storage,
      random: { uint32: () => 0 },
      clusterIps: [clusterIps],
      nodePorts: { first: 30000, last: 30002 },
      addresses,
      figures: allocationFigures(metrics, systemClock),
    });
    const plan = async (name: string, spec: object, dryRun = false) =>
      commit(await counting.plan(services, service(name, spec), undefined, { dryRun }));
    const ports = [{ port: 80, protocol: "TCP", nodePort: 30001 }];
    await plan("any", {});
    await plan("this", { clusterIP: "10.0.0.4", ports });
    await assert.rejects(plan("taken", { clusterIP: "10.0.0.4" }));
    await assert.rejects(plan("outside", { ports: [{ port: 80, protocol: "TCP", nodePort: 1 }] }));
    await assert.rejects(plan("dry", { clusterIP: "10.0.0.4" }, true));
    const text = await metrics.text();
    const counted = text.split("\n").filter((line) => /^kube_apiserver_\w+_(total|count)\{/.test(line));
    assert.deepEqual(
      counted.map((line) => line.replace(/^kube_apiserver_(\w+)_allocator_allocation_/, "$1 ")).sort(),
      [
        'clusterip duration_seconds_count{cidr="10.0.0.0/29"} 3',
        'clusterip errors_total{cidr="10.0.0.0/29",scope="static"} 1',
        'clusterip total{cidr="10.0.0.0/29",scope="dynamic"} 2',
        'clusterip total{cidr="10.0.0.0/29",scope="static"} 1',
        'nodeport errors_total{scope="static"} 1',
        'nodeport total{scope="dynamic"} 1',
        'nodeport total{scope="static"} 1',
      ],
    );
  });
});
