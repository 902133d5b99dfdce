import assert from "node:assert/strict";
import { putRequest } from "../proto/etcd.ts";
import { drive } from "./generator/drive.ts";
import { RequestTemplate } from "./generator/request-template.ts";
import { pintleProgram, type Side, startSide } from "./peers.ts";
import { restart } from "./restart.ts";

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
