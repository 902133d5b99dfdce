import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { mkdtemp, readdir, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { systemClock } from "../../base/os/clock.ts";
import { systemDisk } from "../../base/os/disk.ts";
import { silentLog } from "../../base/os/log.ts";
import { MetricsRegistry } from "../../base/os/metrics.ts";
import { latin1Bytes, utf8 } from "../../base/wire.ts";
import type { Backend } from "../backend/backend.ts";
import { backendDefaults } from "../backend/layered-backend.ts";
import { MemoryHome } from "../backend/memory-home.ts";
import { encodeLease, leaseKey } from "../lease/lease-rows.ts";
import { encodeKeyValue } from "../mvcc/key-value.ts";
import { boltSnapshot } from "../snapshot/bolt-file.ts";
import { recover } from "../wal/recovery.ts";
import { type RestorePlan, restoreSnapshot } from "./restore.ts";

const failLoudly = (error: Error) => {
  throw error;
};
const os = () => ({ disk: systemDisk, clock: systemClock, log: silentLog, metrics: new MetricsRegistry() });

describe("store/offline: restoring a snapshot", () => {
  let folder = "";
  beforeEach(async () => {
    folder = await mkdtemp(join(tmpdir(), "pintle-restore-"));
  });
  afterEach(() => rm(folder, { recursive: true, force: true }));

  const saved = async (backend: Backend, change = (bytes: Buffer): Buffer => bytes): Promise<string> => {
    const chunks: Uint8Array[] = [];
    for await (const chunk of boltSnapshot(backend.snapshot()).chunks) chunks.push(chunk);
    const path = join(folder, "snapshot.db");
    await writeFile(path, change(Buffer.concat(chunks)));
    return path;
  };
  const plan = (snapshotPath: string, more: Partial<RestorePlan> = {}): RestorePlan => ({
    snapshotPath,
    skipHashCheck: false,
    dataDir: join(folder, "data"),
    walDir: undefined,
    name: "b",
    initialCluster: new Map([
      ["a", ["http://10.0.0.1:2380"]],
      ["b", ["http://10.0.0.2:2380"]],
    ]),
    initialClusterToken: "token",
    bumpRevision: 0,
    ...more,
  });

  it("keeps revisions, keys and leases, and begins a cluster of the members named, behind where one without data begins", async () => {
    const path = await saved(await sampleBackend());
    const found = await restoreSnapshot(plan(path), os());
    const { hash, ...rest } = found;
    assert.deepEqual(rest, {
      appliedIndex: 3,
      appliedTerm: 2,
      revision: 9,
      compactRevision: -1,
      keys: 8,
      leases: 1,
      members: 2,
      clusterVersion: "3.7.0",
    });
    assert.notEqual(hash, 0);
    const log = await recover(systemDisk, join(folder, "data", "member", "wal"));
    assert.deepEqual(log.entries, []);
    assert.equal(log.snapshot.index, 3);
    assert.equal(log.snapshot.term, 2);
    assert.equal(log.snapshot.conf.voters.length, 2);
    assert.deepEqual(log.hardState, { term: 2, vote: 0n, commit: 3 });
    const other = await restoreSnapshot(plan(path, { name: "a", dataDir: join(folder, "other") }), os());
    assert.deepEqual(other, found);
    assert.deepEqual((await readdir(folder)).sort(), ["data", "other", "snapshot.db"]);
  });

  it("goes on with a higher revision, with all before it compacted, where that is asked for", async () => {
    const found = await restoreSnapshot(
      plan(await saved(await sampleBackend()), { bumpRevision: 1_000 }),
      os(),
    );
    assert.equal(found.revision, 1_009);
    assert.equal(found.compactRevision, 1_009);
    assert.equal(found.keys, 8);
  });

  it("leaves out the revision without content that a bump of etcd's left, whose compaction says how far revisions have got", async () => {
    const backend = await sampleBackend();
    backend.append({ main: 50, sub: 0, deletion: false, value: new Uint8Array(0) });
    backend.put("meta", "scheduledCompactRev", latin1Bytes("\0\0\0\0\0\0\0\x32_\0\0\0\0\0\0\0\0"));
    backend.commit();
    const found = await restoreSnapshot(plan(await saved(backend)), os());
    assert.equal(found.revision, 50);
    assert.equal(found.keys, 8);
  });

  it("puts the log where it is told to", async () => {
    const walDir = join(folder, "log");
    await restoreSnapshot(plan(await saved(await sampleBackend()), { walDir }), os());
    assert.deepEqual(await readdir(join(folder, "data", "member")), ["db"]);
    assert.equal((await recover(systemDisk, walDir)).snapshot.index, 3);
  });

  it("refuses what was altered or cut short, or has no digest unless told to take it, and then leaves nothing", async () => {
    const backend = await sampleBackend();
    const refused = async (change: (bytes: Buffer) => Buffer, reason: RegExp) => {
      const path = await saved(backend, change);
      await assert.rejects(restoreSnapshot(plan(path), os()), { name: "BoltError", message: reason });
      assert.deepEqual(await readdir(folder), ["snapshot.db"]);
    };
    await refused((bytes) => bytes.subarray(0, -32), /no SHA-256 at its end/);
    await refused((bytes) => bytes.subarray(0, 5_000), /no SHA-256 at its end/);
    await refused((bytes) => {
      bytes[bytes.length - 100] = 1;
      return bytes;
    }, /SHA-256 does not match/);
    const bare = await saved(backend, (bytes) => bytes.subarray(0, -32));
    await restoreSnapshot(plan(bare, { skipHashCheck: true }), os());
  });

  it("refuses a row that is none, with everything's digest right, and leaves nothing", async () => {
    const backend = await sampleBackend();
    backend.append({ main: 60, sub: 0, deletion: false, value: utf8("no key and value") });
    backend.commit();
    await assert.rejects(restoreSnapshot(plan(await saved(backend)), os()));
    assert.deepEqual(await readdir(folder), ["snapshot.db"]);
    const renamed = await saved(await sampleBackend(), (bytes) => {
      const body = bytes.subarray(0, -32);
      body.write("authNames", body.lastIndexOf("authRoles"));
      return Buffer.concat([body, createHash("sha256").update(body).digest()]);
    });
    await assert.rejects(restoreSnapshot(plan(renamed), os()), /holds the bucket "authNames"/);
  });

  it("refuses directories that are not empty, and changes nothing in them", async () => {
    const path = await saved(await sampleBackend());
    const before = await readFile(path);
    await assert.rejects(
      restoreSnapshot(plan(path, { dataDir: folder }), os()),
      /--data-dir: .* is not empty/,
    );
    await assert.rejects(restoreSnapshot(plan(path, { walDir: folder }), os()), /--wal-dir: .* is not empty/);
    assert.deepEqual(await readFile(path), before);
    assert.deepEqual(await readdir(folder), ["snapshot.db"]);
  });
});

/** Eight keys, one of which hangs on a lease, of a member of another cluster. */
async function sampleBackend(): Promise<Backend> {
  const backend = await new MemoryHome(backendDefaults, { onFailure: failLoudly }).open();
  for (let main = 2; main < 10; main++) {
    const lease = main === 5 ? 7n : 0n;
    const kv = {
      key: utf8(`key ${main}`),
      createRevision: main,
      modRevision: main,
      version: 1,
      value: utf8("v"),
      lease,
    };
    backend.append({ main, sub: 0, deletion: false, value: encodeKeyValue(kv) });
  }
  backend.put("lease", leaseKey(7n), encodeLease({ id: 7n, ttl: 60, remainingTtl: 0 }));
  backend.put("members", "abc", utf8('{"id":2748,"peerURLs":["http://former:2380"],"name":"former"}'));
  backend.put("members_removed", "def", utf8("removed"));
  backend.put("cluster", "clusterVersion", utf8("3.7.0"));
  backend.put("meta", "consistent_index", Buffer.from([0, 0, 0, 0, 0, 0, 3, 0]));
  backend.put("meta", "term", Buffer.from([0, 0, 0, 0, 0, 0, 0, 9]));
  backend.commit();
  return backend;
}
