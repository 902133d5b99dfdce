import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { readdirSync, readFileSync, statSync, truncateSync, writeFileSync } from "node:fs";
import { createServer } from "node:net";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { must } from "../../base/assert.ts";
import { systemClock } from "../../base/os/clock.ts";
import { systemRandom } from "../../base/os/random.ts";
import { text, utf8 } from "../../base/wire.ts";
import { methods } from "../../proto/etcd-methods.ts";
import type { CallError } from "../../store/client/call-error.ts";
import { prefixEnd } from "../../store/client/keys.ts";
import { openStoreClient } from "../../store/client/open-client.ts";
import type { StoreClient } from "../../store/client/store-client.ts";
import { compareMod, opGet, opPut } from "../../store/client/txn.ts";
import { type StoreProcesses, startStoreProcesses } from "./etcd-processes.ts";

const pintle = fileURLToPath(new URL("../../bin/pintle", import.meta.url));
const command = [process.execPath, pintle, "store"];
const parts = { clock: systemClock, random: systemRandom };

describe("three members of the store", function () {
  this.timeout(300_000);
  let cluster: StoreProcesses;
  let client: StoreClient;
  beforeEach(async () => {
    cluster = await startStoreProcesses(3, command, [
      "--snapshot-count=500",
      "--strict-reconfig-check=false",
    ]);
    client = openStoreClient({ endpoints: cluster.endpoints }, parts);
  });
  afterEach(async () => {
    client.close();
    await cluster.stop();
  });

  /** A client of one use: a connection to a member that was down may still wait before it is tried again. */
  async function freshly<T>(use: (client: StoreClient) => Promise<T>): Promise<T> {
    const fresh = openStoreClient({ endpoints: cluster.endpoints }, parts);
    try {
      return await use(fresh);
    } finally {
      fresh.close();
    }
  }

  /** The leader's place in the list of endpoints. */
  async function leader(): Promise<number> {
    for (;;) {
      const statuses = await freshly((fresh) =>
        Promise.all(cluster.endpoints.map((url) => fresh.status(url).catch(() => undefined))),
      );
      const at = statuses.findIndex(
        (status) => status !== undefined && status.header?.memberId === status.leader,
      );
      if (at >= 0) return at;
    }
  }

  const sameState = () =>
    freshly(async (fresh) => {
      const { revision } = await fresh.get("any");
      const hashes = await Promise.all(
        fresh.endpoints.map(async (endpoint) => {
          // A linearizable read at the member first: what it answers it has applied.
          await fresh.callAt(endpoint, methods.range, { key: utf8("any") });
          const answer = await fresh.callAt(endpoint, methods.hashKv, { revision });
          return `${answer.hash} ${answer.compactRevision}`;
        }),
      );
      assert.equal(new Set(hashes).size, 1, `members differ at revision ${revision}: ${hashes.join(", ")}`);
    });

  it("lose no acknowledged write to kill -9 of the leader, and agree after its return", async () => {
    const acknowledged = new Set<string>();
    let writing = true;
    const writer = async (name: number) => {
      for (let n = 0; writing; n++) {
        const key = `w/${name}/${n}`;
        await putOnce(client, key);
        acknowledged.add(key);
      }
    };
    const writers = Array.from({ length: 8 }, (_, name) => writer(name));
    const until = async (count: number) => {
      while (acknowledged.size < count) await new Promise((resolve) => setImmediate(resolve));
    };
    await until(300);
    const killed = await leader();
    await cluster.kill(killed);
    await until(acknowledged.size + 600);
    await cluster.start(killed);
    await until(acknowledged.size + 300);
    writing = false;
    await Promise.all(writers);
    const { kvs } = await client.range("w/", { rangeEnd: prefixEnd("w/") });
    const stored = new Set(kvs.map((kv) => text(kv.key)));
    const lost = [...acknowledged].filter((key) => !stored.has(key));
    assert.deepEqual(lost, []);
    await sameState();
  });

  it("start again on their data after all were killed, one with a torn log", async () => {
    for (let n = 0; n < 50; n++) await client.put(`k${n}`, `v${n}`);
    const { id } = await client.grantLease(3600);
    await client.put("leased", "x", { lease: id });
    const before = await client.range("", { rangeEnd: Uint8Array.of(0) }).catch(() => undefined);
    assert.equal(before, undefined); // an empty key is refused
    for (let at = 0; at < 3; at++) await cluster.kill(at);
    tearLastRecord(join(cluster.folder, "m0", "member", "wal"));
    await Promise.all([0, 1, 2].map((at) => cluster.start(at)));
    const { kvs } = await client.range("k", { rangeEnd: prefixEnd("k") });
    assert.equal(kvs.length, 50);
    assert.deepEqual(await client.leases(), [id]);
    assert.equal(text(must((await client.leaseTimeToLive(id, { keys: true })).keys[0], "a key")), "leased");
    await sameState();
  });

  it("bring a member that fell far behind up to date with a snapshot", async () => {
    const behind = ((await leader()) + 1) % 3;
    await cluster.kill(behind);
    const value = "v".repeat(64);
    for (let round = 0; round < 12; round++)
      await Promise.all(Array.from({ length: 600 }, (_, n) => client.put(`far/${n}`, `${value}${round}`)));
    // A leader keeps the log for who was there lately, but not over its own restart.
    const others = [0, 1, 2].filter((at) => at !== behind);
    await Promise.all(others.map((at) => cluster.kill(at)));
    await Promise.all([0, 1, 2].map((at) => cluster.start(at)));
    const endpoint = must(client.endpoints[behind], "an endpoint per member");
    const key = utf8("far/599");
    const answer = await freshly((fresh) => fresh.callAt(endpoint, methods.range, { key }));
    assert.equal(text(must(answer.kvs[0], "the key is there").value), `${value}11`);
    const steps = ["applying snapshot", "applySnapshot: opened snapshot backend", "applied snapshot"];
    for (const step of steps) assert.match(cluster.output(behind), new RegExp(`"msg":"${step}"`));
    await sameState();
  });

  it("let a removed member go and a new one in", async () => {
    const gone = ((await leader()) + 1) % 3;
    const status = await client.status(must(cluster.endpoints[gone], "an endpoint per member"));
    const rest = must(client.endpoints[(gone + 1) % 3], "an endpoint per member");
    await client.put("before", "1");
    const exited = cluster.exited(gone);
    const id = status.header?.memberId ?? 0n;
    const answer = await client.callAt(rest, methods.memberRemove, { id });
    assert.equal(answer.members.length, 2);
    assert.notEqual(await exited, 0);
    assert.match(cluster.output(gone), /permanently removed from the cluster/);
    await cluster.kill(gone);
    const again = await client.callAt(rest, methods.memberAdd, {
      peerUrls: [must(cluster.peerUrls[gone], "a URL")],
    });
    assert.equal(again.members.length, 3);
    await cluster.startAfresh(gone);
    await client.put("after", "1");
    await sameState();
    assert.equal((await client.members()).filter((member) => member.name !== "").length, 3);
  });

  for (const asked of ["itself", "another"])
    it(`let their leader go, asked at ${asked}`, async () => {
      const gone = await leader();
      const endpoint = must(client.endpoints[asked === "itself" ? gone : (gone + 1) % 3], "one per member");
      const { header } = await client.status(must(cluster.endpoints[gone], "one per member"));
      const exited = cluster.exited(gone);
      const answer = await client.callAt(endpoint, methods.memberRemove, { id: header?.memberId ?? 0n });
      assert.equal(answer.members.length, 2);
      assert.notEqual(await exited, 0);
      assert.notEqual(await leader(), gone);
      await client.put("after", "1");
    });
});

describe("a transfer of leadership to a member that stands still", function () {
  this.timeout(300_000);
  let cluster: StoreProcesses;
  let client: StoreClient;
  before(async () => {
    // An election timeout that leaves time to look at what happens before it is over.
    cluster = await startStoreProcesses(3, command, [
      "--election-timeout=5000",
      "--strict-reconfig-check=false",
    ]);
    client = openStoreClient({ endpoints: cluster.endpoints }, parts);
  });
  after(async () => {
    client.close();
    await cluster.stop();
  });

  it("drops writes at once, at the leader and at followers, and is given up for them to flow again", async () => {
    const statuses = await Promise.all(cluster.endpoints.map((url) => client.status(url)));
    const leader = statuses.findIndex(({ header, leader }) => header?.memberId === leader);
    const [still, follower] = [(leader + 1) % 3, (leader + 2) % 3] as const;
    const at = (member: number) => must(client.endpoints[member], "an endpoint per member");
    const put = (member: number, key: string) =>
      client.callAt(at(member), methods.put, { key: utf8(key), value: utf8("v") });
    const dropped = { status: "UNKNOWN", code: "PROPOSAL_DROPPED", message: "raft proposal dropped" };
    cluster.pause(still);
    let isOver = false;
    const targetId = statuses[still]?.header?.memberId ?? 0n;
    const transfer = client
      .callAt(at(leader), methods.moveLeader, { targetId }, { timeoutMs: 30_000 })
      .finally(() => {
        isOver = true;
      });
    const refused = assert.rejects(transfer, {
      status: "UNKNOWN",
      message: "etcdserver: request timed out, leader transfer took too long",
    });
    await assert.rejects(async () => {
      while (!isOver) await put(leader, "before");
    }, dropped);
    await assert.rejects(put(leader, "leader"), dropped);
    await assert.rejects(put(follower, "follower"), dropped);
    for (const member of [leader, follower])
      await assert.rejects(client.callAt(at(member), methods.memberRemove, { id: targetId }), dropped);
    const { count } = await client.callAt(at(follower), methods.range, { key: utf8("leader") });
    assert.equal(count, 0, "reads are answered meanwhile, and nothing was taken");
    assert.equal(isOver, false, "all of this was answered before the transfer was given up");
    // A client that goes on, because nothing was taken, gets its write through when the transfer is over.
    const endpoints = [leader, follower].map((member) => must(cluster.endpoints[member], "a URL"));
    const persistent = openStoreClient({ endpoints }, parts);
    await persistent.put("later", "v", { timeoutMs: 20_000 });
    persistent.close();
    await refused;
    for (const member of [leader, follower]) await put(member, `after/${member}`);
    cluster.resume(still);
    assert.equal((await client.range("after/", { rangeEnd: prefixEnd("after/") })).count, 2);
  });
});

describe("a member of the store that cannot start", function () {
  this.timeout(300_000);

  async function failure(...flags: string[]): Promise<{ readonly status: number; readonly stderr: string }> {
    const child = spawn(process.execPath, [pintle, "store", ...flags], {
      stdio: ["ignore", "ignore", "pipe"],
    });
    let stderr = "";
    child.stderr.on("data", (chunk: Buffer) => {
      stderr += chunk.toString();
    });
    const [status] = await once(child, "exit");
    return { status, stderr };
  }

  it("names the flag and the address when a port is in use", async () => {
    const taken = createServer().listen(0, "127.0.0.1");
    await once(taken, "listening");
    const address = taken.address();
    const port = typeof address === "object" ? address?.port : 0;
    const { status, stderr } = await failure(
      `--listen-client-urls=http://127.0.0.1:${port}`,
      "--data-dir=/nonexistent/never-made",
    );
    taken.close();
    assert.notEqual(status, 0);
    assert.match(
      stderr,
      new RegExp(`--listen-client-urls: cannot listen on 127\\.0\\.0\\.1:${port}: .*in use`),
    );
  });

  it("tells all wrong flags at once", async () => {
    const { status, stderr } = await failure(
      "--election-timeout=200",
      "--initial-cluster=other=http://127.0.0.1:1",
      "--initial-cluster-state=old",
    );
    assert.equal(status, 2);
    for (const flag of [
      "--election-timeout: 200",
      "--initial-cluster: does not list",
      "--initial-cluster-state:",
    ])
      assert.ok(stderr.includes(flag), stderr);
  });

  it("refuses a data directory in use, of another cluster, or damaged", async () => {
    const cluster = await startStoreProcesses(1, command);
    try {
      const client = openStoreClient({ endpoints: cluster.endpoints }, parts);
      for (let n = 0; n < 20; n++) await client.put(`k${n}`, "v");
      client.close();
      const dataDir = `--data-dir=${join(cluster.folder, "m0")}`;
      const anyPorts = ["--listen-client-urls=http://127.0.0.1:0", "--listen-peer-urls=http://127.0.0.1:0"];
      const told = [
        "--initial-advertise-peer-urls=http://127.0.0.1:9",
        "--initial-cluster=default=http://127.0.0.1:9",
      ];
      const locked = await failure(dataDir, ...anyPorts, ...told);
      assert.equal(locked.status, 1, locked.stderr);
      assert.match(locked.stderr, /in use|locked/i);
      await cluster.kill(0);
      const other = await failure(dataDir, ...anyPorts, ...told);
      assert.match(other.stderr, /--data-dir: .* holds member [0-9a-f]+ of cluster [0-9a-f]+/);
      damageFirstEntry(join(cluster.folder, "m0", "member", "wal"));
      const damaged = await failure(dataDir, ...anyPorts, ...told);
      assert.match(damaged.stderr, /write-ahead log is damaged: .*\.wal at byte \d+/);
    } finally {
      await cluster.stop();
    }
  });
});

/** Writes a key exactly once, whatever becomes of single attempts. */
async function putOnce(client: StoreClient, key: string): Promise<void> {
  const txn = { compare: [compareMod(key, "EQUAL", 0)], success: [opPut(key, "v")], failure: [opGet(key)] };
  for (;;) {
    try {
      await client.txn(txn);
      return;
    } catch (error) {
      const { status } = error as CallError;
      if (status !== "UNAVAILABLE" && status !== "DEADLINE_EXCEEDED") throw error;
    }
  }
}

function newestSegment(folder: string): string {
  const names = readdirSync(folder).filter((name) => name.endsWith(".wal"));
  return join(folder, must(names.sort().at(-1), "a segment"));
}

/** As if the machine went down while the last record was being written: its end never got to the disk. */
function tearLastRecord(folder: string): void {
  const path = newestSegment(folder);
  const bytes = readFileSync(path);
  let end = bytes.length;
  while (end > 0 && bytes[end - 1] === 0) end--;
  const { size } = statSync(path);
  const half = Buffer.concat([Buffer.from([0x40, 0, 0, 0, 0, 0, 0, 0]), Buffer.from("half a record")]);
  const at = Math.ceil(end / 8) * 8;
  bytes.set(half, at);
  writeFileSync(path, bytes.subarray(0, at + half.length));
  truncateSync(path, size);
}

function damageFirstEntry(folder: string): void {
  const path = newestSegment(folder);
  const bytes = readFileSync(path);
  const at = 400;
  bytes[at] = (bytes[at] ?? 0) ^ 0xff;
  writeFileSync(path, bytes);
}
