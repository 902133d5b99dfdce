import assert from "node:assert/strict";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createLog } from "../base/os/log.ts";
import { utf8 } from "../base/wire.ts";
import { type Method, methods } from "../proto/etcd-methods.ts";
import type { RunningStore } from "./compose.ts";
import type { Call } from "./rpc/handler.ts";
import { answerOf } from "./rpc/promised-answer.ts";
import { startAlone } from "./testing/start-alone.ts";

type Line = Readonly<Record<string, unknown>>;

describe("what is refused", function () {
  this.timeout(20_000);
  let dataDir: string;
  let store: RunningStore;
  const lines: Line[] = [];
  const told = (msg: string) => lines.filter((line) => line.msg === msg);
  const ask = <Q extends object>(
    method: Method<Q, object>,
    request: Partial<Q>,
    call: Partial<Call> = { isOwn: true },
  ) => {
    const handler = store.member.handlers.unary.get(method.path);
    assert.ok(handler !== undefined);
    return answerOf(handler, method.request.encode(request as Q), { requireLeader: false, ...call });
  };

  before(async () => {
    dataDir = await mkdtemp(join(tmpdir(), "pintle-refusals-"));
    const log = createLog({ write: (line) => lines.push(JSON.parse(line) as Line) });
    store = await startAlone({ dataDir, log }, "--bcrypt-cost=4");
    await store.ready;
  });
  after(async () => {
    await store?.stop();
    await rm(dataDir, { recursive: true, force: true });
  });

  it("when it is applied is told in the log as etcd tells it, but for what came too late for a compaction", async () => {
    await assert.rejects(
      ask(methods.put, { key: utf8("k"), value: utf8("a secret"), lease: 9n }),
      /lease not found/,
    );
    await ask(methods.put, { key: utf8("k"), value: utf8("v") });
    await ask(methods.compact, { revision: 2 });
    await assert.rejects(ask(methods.compact, { revision: 1 }), /compacted/);
    const [line, ...more] = told("failed to apply request");
    assert.deepEqual(more, []);
    assert.match(String(line?.request), /^header:<ID:\d+> put:<key:"k" value_size:8 lease:9>$/);
    assert.deepEqual([line?.level, line?.response], ["warn", ""]);
    assert.match(String(line?.took), /s$/);
    assert.match(JSON.stringify(line?.error), /requested lease not found/);
  });

  it("for a wrong password, or a user that is not there, is told without the password", async () => {
    const authenticate = (name: string, password: string) =>
      assert.rejects(ask(methods.authenticate, { name, password }, {}));
    await authenticate("ann", "never mind");
    assert.deepEqual(told("invalid authentication was requested"), [], "while authentication is off");
    await ask(methods.userAdd, { name: "root", password: "pw" });
    await ask(methods.userGrantRole, { user: "root", role: "root" });
    await ask(methods.authEnable, {});
    await authenticate("ann", "a secret");
    await authenticate("root", "another secret");
    await authenticate("x".repeat(10_000), "a secret");
    const users = told("invalid authentication was requested").map(({ user }) => user);
    assert.deepEqual(users, ["ann", "root", "x".repeat(256)]);
    assert.deepEqual(
      told("invalid password").map((line) => line["user-name"]),
      ["root"],
    );
    assert.equal(told("enabled authentication").length, 1);
    assert.doesNotMatch(JSON.stringify(lines), /secret/);
  });
});
