import assert from "node:assert/strict";
import fc from "fast-check";
import { parseAddress, parseIpRange, rangeContains } from "../../../base/ip-range.ts";
import { resources } from "../../../client/resources.ts";
import { FakeApi } from "../../../client/testing/fake-api.ts";
import type { IPAddress, ServiceCIDR } from "../../../client/types.ts";
import { controllerRig } from "../testing/controller-rig.ts";
import { ago, meta, nowMs } from "../testing/objects.ts";
import { cidrFinalizer, goingRangesOf, planServiceCidr } from "./plan-service-cidr.ts";
import { serviceCidrController } from "./service-cidr-controller.ts";

const cidr = (name: string, cidrs: readonly string[], deletedFor?: number) =>
  ({
    apiVersion: "networking.k8s.io/v1",
    kind: "ServiceCIDR",
    metadata: meta(name, {
      finalizers: [cidrFinalizer],
      ...(deletedFor !== undefined && { deletionTimestamp: ago(deletedFor) }),
    }),
    spec: { cidrs: [...cidrs] },
  }) as ServiceCIDR;
const address = (name: string, managed = true) =>
  ({
    metadata: meta(
      name,
      managed ? { labels: { "ipaddress.kubernetes.io/managed-by": "ipallocator.k8s.io" } } : {},
    ),
  }) as IPAddress;
const plan = (one: ServiceCIDR, all: readonly ServiceCIDR[] = [], addresses: readonly IPAddress[] = []) =>
  planServiceCidr(one, [one, ...all], addresses, nowMs);

describe("a range of services' addresses", () => {
  it("is kept by a finalizer, and ready where addresses of it are handed out", () => {
    const bare = { ...cidr("kubernetes", ["10.0.0.0/16"]), metadata: meta("kubernetes") };
    const first = plan(bare);
    assert.deepEqual([first.finalizer, first.condition?.status], ["add", "True"]);
    const conditions = [
      { type: "Ready", status: "True", reason: "", message: "x", lastTransitionTime: ago(5) },
    ];
    assert.deepEqual(plan({ ...cidr("kubernetes", ["10.0.0.0/16"]), status: { conditions } }), {});
    const other = plan(cidr("more", ["10.1.0.0/16"]));
    assert.deepEqual([other.condition?.status, other.condition?.reason], ["False", "NotServed"]);
  });

  it("goes once nothing of it is in use that is not another's too, after all have heard", () => {
    const used = [address("10.0.0.1"), address("10.0.0.9", false), address("192.168.0.1")];
    const going = cidr("kubernetes", ["10.0.0.0/16"], 11);
    assert.equal(plan(going, [], used).condition?.reason, "Terminating");
    assert.equal(plan(going).finalizer, "remove");
    assert.deepEqual(plan(cidr("kubernetes", ["10.0.0.0/16"], 4)), { againInMs: 6_000 });
    assert.equal(
      plan(going, [cidr("b", ["10.0.0.0/24"])], used).finalizer,
      "remove",
      "the address is b's too",
    );
    assert.equal(plan(going, [cidr("b", ["10.0.0.0/8"])], used).finalizer, "remove", "all is b's too");
    assert.equal(
      plan(going, [cidr("b", ["10.0.0.0/8"], 1)], used).condition?.reason,
      "Terminating",
      "b goes too",
    );
    const both = cidr("both", ["10.0.0.0/16", "fd00::/112"], 11);
    assert.equal(
      plan(both, [cidr("b", ["10.0.0.0/16"])], [address("fd00::1")]).condition?.reason,
      "Terminating",
    );
  });

  it("is looked at again when an address of it comes or goes, if it is to go", () => {
    const all = [cidr("a", ["10.0.0.0/16"], 1), cidr("b", ["10.0.0.0/24"]), cidr("c", ["10.1.0.0/16"], 1)];
    const names = (one: IPAddress) => goingRangesOf(one, all).map(({ metadata }) => metadata.name);
    assert.deepEqual(names(address("10.0.0.1")), ["a"]);
    assert.deepEqual(names(address("10.0.0.1", false)), []);
  });

  it("in any state never leaves an address without a range", () => {
    const texts = ["10.0.0.0/30", "10.0.0.0/31", "10.0.0.2/31", "10.0.0.0/29"];
    const states = fc.array(fc.record({ text: fc.constantFrom(...texts), going: fc.boolean() }), {
      minLength: 1,
      maxLength: 4,
    });
    fc.assert(
      fc.property(states, fc.subarray([0, 1, 2, 3, 4]), (found, hosts) => {
        let all = found.map(({ text, going }, index) => cidr(`r${index}`, [text], going ? 20 : undefined));
        const addresses = hosts.map((host) => address(`10.0.0.${host}`));
        const isCovered = (one: IPAddress) =>
          all.some(({ spec }) => {
            const [range, value] = [parseIpRange(spec?.cidrs?.[0] ?? ""), parseAddress(one.metadata.name)];
            return (
              range !== undefined && value !== undefined && rangeContains(range, value.family, value.value)
            );
          });
        const covered = addresses.filter(isCovered);
        for (const one of [...all])
          if (planServiceCidr(one, all, addresses, nowMs).finalizer === "remove")
            all = all.filter((other) => other !== one);
        assert.deepEqual(addresses.filter(isCovered), covered);
      }),
      { numRuns: 1000 },
    );
  });

  it("is written so", async () => {
    const api = new FakeApi();
    await api.create(resources.servicecidrs, {
      metadata: { name: "kubernetes" },
      spec: { cidrs: ["10.0.0.0/16"] },
    });
    const { name, labels = {} } = address("10.0.0.1").metadata;
    await api.create(resources.ipaddresses, { metadata: { name, labels } } as IPAddress);
    const rig = await controllerRig(serviceCidrController, { api });
    const now = async () => {
      const [one] = (await api.list(resources.servicecidrs)).items;
      return one && [one.metadata.finalizers?.join() ?? "", one.status?.conditions?.[0]?.reason];
    };
    await rig.settle();
    assert.deepEqual(await now(), [cidrFinalizer, ""]);
    await api.delete(resources.servicecidrs, { name: "kubernetes" });
    await rig.settle();
    assert.deepEqual(await now(), [cidrFinalizer, "Terminating"]);
    await api.delete(resources.ipaddresses, { name: "10.0.0.1" });
    await rig.settle();
    await rig.clock.advance(11_000);
    await rig.settle();
    assert.equal(await now(), undefined);
    await rig.stop();
  });
});
