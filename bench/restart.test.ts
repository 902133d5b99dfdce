import assert from "node:assert/strict";
import { putRequest } from "../proto/etcd.ts";
import { drive } from "./generator/drive.ts";
import { RequestTemplate } from "./generator/request-template.ts";
import { pintleProgram, type Side, startSide } from "./peers.ts";
import { leaderFirst, restart, type Status } from "./restart.ts";

const status = (id: string, leader: string, revision = "7"): Status => ({
  header: { member_id: id, revision },
  leader,
});

describe("the members of a side before a restart", () => {
  it("are told with the leader first", () => {
    assert.deepEqual(leaderFirst([status("1", "2"), status("2", "2"), status("3", "2")]), [1, 0, 2]);
    assert.deepEqual(leaderFirst([status("1", "1")]), [0]);
  });

  it("are waited for while they have not applied the same, or do not follow the same leader", () => {
    assert.throws(() => leaderFirst([status("1", "1"), status("2", "1", "6")]), /not applied the same/);
    assert.throws(() => leaderFirst([status("1", "1"), status("2", "2")]), /no leader, or not the same/);
    assert.throws(() => leaderFirst([status("1", "0"), status("2", "0")]), /no leader, or not the same/);
  });
});

describe("a restart of a member", function () {
  this.timeout(120_000);
  let side: Side;
  before(async () => {
    side = await startSide(pintleProgram(), { members: 1, tls: false });
  });
  after(() => side?.stop());

  it("fails where the member has not the keys that it should have", async () => {
    await assert.rejects(restart(side, "one"), /lost its keys/);
  });

  it("is timed until it reads what it had, and says what memory it had and has", async () => {
    const template = new RequestTemplate((key) => putRequest.encode({ key, value: new Uint8Array(256) }));
    const puts = {
      path: "/etcdserverpb.KV/Put",
      template,
      keyNumber: (n: number) => n,
      connections: 1,
      clients: 1,
    };
    await drive(puts, side.endpoints, { requests: 10 });
    for (const which of ["one", "all"] as const) {
      const { seconds, p50Ms, beforeMb, peakMb, afterMb } = await restart(side, which);
      assert.equal(seconds, p50Ms / 1000);
      assert.ok(seconds > 0 && beforeMb > 0 && peakMb > 0 && afterMb > 0);
    }
  });
});
