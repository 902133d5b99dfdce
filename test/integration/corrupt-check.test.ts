import assert from "node:assert/strict";
import { readdir, readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { must } from "../../base/assert.ts";
import { blockHeadBytes, Chunk, readBlockHead, writeBlockHead } from "../../store/revisions/row-format.ts";
import { type StoreProcesses, startStoreProcesses } from "./etcd-processes.ts";

const pintle = [process.execPath, fileURLToPath(new URL("../../bin/pintle", import.meta.url)), "store"];

/** Changes the last letter of a stored value as a bug would: its block's checksum is right. */
async function spoil(store: StoreProcesses, member: number, value: string): Promise<void> {
  const db = join(store.folder, `m${member}`, "member", "db");
  const name = (await readFile(join(db, "current"), "utf8")).trim();
  const folder = join(db, name, "revisions");
  for (const segment of await readdir(folder)) {
    const path = join(folder, segment);
    const bytes = await readFile(path);
    const at = bytes.lastIndexOf(value);
    if (at < 0) continue;
    const chunk = new Chunk(bytes);
    let start = 0; // of the block
    for (let next = 0; next <= at; next += blockHeadBytes + headAt(chunk, next).bodyBytes) start = next;
    bytes[at + value.length - 1] = (bytes[at + value.length - 1] as number) ^ 1;
    writeBlockHead(chunk, start, headAt(chunk, start));
    await writeFile(path, bytes);
    return;
  }
  assert.fail(`no revision has ${value}`);
}
const headAt = (chunk: Chunk, at: number) => must(readBlockHead(chunk, at), `a block at ${at}`);

/** Calls of a cluster by its JSON gateways. */
function callsOf(store: StoreProcesses) {
  const fetched = (member: number, path: string, body: object) =>
    fetch(`${store.endpoints[member]}${path}`, { method: "POST", body: JSON.stringify(body) });
  /** Asks again while the members have no leader, or another one: that a value is put twice does not matter here. */
  const post = async (member: number, path: string, body: object) => {
    for (;;) {
      const answer = await fetched(member, path, body);
      const text = await answer.text();
      if (answer.status === 200) return JSON.parse(text);
      assert.equal(answer.status, 503, text);
    }
  };
  const put = (value: string) =>
    post(0, "/v3/kv/put", { key: "aw==", value: Buffer.from(value).toString("base64") });
  /** What a refused call answers. */
  const refusal = async (path: string, body: object) => {
    const answer = await fetched(0, path, body);
    const { code, message } = (await answer.json()) as { code?: number; message?: string };
    return `${answer.status} ${code} ${message}`;
  };
  return { post, put, refusal };
}

type Calls = ReturnType<typeof callsOf>;

/** Puts a value, and changes it on the disk of member 2 behind its back. */
async function spoilOne(store: StoreProcesses, { post, put }: Calls, value: string): Promise<void> {
  await put(value);
  await post(2, "/v3/kv/range", { key: "aw==" }); // it has applied it
  await post(2, "/v3/maintenance/defragment", {}); // and all of it is in its database
  await store.kill(2);
  await spoil(store, 2, value);
}

describe("a member with the gate InitialCorruptCheck", function () {
  this.timeout(300_000);
  let store: StoreProcesses;
  let calls: Calls;
  before(async () => {
    store = await startStoreProcesses(3, pintle, ["--feature-gates=InitialCorruptCheck=true"]);
    calls = callsOf(store);
  });
  after(() => store?.stop());

  it("starts where its data is the others'", async () => {
    await calls.put("the first value");
    await store.kill(2);
    await calls.put("the second value");
    await store.start(2);
    assert.match(store.output(2), /initial corruption checking passed; no corruption/);
  });

  it("does not start where its data is not the others'", async () => {
    await spoilOne(store, calls, "the third value");
    await assert.rejects(store.start(2), /found data inconsistency with peers/);
  });
});

/** The alarms that stand, once any does, by the names of members. */
async function raisedAlarms({ post }: Calls): Promise<readonly string[]> {
  const { members } = await post(0, "/v3/cluster/member/list", {});
  const nameOf = (id: string) => members.find(({ ID }: { ID: string }) => ID === id)?.name;
  for (;;) {
    const { alarms = [] } = await post(0, "/v3/maintenance/alarm", { action: "GET" });
    if (alarms.length > 0)
      return alarms.map(
        ({ alarm, memberID }: Record<string, string>) => `${alarm} ${nameOf(memberID ?? "")}`,
      );
  }
}

describe("members with --corrupt-check-time", function () {
  this.timeout(300_000);
  let store: StoreProcesses;
  let calls: Calls;
  before(async () => {
    store = await startStoreProcesses(3, pintle, ["--corrupt-check-time=500ms"]);
    calls = callsOf(store);
  });
  after(() => store?.stop());

  it("raise the alarm CORRUPT for the one whose data is not the others'", async () => {
    assert.match(store.output(0), /enabled corruption checking/);
    const { ID } = await calls.post(0, "/v3/lease/grant", { TTL: 600 });
    await spoilOne(store, calls, "the first value");
    await store.start(2);
    assert.deepEqual(await raisedAlarms(calls), ["CORRUPT m2"]);
    // What may not change any more, and what goes on.
    const corrupt = "500 15 etcdserver: corrupt cluster";
    const { refusal, post } = calls;
    assert.equal(await refusal("/v3/kv/put", { key: "aw==" }), corrupt);
    assert.equal(await refusal("/v3/kv/deleterange", { key: "aw==" }), corrupt);
    const write = { request_put: { key: "aw==" } };
    assert.equal(await refusal("/v3/kv/txn", { success: [write] }), corrupt);
    assert.equal(await refusal("/v3/kv/compaction", { revision: 2 }), corrupt);
    assert.equal(await refusal("/v3/lease/grant", { TTL: 60 }), corrupt);
    assert.equal(await refusal("/v3/lease/revoke", { ID }), corrupt);
    assert.equal((await post(0, "/v3/kv/range", { key: "aw==" })).count, "1");
    assert.equal((await post(0, "/v3/lease/keepalive", { ID })).result.TTL, "600");
    const health = await fetch(`${store.endpoints[1]}/health`);
    assert.deepEqual(
      [health.status, await health.json()],
      [503, { health: "false", reason: "ALARM CORRUPT" }],
    );
    const ready = await fetch(`${store.endpoints[1]}/readyz`);
    assert.deepEqual(
      [ready.status, /data_corruption failed: alarm activated: CORRUPT/.test(await ready.text())],
      [503, true],
    );
  });
});

describe("members with the gate CompactHashCheck", function () {
  this.timeout(300_000);
  let store: StoreProcesses;
  let calls: Calls;
  before(async () => {
    store = await startStoreProcesses(3, pintle, [
      "--feature-gates=CompactHashCheck=true",
      "--compact-hash-check-time=500ms",
    ]);
    calls = callsOf(store);
  });
  after(() => store?.stop());

  it("raise the alarm CORRUPT for the one that compacted something else", async () => {
    await spoilOne(store, calls, "the first value");
    await store.start(2);
    const { header } = await calls.put("the second value");
    await calls.post(0, "/v3/kv/compaction", { revision: header.revision });
    assert.deepEqual(await raisedAlarms(calls), ["CORRUPT m2"]);
    const said = [0, 1, 2].map((member) => store.output(member)).join("");
    assert.match(said, /"msg":"Detected compaction hash mismatch"/);
    assert.match(said, /"msg":"storing new hash"/);
  });
});
