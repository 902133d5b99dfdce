import assert from "node:assert/strict";
import { parseIpRange } from "../../base/ip-range.ts";
import { systemClock } from "../../base/os/clock.ts";
import { systemRandom } from "../../base/os/random.ts";
import { openStoreClient } from "../../store/client/open-client.ts";
import { EtcdStorage } from "./registry/etcd-storage.ts";
import { MemoryStorage } from "./registry/memory-storage.ts";
import { hasEtcd, type RealEtcd, startEtcd } from "./registry/real-etcd.ts";
import { serverSuite } from "./server.suite.ts";
import { kindsSuite } from "./server-kinds.suite.ts";
import { startTestApiserver } from "./testing.ts";

serverSuite("a storage in memory", async () => new MemoryStorage(systemClock));
kindsSuite("a storage in memory", async () => new MemoryStorage(systemClock));

describe("API servers on Debian's etcd", () => {
  let etcd: RealEtcd | undefined;
  const open = async () =>
    new EtcdStorage(
      openStoreClient({ endpoints: [etcd?.url ?? ""] }, { clock: systemClock, random: systemRandom }),
      systemClock,
    );
  before(async function () {
    if (!hasEtcd()) this.skip();
    etcd = await startEtcd();
  });
  after(() => etcd?.stop());

  // On one store, one after the other: the second finds what the first left.
  serverSuite("etcd", open);
  kindsSuite("etcd", open);

  it("two of them see each other's writes at once, and list each other as endpoints", async () => {
    const one = await startTestApiserver({ storage: await open() });
    const two = await startTestApiserver({ storage: await open(), authority: one.authority });
    try {
      const path = "/api/v1/namespaces/default/secrets";
      for (let n = 0; n < 10; n++) {
        const body = { apiVersion: "v1", kind: "Secret", metadata: { name: `both-${n}` } };
        await one.admin.call("POST", path, { body });
        const { body: list } = await two.admin.call("GET", path);
        assert.equal(list.items.length, n + 1, "a list shows every write that was answered before");
      }
      const endpoints = async () => {
        const { body } = await two.admin.call("GET", "/api/v1/namespaces/default/endpoints/kubernetes");
        return body.subsets.length;
      };
      assert.equal(await endpoints(), 2);
      await one.stop();
      assert.equal(await endpoints(), 1);
    } finally {
      await one.stop();
      await two.stop();
    }
  });

  it("keeps the Service of the cluster's DNS at its address, unless that is somebody else's", async () => {
    const config = { clusterDnsAddresses: ["10.96.0.10"] };
    const path = "/api/v1/namespaces/kube-system/services/kube-dns";
    const first = await startTestApiserver({ storage: await open() });
    try {
      assert.equal((await first.admin.call("GET", path)).code, 404);
    } finally {
      await first.stop();
    }
    const second = await startTestApiserver({ storage: await open(), config });
    try {
      const { body } = await second.admin.call("GET", path);
      assert.deepEqual(
        [
          body.spec.clusterIP,
          body.spec.selector,
          body.spec.ports.map((port: { protocol: string }) => port.protocol),
        ],
        ["10.96.0.10", undefined, ["UDP", "TCP"]],
      );
      assert.equal((await second.admin.call("DELETE", path)).code, 200);
      const own = {
        apiVersion: "v1",
        kind: "Service",
        metadata: { name: "coredns" },
        spec: { clusterIP: "10.96.0.10", ports: [{ port: 53, protocol: "UDP" }] },
      };
      const made = await second.admin.call("POST", "/api/v1/namespaces/kube-system/services", { body: own });
      assert.equal(made.code, 201);
    } finally {
      await second.stop();
    }
    const third = await startTestApiserver({ storage: await open(), config });
    try {
      assert.equal((await third.admin.call("GET", path)).code, 404);
    } finally {
      await third.stop();
    }
  });

  it("hands out each cluster IP of a small range once, to many at once, and then says that it is full", async () => {
    const clusterIps = ["10.0.0.0/28"].flatMap((text) => parseIpRange(text) ?? []);
    const server = await startTestApiserver({ storage: await open(), config: { clusterIps } });
    try {
      const create = (name: string) =>
        server.admin.call("POST", "/api/v1/namespaces/default/services", {
          body: { apiVersion: "v1", kind: "Service", metadata: { name }, spec: { ports: [{ port: 80 }] } },
        });
      // 16 addresses less the network's, the API's own and the broadcast one, less one that stays free meanwhile.
      const made = await Promise.all(Array.from({ length: 12 }, (_, n) => create(`small-${n}`)));
      assert.deepEqual(new Set(made.map(({ code }) => code)), new Set([201]));
      assert.equal(new Set(made.map(({ body }) => body.spec.clusterIP)).size, 12);
      assert.equal((await create("last")).code, 201);
      const full = await create("full");
      assert.deepEqual([full.code, /range 10\.0\.0\.0\/28 is full/.test(full.body.message)], [500, true]);
      await server.admin.call("DELETE", "/api/v1/namespaces/default/services/small-3");
      assert.equal((await create("again")).body.spec.clusterIP, made[3]?.body.spec.clusterIP);
    } finally {
      await server.stop();
    }
  });

  it("a list does not miss a write because something else moved the store's revision", async () => {
    const server = await startTestApiserver({ storage: await open() });
    const foreign = await open();
    try {
      await server.admin.call("GET", "/api/v1/configmaps");
      const value = new Uint8Array(1);
      await foreign.commit({ compare: [], writes: [{ type: "put", key: "/elsewhere", value }] });
      assert.equal((await server.admin.call("GET", "/api/v1/configmaps")).code, 200);
    } finally {
      await foreign.close();
      await server.stop();
    }
  });
});
