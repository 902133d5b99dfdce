import assert from "node:assert/strict";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { utf8 } from "../../../base/wire.ts";
import { putRequest, rangeRequest, rangeResponse, txnRequest } from "../../../proto/etcd.ts";
import { startAlone } from "../../testing/start-alone.ts";
import { answerOf } from "../promised-answer.ts";

describe("store/rpc: a transaction as deep as one may be", () => {
  it("is carried out, and the member goes on", async () => {
    const folder = await mkdtemp(join(tmpdir(), "pintle-deep-"));
    const store = await startAlone(folder);
    try {
      await store.ready;
      const call = (method: string, bytes: Uint8Array) => {
        const handler = store.member.handlers.unary.get(`/etcdserverpb.KV/${method}`);
        assert.ok(handler !== undefined);
        return answerOf(handler, bytes, { requireLeader: false });
      };
      let request = txnRequest.encode({ success: [{ requestPut: { key: utf8("deep"), value: utf8("1") } }] });
      for (let level = 1; level < 50; level++)
        request = txnRequest.encode({ success: [{ requestTxn: request }] });
      await call("Txn", request);
      await call("Put", putRequest.encode({ key: utf8("after"), value: utf8("2") }));
      const answer = await call("Range", rangeRequest.encode({ key: utf8("a"), rangeEnd: utf8("z") }));
      assert.equal(rangeResponse.decode(answer).count, 2);
    } finally {
      await store.stop();
      await rm(folder, { recursive: true });
    }
  });
});
