import assert from "node:assert/strict";
import { fileURLToPath } from "node:url";
import { type StoreProcesses, startStoreProcesses } from "./etcd-processes.ts";

const pintle = [process.execPath, fileURLToPath(new URL("../../bin/pintle", import.meta.url)), "store"];

describe("the version of a cluster", function () {
  this.timeout(300_000);
  let store: StoreProcesses;
  before(async () => {
    store = await startStoreProcesses(3, pintle, ["--strict-reconfig-check=false"]);
  });
  after(() => store?.stop());

  const post = async (member: number, path: string, body: object) => {
    const url = `${store.endpoints[member]}/v3/${path}`;
    const answer = await fetch(url, { method: "POST", body: JSON.stringify(body) });
    return (await answer.json()) as Readonly<Record<string, unknown>>;
  };
  const downgrade = (member: number, action: "VALIDATE" | "ENABLE" | "CANCEL", version = "") =>
    post(member, "maintenance/downgrade", { action, version });
  const told = async (member: number) => {
    const answer = await fetch(`${store.endpoints[member]}/version`);
    return ((await answer.json()) as { etcdcluster: string }).etcdcluster;
  };
  /** Asks until all members tell this version: the leader looks every few seconds. */
  const agreed = async (version: string) => {
    for (let member = 0; member < 3; ) if ((await told(member)) === version) member++;
  };

  it("is agreed upon by the members, lowered by a downgrade, and raised again when that is cancelled", async () => {
    await agreed("3.7.0");
    const status = await post(1, "maintenance/status", {});
    assert.deepEqual([status.storageVersion, status.downgradeInfo], ["3.7.0", {}]);
    const wrong = await downgrade(1, "VALIDATE", "3.5");
    assert.equal(wrong.message, "etcdserver: invalid downgrade target version");
    assert.equal((await downgrade(1, "VALIDATE", "3.6.0")).version, "3.7");
    assert.equal((await downgrade(2, "ENABLE", "3.6.0")).version, "3.7");
    const again = await downgrade(0, "VALIDATE", "3.6.0");
    assert.match(String(again.message), /job in progress|invalid downgrade target/); // it may be through by now
    await agreed("3.6.0");
    const lowered = await post(0, "maintenance/status", {});
    assert.deepEqual(
      [lowered.storageVersion, lowered.downgradeInfo],
      ["3.6.0", { enabled: true, targetVersion: "3.6.0" }],
    );
    assert.equal((await downgrade(0, "CANCEL")).version, "3.6");
    await agreed("3.7.0");
  });

  it("keeps members out that do not speak it", async () => {
    await downgrade(0, "ENABLE", "3.6.0");
    await agreed("3.6.0");
    await store.kill(2);
    await assert.rejects(store.startAfresh(2), /incompatible with current running cluster/);
  });
});
