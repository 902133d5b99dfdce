import assert from "node:assert/strict";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Client, credentials, type ServiceError } from "@grpc/grpc-js";
import type { Encodable } from "../../../base/protobuf.ts";
import { text, utf8 } from "../../../base/wire.ts";
import { type Method, methods } from "../../../proto/etcd-methods.ts";
import type { RunningStore } from "../../compose.ts";
import { startAlone } from "../../testing/start-alone.ts";

describe("locks and elections", function () {
  this.timeout(60_000);
  let folder: string;
  let store: RunningStore;
  let client: Client;
  before(async () => {
    folder = await mkdtemp(join(tmpdir(), "pintle-locks-"));
    store = await startAlone(join(folder, "data"));
    await store.ready;
    client = new Client(`127.0.0.1:${store.clientPorts[0]}`, credentials.createInsecure());
    for (const id of [7n, 8n]) await ask(methods.leaseGrant, { id, ttl: 600 });
  });
  after(async () => {
    client?.close();
    await store?.stop();
    await rm(folder, { recursive: true, force: true });
  });

  const same = (bytes: Uint8Array) => Buffer.from(bytes);
  /** A call under way, and how to end it early. */
  function begin<Q extends object, A extends object>(method: Method<Q, A>, request: Encodable<Q>) {
    let cancel: () => void = () => undefined;
    const answer = new Promise<A>((resolve, reject) => {
      const bytes = Buffer.from(method.request.encode(request));
      const done = (error: ServiceError | null, answer?: Uint8Array) =>
        error === null && answer !== undefined ? resolve(method.response.decode(answer)) : reject(error);
      const call = client.makeUnaryRequest(method.path, same, same, bytes, done);
      cancel = () => call.cancel();
    });
    return { answer, cancel };
  }
  const ask = <Q extends object, A extends object>(method: Method<Q, A>, request: Encodable<Q>) =>
    begin(method, request).answer;
  const keys = async () => {
    const { kvs } = await ask(methods.range, { key: utf8("l/"), rangeEnd: utf8("l0") });
    return kvs.map(({ key }) => text(key));
  };
  /** Asks until so many keys wait for the lock, or have it. */
  const waiting = async (count: number) => {
    while ((await keys()).length !== count);
  };

  it("hands a lock to who waits longest, once it is free", async () => {
    const first = await ask(methods.lock, { name: utf8("l"), lease: 7n });
    assert.equal(text(first.key), "l/7");
    const second = begin(methods.lock, { name: utf8("l"), lease: 8n });
    await waiting(2);
    await ask(methods.unlock, { key: first.key });
    assert.equal(text((await second.answer).key), "l/8");
    await ask(methods.unlock, { key: utf8("l/8") });
  });

  it("leaves nothing of who stops waiting", async () => {
    const { key } = await ask(methods.lock, { name: utf8("l"), lease: 7n });
    const second = begin(methods.lock, { name: utf8("l"), lease: 8n });
    await waiting(2);
    second.cancel();
    await assert.rejects(second.answer);
    await waiting(1);
    assert.deepEqual(await keys(), ["l/7"]);
    await ask(methods.unlock, { key });
  });

  it("tells who observes of each leader and what it proclaims", async () => {
    const seen: string[] = [];
    const stream = client.makeServerStreamRequest(
      methods.observe.path,
      same,
      same,
      Buffer.from(methods.observe.request.encode({ name: utf8("e") })),
    );
    stream.on("error", () => undefined); // it is cancelled
    const untilSeen = async (value: string) => {
      while (!seen.includes(value)) await new Promise((again) => stream.once("data", again));
    };
    stream.on("data", (bytes: Uint8Array) => {
      seen.push(text(methods.observe.response.decode(bytes).kv?.value ?? utf8("none")));
    });
    const { leader } = await ask(methods.campaign, { name: utf8("e"), lease: 7n, value: utf8("one") });
    await untilSeen("one");
    await ask(methods.proclaim, { leader, value: utf8("more of one") });
    await untilSeen("more of one");
    const next = begin(methods.campaign, { name: utf8("e"), lease: 8n, value: utf8("two") });
    await ask(methods.resign, { leader });
    await next.answer;
    await untilSeen("two");
    assert.deepEqual(seen, ["one", "more of one", "two"]);
    stream.cancel();
  });

  it("refuses in etcd's words", async () => {
    const refusal = async (work: Promise<unknown>) => {
      const error = await work.then(
        () => assert.fail("it is refused"),
        (error: ServiceError) => error,
      );
      return error.details;
    };
    const lease = 99n;
    const lost = "etcdserver: requested lease not found";
    assert.equal(await refusal(ask(methods.lock, { name: utf8("l"), lease })), lost);
    assert.equal(await refusal(ask(methods.campaign, { name: utf8("x"), lease })), lost);
    assert.equal(await refusal(ask(methods.leader, { name: utf8("x") })), "election: no leader");
    assert.equal(await refusal(ask(methods.resign, {})), '"leader" field must be provided');
    const leader = { name: utf8("x"), key: utf8("x/7"), rev: 99, lease: 7n };
    assert.equal(await refusal(ask(methods.proclaim, { leader })), "election: not leader");
  });

  it("answers JSON, too", async () => {
    const url = `http://127.0.0.1:${store.clientPorts[0]}/v3/lock/lock`;
    const body = JSON.stringify({ name: Buffer.from("j").toString("base64"), lease: "7" });
    const answer = await fetch(url, { method: "POST", body });
    const { key } = (await answer.json()) as { key: string };
    assert.equal(Buffer.from(key, "base64").toString(), "j/7");
  });
});
