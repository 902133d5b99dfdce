import assert from "node:assert/strict";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { deferred } from "../../../base/deferred.ts";
import { utf8 } from "../../../base/wire.ts";
import { type Method, methods } from "../../../proto/etcd-methods.ts";
import type { RunningStore } from "../../compose.ts";
import { sliceLimits } from "../../mvcc/read.ts";
import { startAlone } from "../../testing/start-alone.ts";
import type { Call } from "../handler.ts";
import { answerOf } from "../promised-answer.ts";

describe("a large read that began while authentication was off", function () {
  this.timeout(60_000);
  const everything = { key: utf8("k"), rangeEnd: utf8("l") };
  let folder: string;
  let store: RunningStore;
  const ask = <Q extends object, A extends object>(
    method: Method<Q, A>,
    request: Partial<Q>,
    call: Partial<Call> = {},
  ) => {
    const handler = store.member.handlers.unary.get(method.path);
    assert.ok(handler !== undefined);
    return answerOf(handler, method.request.encode(request as Q), { requireLeader: false, ...call });
  };

  before(async () => {
    folder = await mkdtemp(join(tmpdir(), "pintle-outdated-read-"));
    store = await startAlone(folder, "--bcrypt-cost=4", "--max-txn-ops=1000");
    await store.ready;
    for (let at = 0; at <= sliceLimits.valuesMax; at += 1)
      await ask(methods.put, { key: utf8(`k${at}`), value: utf8("v") });
    await ask(methods.userAdd, { name: "root", password: "pw" });
    await ask(methods.userGrantRole, { user: "root", role: "root" });
  });
  beforeEach(async () => {
    const { token } = await authenticated();
    await ask(methods.authDisable, {}, { token });
  });
  after(async () => {
    await store?.stop();
    await rm(folder, { recursive: true, force: true });
  });
  const authenticated = async () => {
    await ask(methods.authEnable, {}, { isOwn: true });
    const bytes = await ask(methods.authenticate, { name: "root", password: "pw" });
    return methods.authenticate.response.decode(bytes);
  };

  const reads = {
    range: (call: Partial<Call>) => ask(methods.range, everything, call),
    txn: (call: Partial<Call>) =>
      ask(methods.txn, { success: [{ requestRange: everything }] } as object, call),
  };
  for (const [name, read] of Object.entries(reads))
    it(`is not answered once it is on: ${name}`, async () => {
      const room = deferred<void>();
      const asked = deferred<void>();
      const answer = read({
        roomForLargeAnswer() {
          asked.resolve();
          return room.promise;
        },
      });
      const outcome = answer.then(
        () => "answered",
        (error: Error) => error.message,
      );
      await asked.promise;
      await ask(methods.authEnable, {});
      room.resolve();
      assert.equal(await outcome, "etcdserver: revision of auth store is old");
    });
});
