import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { fileURLToPath } from "node:url";
import { isInstalled } from "../local-cluster.ts";
import { type StoreProcesses, startStoreProcesses } from "./etcd-processes.ts";

const command = [process.execPath, fileURLToPath(new URL("../../bin/pintle", import.meta.url)), "store"];

/** Debian's etcdctl 3.4 sends an endpoint as it was typed for :authority; both ways of typing one must work. */
describe("etcdctl with endpoints as people type them", function () {
  this.timeout(300_000);
  let store: StoreProcesses;
  before(async function () {
    if (!isInstalled("etcdctl")) return this.skip();
    store = await startStoreProcesses(1, command);
  });
  after(() => store?.stop());

  for (const scheme of ["http://", ""]) {
    it(`${scheme || "without a scheme"}: status, hashkv, defrag, health, put, get`, () => {
      const endpoint = `${scheme}${store.endpoints[0]?.replace(/^http:\/\//, "")}`;
      const etcdctl = (...args: string[]) =>
        execFileSync("etcdctl", [`--endpoints=${endpoint}`, ...args], {
          encoding: "utf8",
          env: { ...process.env, ETCDCTL_API: "3" },
          stdio: ["ignore", "pipe", "pipe"],
        });
      assert.match(etcdctl("endpoint", "status"), /, 3\.\d+\.\d+, .*true/);
      assert.match(etcdctl("endpoint", "hashkv"), /, \d+/);
      assert.match(etcdctl("defrag"), /Finished defragmenting/);
      assert.equal(etcdctl("put", "k", "v".repeat(100_000)), "OK\n");
      assert.equal(etcdctl("get", "k", "--print-value-only").length, 100_001);
    });
  }
});
