import assert from "node:assert/strict";
import { resources } from "../../../client/resources.ts";
import { FakeApi } from "../../../client/testing/fake-api.ts";
import { controllerRig } from "../testing/controller-rig.ts";
import { nodeIpamController } from "./node-ipam-controller.ts";

describe("the controller that gives nodes their ranges", () => {
  const start = (api: FakeApi, ...flags: readonly string[]) =>
    controllerRig(nodeIpamController, { api, flags: ["--allocate-node-cidrs", ...flags] });
  const rangesOf = async (api: FakeApi) =>
    (await api.list(resources.nodes)).items.map(({ metadata, spec }) => [
      metadata.name,
      spec?.podCIDR,
      (spec?.podCIDRs ?? []).join(),
    ]);

  it("gives each of 5,000 nodes its own, of both families, and those that had one keep it", async () => {
    const api = new FakeApi();
    for (let node = 0; node < 5000; node++) {
      const spec = node === 1000 ? { podCIDR: "10.0.7.0/24", podCIDRs: ["10.0.7.0/24"] } : {};
      await api.create(resources.nodes, { metadata: { name: `n${node}` }, spec });
    }
    const rig = await start(api, "--cluster-cidr=10.0.0.0/8,fd00::/48");
    await rig.settle();
    const given = await rangesOf(api);
    const all = given.flatMap(([, , ranges]) => (ranges ?? "").split(","));
    assert.equal(given.length, 5000);
    assert.equal(new Set(all).size, all.length);
    assert.equal(all.length, 4999 * 2 + 1);
    assert.match(
      await rig.meter.text(),
      /^node_ipam_controller_cidrset_cidrs_allocations_total\{clusterCIDR="fd00::\/48"\} 4999$/m,
    );
    await rig.stop();
  }).timeout(120_000);

  it("counts ranges under Kubernetes' names, those that nodes and services had before too", async () => {
    const api = new FakeApi();
    const spec = { podCIDR: "10.0.1.0/24", podCIDRs: ["10.0.1.0/24"] };
    await api.create(resources.nodes, { metadata: { name: "old" }, spec });
    await api.create(resources.nodes, { metadata: { name: "new" } });
    const rig = await start(api, "--cluster-cidr=10.0.0.0/22", "--service-cluster-ip-range=10.0.0.0/25");
    await rig.settle();
    await api.delete(resources.nodes, { name: "old" });
    await rig.settle();
    const text = await rig.meter.text();
    const label = '{clusterCIDR="10.0.0.0/22"}';
    for (const line of [
      `cidrset_cidrs_allocations_total${label} 3`,
      `cidrset_cidrs_releases_total${label} 1`,
      `cirdset_max_cidrs${label} 4`,
      `cidrset_usage_cidrs${label} 0.5`,
      `cidrset_allocation_tries_per_request_sum${label} 2`,
    ])
      assert.ok(text.includes(`node_ipam_controller_${line}\n`), line);
    await rig.stop();
  });

  it("says so when a range cannot be written, and writes the same one again", async () => {
    const api = new FakeApi();
    await api.create(resources.nodes, { metadata: { name: "a" } });
    const rig = await start(api, "--cluster-cidr=10.0.0.0/22");
    api.intercept = ({ verb }) =>
      verb === "patch" ? Promise.reject(new Error("no")) : Promise.resolve(undefined);
    await assert.rejects(rig.settle(), /no/);
    assert.deepEqual(rig.events, ["Normal CIDRAssignmentFailed: Node a status is now: CIDRAssignmentFailed"]);
    api.intercept = () => Promise.resolve(undefined);
    await rig.sync("a");
    assert.deepEqual(await rangesOf(api), [["a", "10.0.0.0/24", "10.0.0.0/24"]]);
    await rig.stop();
  });

  it("says of a node that finds nothing left, and gives it what another leaves", async () => {
    const api = new FakeApi();
    for (const name of ["a", "b", "c"]) await api.create(resources.nodes, { metadata: { name } });
    const rig = await start(api, "--cluster-cidr=10.0.0.0/25", "--node-cidr-mask-size=26");
    await assert.rejects(
      rig.settle(),
      /no range is left for node c in 10.0.0.0\/25; --cluster-cidr is too small/,
    );
    assert.deepEqual(rig.events, ["Normal CIDRNotAvailable: Node c status is now: CIDRNotAvailable"]);
    await api.delete(resources.nodes, { name: "a" });
    await rig.settle();
    assert.deepEqual(await rangesOf(api), [
      ["b", "10.0.0.64/26", "10.0.0.64/26"],
      ["c", "10.0.0.0/26", "10.0.0.0/26"],
    ]);
    await rig.stop();
  });
});
