import assert from "node:assert/strict";
import { fileURLToPath } from "node:url";
import { etcdMissing, type StoreProcesses, startStoreProcesses } from "./etcd-processes.ts";
import { etcdctl } from "./etcdctl-outcome.ts";

const pintle = [process.execPath, fileURLToPath(new URL("../../bin/pintle", import.meta.url)), "store"];

/** In order: each rests on those before it. What 3.4 lets users do and 3.7 does not (compactions) is not among them. */
const commands = [
  "put dir/1 one",
  "put secret two",
  "role add reader",
  "role add reader",
  "role grant-permission reader read dir/ --prefix",
  "role grant-permission reader readwrite own",
  "role grant-permission reader write from z --from-key",
  "role get reader",
  "role list",
  "user add root:secret",
  "user add ann:secret",
  "user add certified --no-password",
  "user grant-role root root",
  "user grant-role ann reader",
  "user grant-role ann nothing",
  "user get ann",
  "user get ann --detail",
  "user list",
  "auth enable",
  "get dir/1",
  "user list",
  "--user ann:wrong get dir/1",
  "--user nobody:secret get dir/1",
  "--user ann:secret get dir/1",
  "--user ann:secret get dir/ --prefix --keys-only",
  "--user ann:secret get secret",
  "--user ann:secret get a --prefix",
  "--user ann:secret get dir/ --from-key",
  "--user ann:secret put dir/1 no",
  "--user ann:secret put own mine",
  "--user ann:secret put own again --prev-kv",
  "--user ann:secret del own --prev-kv",
  "--user ann:secret del secret",
  "--user ann:secret user add bob:secret",
  "--user ann:secret user get ann",
  "--user ann:secret user get root",
  "--user ann:secret role get reader",
  "--user ann:secret role get root",
  "--user ann:secret role list",
  "--user ann:secret auth disable",
  "--user root:secret role grant-permission reader write dir/2",
  "--user ann:secret put dir/2 yes",
  "--user root:secret role revoke-permission reader dir/ --prefix",
  "--user ann:secret get dir/1",
  "--user root:secret user passwd ann --interactive=false",
  "--user root:secret user revoke-role ann reader",
  "--user ann:secret put dir/2 no",
  "--user root:secret user delete root",
  "--user root:secret role delete root",
  "--user root:secret user delete ann",
  "--user ann:secret get dir/1",
  "--user root:secret compaction 2",
  "--user root:secret get secret",
  "--user root:secret auth disable",
  "get secret",
  "user list",
  "role delete reader",
  "role list",
];

describe("etcdctl and users: the same output from etcd 3.4 and from ours", function () {
  this.timeout(300_000);
  let etcd: StoreProcesses;
  let store: StoreProcesses;
  before(async function () {
    if (etcdMissing) return this.skip();
    etcd = await startStoreProcesses(1, ["etcd"], ["--bcrypt-cost=4"]);
    store = await startStoreProcesses(1, pintle, ["--bcrypt-cost=4"]);
  });
  after(async () => {
    await etcd?.stop();
    await store?.stop();
  });

  const run = async (processes: StoreProcesses, words: readonly string[]) => {
    const endpoint = processes.endpoints[0] ?? "";
    const { stdout, ...outcome } = await etcdctl(endpoint, words);
    return { ...outcome, stdout: stdout.replaceAll(endpoint.replace("http://", ""), "ENDPOINT") };
  };

  for (const command of commands)
    it(`etcdctl ${command}`, async () => {
      const words = command.split(" ");
      const [theirs, ours] = await Promise.all([run(etcd, words), run(store, words)]);
      assert.deepEqual(ours, theirs);
    });
});
