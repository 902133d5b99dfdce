import assert from "node:assert/strict";
import { systemClock } from "../../base/os/clock.ts";
import { systemRandom } from "../../base/os/random.ts";
import { openStoreClient } from "../../store/client/open-client.ts";
import { EtcdStorage } from "./registry/etcd-storage.ts";
import { histogramOf } from "./registry/metrics-text.ts";
import { hasEtcd, startEtcd } from "./registry/real-etcd.ts";
import { memberAsker } from "./registry/store-members.ts";
import { startTestApiserver } from "./testing.ts";

const path = "/debug/store";

describe("how an API server tells of its store", () => {
  it("asks each member of an etcd, and only for who may read the path", async function () {
    if (!hasEtcd()) return this.skip();
    const etcd = await startEtcd();
    try {
      const parts = { clock: systemClock, random: systemRandom };
      const client = openStoreClient({ endpoints: [etcd.url] }, parts);
      const server = await startTestApiserver({
        storage: new EtcdStorage(client, systemClock),
        members: memberAsker(client, undefined),
      });
      try {
        const { code, body } = await server.admin.call("GET", path);
        assert.equal(code, 200);
        const [member] = body.members;
        assert.equal(body.members.length, 1);
        assert.match(member.id, /^[0-9a-f]+$/);
        assert.deepEqual([member.isLeader, member.isLearner, member.errors], [true, false, []]);
        assert.match(member.version, /^3\./);
        for (const figure of [
          "revision",
          "raftTerm",
          "raftIndex",
          "raftAppliedIndex",
          "databaseBytes",
          "databaseBytesInUse",
        ])
          assert.ok(member[figure] > 0, figure);
        assert.ok(member.walFsync.count > 0 && member.walFsync.buckets.length > 10);
        assert.equal((await server.admin.call("POST", path)).code, 405);
        assert.equal((await server.admin.call("GET", `${path}/x`)).code, 404);
        const jo = await server.clientFor("jo");
        assert.equal((await jo.call("GET", path)).code, 403);
        await etcd.stop();
        const without = await server.admin.call("GET", path);
        assert.notEqual(without.code, 200);
        assert.equal(without.body.kind, "Status");
      } finally {
        await server.stop();
      }
    } finally {
      await etcd.stop();
    }
  });
  it("says why a member cannot be asked, and tells of the others", async () => {
    const ask = memberAsker(
      {
        members: async () => [
          { id: 0xabcn, name: "a", peerUrls: [], clientUrls: ["http://127.0.0.1:1"], isLearner: false },
          { id: 2n, name: "", peerUrls: [], clientUrls: [], isLearner: true },
        ],
        status: async () => {
          throw new Error("refused");
        },
      },
      undefined,
    );
    assert.deepEqual(await ask(), [
      { id: "abc", name: "a", isLearner: false, unreachable: "refused" },
      { id: "2", name: "", isLearner: true, unreachable: "it has not started yet" },
    ]);
  });
  it("is not there where the store has no members", async () => {
    const server = await startTestApiserver();
    try {
      assert.equal((await server.admin.call("GET", path)).code, 404);
    } finally {
      await server.stop();
    }
  });
  it("reads a histogram of that name, and nothing that looks like it", () => {
    const text = [
      "# TYPE fsync_seconds histogram",
      'fsync_seconds_bucket{le="0.001"} 3',
      'fsync_seconds_bucket{le="0.002"} 5',
      'fsync_seconds_bucket{le="+Inf"} 6',
      "fsync_seconds_sum 0.5",
      "fsync_seconds_count 6",
      'fsync_seconds_more_bucket{le="1"} 9',
      'fsync_seconds_bucket{le="x"} 1',
    ].join("\n");
    assert.deepEqual(histogramOf(text, "fsync_seconds"), {
      buckets: [
        { most: 0.001, count: 3 },
        { most: 0.002, count: 5 },
      ],
      count: 6,
      sum: 0.5,
    });
    assert.equal(histogramOf(text, "fsync"), undefined);
  });
});
