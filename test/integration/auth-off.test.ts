import assert from "node:assert/strict";
import { fileURLToPath } from "node:url";
import { etcdMissing, type StoreProcesses, startStoreProcesses } from "./etcd-processes.ts";
import { etcdctl } from "./etcdctl-outcome.ts";

const pintle = [process.execPath, fileURLToPath(new URL("../../bin/pintle", import.meta.url)), "store"];

describe("a store without users answers etcd's clients as etcd does while authentication is off", function () {
  this.timeout(300_000);
  let etcd: StoreProcesses;
  let store: StoreProcesses;
  before(async function () {
    if (etcdMissing) return this.skip();
    etcd = await startStoreProcesses(1, ["etcd"]);
    store = await startStoreProcesses(1, pintle);
  });
  after(async () => {
    await etcd?.stop();
    await store?.stop();
  });

  const at = (processes: StoreProcesses) => processes.endpoints[0] ?? "";

  for (const command of [
    "--user root:secret put a 1",
    "--user root:secret get a",
    "--user=root:secret lease list",
    "auth enable",
    "auth disable",
    "user list",
    "user get alice",
    "user delete alice",
    "user passwd alice --interactive=false",
    "user grant-role alice admin",
    "user revoke-role alice admin",
    "role list",
    "role get admin",
    "role delete admin",
    "role grant-permission admin read key",
    "role grant-permission admin read key --prefix",
    "role revoke-permission admin key",
  ])
    it(`etcdctl ${command}`, async () => {
      const words = command.split(" ");
      const [theirs, ours] = await Promise.all([etcdctl(at(etcd), words), etcdctl(at(store), words)]);
      assert.deepEqual(ours, theirs);
    });

  it("answers over the JSON gateway, too", async () => {
    const post = async (path: string, body: object) => {
      const answer = await fetch(`${at(store)}/v3/auth/${path}`, {
        method: "POST",
        body: JSON.stringify(body),
      });
      const { header, error, ...rest } = (await answer.json()) as Record<string, unknown>;
      return { status: answer.status, ...rest };
    };
    const refused = (code: number, text: string) => ({
      status: 400,
      code,
      message: `etcdserver: ${text}`,
    });
    assert.deepEqual(
      await post("authenticate", { name: "root", password: "secret" }),
      refused(9, "authentication is not enabled"),
    );
    assert.deepEqual(await post("status", {}), { status: 200, authRevision: "1" });
    assert.deepEqual(await post("enable", {}), refused(9, "root user does not exist"));
    assert.deepEqual(await post("disable", {}), { status: 200 });
    assert.deepEqual(await post("user/list", {}), { status: 200 });
    assert.deepEqual(await post("user/add", {}), refused(3, "user name is empty"));
    assert.deepEqual(await post("role/get", { role: "root" }), refused(9, "role name not found"));
    assert.deepEqual(await post("role/grant", { name: "r" }), refused(3, "permission not given"));
    assert.deepEqual(
      await post("role/grant", { name: "r", perm: { key: "Yg==", range_end: "YQ==" } }),
      refused(3, "invalid auth management"),
    );
  });
});
