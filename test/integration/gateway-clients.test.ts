import assert from "node:assert/strict";
import { fileURLToPath } from "node:url";
import { type StoreProcesses, startStoreProcesses } from "./etcd-processes.ts";
import { etcdVersions } from "./etcd-versions.ts";
import { GatewayTalk } from "./gateway-talk.ts";

const pintle = [process.execPath, fileURLToPath(new URL("../../bin/pintle", import.meta.url)), "store"];
const flags = ["--bcrypt-cost=4"];
const base64 = (text: string) => Buffer.from(text).toString("base64");
const key = (text: string) => ({ key: base64(text) });
const below = (prefix: string) => ({ ...key(prefix), range_end: base64(prefix.replace(/.$/, "0")) });
const leader = "/service/batman/leader";

/** As Patroni keeps its cluster (its etcd3.py): a leader's key that is made if there is none and lives with a lease. */
async function asPatroni(talk: GatewayTalk): Promise<void> {
  await talk.ask("/version", undefined, "GET");
  await talk.ask("/v3/auth/authenticate", { name: "patroni", password: "pw" });
  await talk.ask("/v3/cluster/member/list", {});
  await talk.ask("/v3/kv/range", below("/service/batman/"));
  await talk.ask("/v3/lease/grant", { TTL: 30, ID: "7587870354237889035" });
  const watch = talk.watch({ ...below("/service/batman/"), start_revision: "2" });
  await watch.heard(1);
  const take = (value: string) =>
    talk.ask("/v3/kv/txn", {
      compare: [{ target: "CREATE", create_revision: "0", ...key(leader) }],
      success: [{ request_put: { ...key(leader), value: base64(value), lease: "7587870354237889035" } }],
      failure: [{ request_range: key(leader) }],
    });
  await take("one");
  await watch.heard(2);
  await take("two");
  await talk.ask("/v3/lease/keepalive", { ID: "7587870354237889035" });
  await talk.ask("/v3/lease/keepalive", { ID: "7587870354237889036" });
  await talk.ask("/v3/kv/put", { ...key("/service/batman/status"), value: base64('{"optime":1}') });
  await watch.heard(3);
  const ifStill = { target: "MOD", mod_revision: "99", ...key(leader) };
  await talk.ask("/v3/kv/txn", { compare: [ifStill], success: [{ request_delete_range: key(leader) }] });
  await talk.ask("/v3/kv/deleterange", { ...key(leader), prev_kv: true });
  await watch.heard(4);
  await talk.ask("/v3/lease/revoke", { ID: "7587870354237889035" });
  await talk.ask("/v3/lease/revoke", { ID: "7587870354237889035" });
  await talk.ask("/v3/kv/put", { ...key(leader), value: "", lease: "7587870354237889035" });
  await talk.ask("/v3/kv/range", { ...below("/service/batman/"), serializable: true });
  watch.leave();
}

/** As APISIX follows its routes (lua-resty-etcd): it reads a directory, watches on from there, and reads it anew when what it
 *  watches is compacted. */
async function asApisix(talk: GatewayTalk): Promise<void> {
  const routes = below("/apisix/routes/");
  for (const value of ["1", "2", "3"])
    await talk.ask("/v3/kv/put", { ...key("/apisix/routes/1"), value: base64(value), prev_kv: true });
  await talk.ask("/v3/kv/range", { ...routes, limit: "0", sort_order: 1, sort_target: 0 });
  await talk.ask("/v3/kv/range", { ...routes, keys_only: true });
  const watch = talk.watch({ ...routes, progress_notify: true, prev_kv: true, fragment: true, watch_id: 5 });
  await watch.heard(1);
  await talk.ask("/v3/kv/put", { ...key("/apisix/routes/2"), value: base64("1") });
  await watch.heard(2);
  await talk.ask("/v3/kv/deleterange", { ...routes, prev_kv: true });
  await watch.heard(3);
  watch.leave();
  await talk.ask("/v3/kv/compaction", { revision: "5", physical: true });
  const late = talk.watch({ ...routes, start_revision: 3 });
  await late.heard(2);
  late.leave();
  await talk.ask("/v3/kv/range", { ...routes, revision: "3" });
  await talk.ask("/v3/kv/range", { ...routes, revision: "99999" });
  await talk.ask("/v3/lease/grant", { TTL: 60, ID: 77 });
  await talk.ask("/v3/kv/lease/timetolive", { ID: 77, keys: true });
  await talk.ask("/v3/kv/lease/revoke", { ID: 77 });
  await talk.ask("/v3/lease/leases", {});
}

/** Who may what, and what both do when their token does not hold: code 16 asks for a new one, 7 and 3 do not. */
async function withUsers(talk: GatewayTalk): Promise<void> {
  for (const [name, role, range] of [
    ["root", "root", undefined],
    ["patroni", "batman", below("/service/batman/")],
  ] as const) {
    await talk.ask("/v3/auth/user/add", { name, password: "pw" });
    await talk.ask("/v3/auth/role/add", { name: role });
    if (range !== undefined)
      await talk.ask("/v3/auth/role/grant", { name: role, perm: { permType: "READWRITE", ...range } });
    await talk.ask("/v3/auth/user/grant", { user: name, role });
  }
  await talk.ask("/v3/auth/enable", {});
  await talk.ask("/v3/auth/authenticate", { name: "patroni", password: "wrong" });
  await talk.ask("/v3/auth/authenticate", { name: "nobody", password: "pw" });
  for (const by of ["nobody", "a forger", "patroni", "root"]) {
    await talk.logIn(by, "pw");
    await talk.ask("/v3/cluster/member/list", {});
    await talk.ask("/v3/kv/range", below("/service/batman/"));
    await talk.ask("/v3/kv/put", { ...key(leader), value: base64("mine") });
    await talk.ask("/v3/kv/put", { ...key("/apisix/routes/1"), value: base64("yours") });
    await talk.ask("/v3/kv/txn", { success: [{ request_range: key("/apisix/routes/1") }] });
    await talk.ask("/v3/lease/leases", {});
    await talk.ask("/v3/auth/user/list", {});
    for (const prefix of ["/service/batman/", "/apisix/routes/"]) {
      const watch = talk.watch(below(prefix));
      await watch.heard(1);
      watch.leave();
    }
  }
  await talk.ask("/v3/auth/user/changepw", { name: "patroni", password: "new" });
  await talk.logIn("patroni", "new");
  await talk.ask("/v3/kv/range", key(leader));
  await talk.logIn("root", "pw");
  await talk.ask("/v3/auth/disable", {});
}

type Dialogue = readonly [title: string, say: (talk: GatewayTalk) => Promise<void>];

/** 3.4 lets everybody list members, which later versions closed: it is not compared where users are known. */
const dialoguesWith = (version: string): readonly Dialogue[] => [
  ["Patroni", asPatroni],
  ["APISIX", asApisix],
  ...(version === "etcd 3.4" ? [] : [["both, when users are known", withUsers] as const]),
];

for (const { name, server } of etcdVersions)
  describe(`clients of the JSON gateway with the store and ${name}`, function () {
    this.timeout(120_000);
    let stores: readonly StoreProcesses[] = [];
    before(async () => {
      stores = await Promise.all([pintle, server].map((command) => startStoreProcesses(1, command, flags)));
    });
    after(() => Promise.all(stores.map((store) => store.stop())));

    for (const [title, say] of dialoguesWith(name))
      it(`${title}: the same answers to the same requests`, async () => {
        const talks = stores.map(({ endpoints: [endpoint = ""] }) => new GatewayTalk(endpoint));
        await Promise.all(talks.map(say));
        const [own, theirs] = talks.map(({ transcript }) => transcript);
        assert.deepEqual(own, theirs);
      });
  });
