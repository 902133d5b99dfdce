import assert from "node:assert/strict";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { must } from "../../../base/assert.ts";
import { utf8 } from "../../../base/wire.ts";
import { type WatchRequest, watchRequest, watchResponse } from "../../../proto/etcd.ts";
import { methods } from "../../../proto/etcd-methods.ts";
import type { RunningStore } from "../../compose.ts";
import { startAlone } from "../../testing/start-alone.ts";
import { joinsParts } from "../handler.ts";
import { answerOf } from "../promised-answer.ts";

describe("a watch that compaction ended", () => {
  let store: RunningStore;
  let dataDir: string;
  before(async () => {
    dataDir = await mkdtemp(join(tmpdir(), "pintle-ended-watch-"));
    store = await startAlone(dataDir);
    await store.ready;
    for (let n = 0; n < 3; n++) await unary(methods.put.path, methods.put.request.encode({ key: utf8("k") }));
    await unary(methods.compact.path, methods.compact.request.encode({ revision: 3 }));
  });
  after(async () => {
    await store.stop();
    await rm(dataDir, { recursive: true });
  });

  const call = { requireLeader: false };
  const unary = (path: string, request: Uint8Array) =>
    answerOf(must(store.member.handlers.unary.get(path), path), request, call);

  it("has its id until the client cancels it, which is answered", async () => {
    const told: string[] = [];
    const send = (message: Uint8Array) => {
      const { watchId, created, canceled } = watchResponse.decode(message);
      told.push(`${watchId}${created ? " created" : ""}${canceled ? " canceled" : ""}`);
      return true;
    };
    const { handler } = must(store.member.handlers.streams.get(methods.watch.path), "the service");
    const stream = handler({ send, sendParts: joinsParts(send), end: () => undefined }, call);
    const ask = async (request: Partial<WatchRequest> | object) => {
      await stream.message(watchRequest.encode(request));
      return told.splice(0);
    };
    const ended = { createRequest: { key: utf8("k"), startRevision: 1 } };
    assert.deepEqual(await ask(ended), ["0 created", "0 canceled"]);
    assert.deepEqual(await ask({ createRequest: { key: utf8("k"), watchId: 1n, startRevision: 1 } }), [
      "1 created",
      "1 canceled",
    ]);
    const again = { createRequest: { key: utf8("k"), watchId: 1n } };
    assert.deepEqual(await ask(again), ["-1 created canceled"]);
    assert.deepEqual(await ask({ createRequest: { key: utf8("k") } }), ["2 created"]);
    assert.deepEqual(await ask({ cancelRequest: { watchId: 1n } }), ["1 canceled"]);
    assert.deepEqual(await ask({ cancelRequest: { watchId: 1n } }), []);
    assert.deepEqual(await ask(again), ["1 created"]);
    stream.closed();
  });
});
