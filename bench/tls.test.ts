import assert from "node:assert/strict";
import { putRequest } from "../proto/etcd.ts";
import { drive, type Job } from "./generator/drive.ts";
import { RequestTemplate } from "./generator/request-template.ts";
import { pintleProgram, type Side, startSide } from "./peers.ts";

describe("the benchmark over TLS", function () {
  this.timeout(120_000);
  let side: Side;
  before(async () => {
    side = await startSide(pintleProgram(), { members: 1, tls: true });
  });
  after(() => side?.stop());

  const puts = (bytes: number): Job => ({
    path: "/etcdserverpb.KV/Put",
    template: new RequestTemplate((key) => putRequest.encode({ key, value: new Uint8Array(bytes) })),
    keyNumber: (n) => n,
    connections: 3,
    clients: 20,
  });

  it("drives a store whose certificate the given authority signed, large values too", async () => {
    assert.match(side.endpoints[0] ?? "", /^https:/);
    const { authorityPem = "" } = side;
    for (const [bytes, requests] of [
      [100, 1000],
      [1_048_576, 24],
    ] as const) {
      const result = await drive({ ...puts(bytes), authorityPem }, side.endpoints, { requests });
      assert.deepEqual([result.requests, result.failures], [requests, 0], result.firstFailure);
    }
  });

  it("refuses a store whose certificate somebody else signed", async () => {
    await assert.rejects(drive(puts(100), side.endpoints, { requests: 1 }), /certificate|issuer/);
  });
});
