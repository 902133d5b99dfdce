import assert from "node:assert/strict";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { utf8 } from "../../../base/wire.ts";
import { type Method, methods } from "../../../proto/etcd-methods.ts";
import { startAlone } from "../../testing/start-alone.ts";
import { answerOf } from "../promised-answer.ts";

describe("etcd_server_request_duration_seconds", () => {
  it("has the reads of clients in this process, too", async () => {
    const folder = await mkdtemp(join(tmpdir(), "pintle-read-times-"));
    const store = await startAlone(folder);
    await store.ready;
    const ask = <Q extends object>(method: Method<Q, object>, request: object) => {
      const handler = store.member.handlers.unary.get(method.path);
      assert.ok(handler !== undefined);
      return answerOf(handler, method.request.encode(request as Q), { requireLeader: false });
    };
    const counts = async () => {
      const text = await (await fetch(`http://127.0.0.1:${store.clientPorts[0]}/metrics`)).text();
      const name = "etcd_server_request_duration_seconds_count";
      const count = (type: string, success: boolean) =>
        Number(text.split(`${name}{success="${success}",type="${type}"} `)[1]?.split("\n")[0] ?? 0);
      return [
        count("Range", true),
        count("Range", false),
        count("ReadonlyTxn", true),
        count("ReadonlyTxn", false),
      ];
    };
    try {
      const [ranges = 0, failedRanges = 0, txns = 0, failedTxns = 0] = await counts();
      const future = { key: utf8("k"), revision: 1_000 };
      await ask(methods.range, { key: utf8("k") });
      await assert.rejects(ask(methods.range, future), /future revision/);
      await ask(methods.txn, { success: [{ requestRange: { key: utf8("k") } }] });
      await assert.rejects(ask(methods.txn, { success: [{ requestRange: future }] }), /future revision/);
      assert.deepEqual(await counts(), [ranges + 1, failedRanges + 1, txns + 1, failedTxns + 1]);
    } finally {
      await store.stop();
      await rm(folder, { recursive: true, force: true });
    }
  });
});
