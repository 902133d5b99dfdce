import assert from "node:assert/strict";
import { untolerated } from "../../client/rules/tolerations.ts";
import { claimChildren } from "./claim.ts";
import { resolve } from "./int-or-percent.ts";
import { slowStart } from "./slow-start.ts";
import { templateHash } from "./template-hash.ts";
import { deployment, pod, replicaSet } from "./testing/objects.ts";

describe("controlplane/controllers: what controllers share", () => {
  it("claims by selector and controller reference", () => {
    const owner = deployment();
    const selector = [{ key: "app", operator: "=", values: ["web"] }] as const;
    const labels = { app: "web" };
    const pods = [
      pod("ours", { owner, meta: { labels } }),
      pod("left", { owner }),
      pod("nobodys", { meta: { labels } }),
      pod("theirs", { owner: replicaSet("x", "a"), meta: { labels } }),
      pod("going", { meta: { labels, deletionTimestamp: "x" } }),
    ];
    const names = (list: readonly { metadata: { name: string } }[]) =>
      list.map(({ metadata }) => metadata.name);
    const found = claimChildren(owner, selector, pods);
    assert.deepEqual([found.kept, found.adopt, found.release].map(names), [["ours"], ["nobodys"], ["left"]]);
    const going = { ...owner, metadata: { ...owner.metadata, deletionTimestamp: "x" } };
    assert.deepEqual(claimChildren(going, selector, pods).adopt, []);
  });

  it("reads percentages, rounding as asked", () => {
    assert.deepEqual(
      [resolve("25%", 3, "up"), resolve("25%", 3, "down"), resolve(2, 10, "up"), resolve("x", 10, "up")],
      [1, 0, 2, 0],
    );
  });

  it("hashes equal templates alike, and counts collisions in", () => {
    assert.equal(templateHash({ a: 1, b: [] }, undefined), templateHash({ b: [], a: 1 }, undefined));
    assert.notEqual(templateHash({ a: 1 }, undefined), templateHash({ a: 2 }, undefined));
    assert.notEqual(templateHash({ a: 1 }, undefined), templateHash({ a: 1 }, 1));
    assert.match(templateHash({}, 0), /^[bcdfghjklmnpqrstvwxz2456789]+$/);
  });

  it("stops after the batch in which something failed", async () => {
    let tries = 0;
    const refuse = async () => {
      tries++;
      throw new Error("quota");
    };
    const { succeeded, error } = await slowStart(100, refuse);
    assert.deepEqual([succeeded, tries, String(error)], [0, 1, "Error: quota"]);
    const all: number[] = [];
    await slowStart(10, async (index) => void all.push(index));
    assert.deepEqual(all, [0, 1, 2, 3, 4, 5, 6, 7, 8, 9]);
  });

  it("knows which taints a pod bears", () => {
    const taint = { key: "a", value: "1", effect: "NoExecute" };
    const bears = (toleration: object) => untolerated([taint], [toleration], ["NoExecute"]) === undefined;
    assert.ok(bears({ operator: "Exists" }));
    assert.ok(bears({ key: "a", value: "1" }));
    assert.ok(!bears({ key: "a", value: "2" }));
    assert.ok(!bears({ key: "a", operator: "Exists", effect: "NoSchedule" }));
  });
});
