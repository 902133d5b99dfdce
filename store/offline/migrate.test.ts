import assert from "node:assert/strict";
import { mkdir, mkdtemp, readdir, readFile, rename, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { systemClock } from "../../base/os/clock.ts";
import { systemDisk } from "../../base/os/disk.ts";
import { holdFile } from "../../base/os/hold-file.ts";
import { silentLog } from "../../base/os/log.ts";
import { MetricsRegistry } from "../../base/os/metrics.ts";
import { utf8 } from "../../base/wire.ts";
import { writeAppliedAt } from "../apply/applied-index.ts";
import { loggedRequest } from "../apply/logged-request.ts";
import { backendDefaults } from "../backend/layered-backend.ts";
import { MemoryHome } from "../backend/memory-home.ts";
import { encodeKeyValue } from "../mvcc/key-value.ts";
import { boltSnapshot } from "../snapshot/bolt-file.ts";
import { recover } from "../wal/recovery.ts";
import { Wal } from "../wal/wal.ts";
import { migrateEtcd } from "./migrate.ts";

const os = () => ({ disk: systemDisk, clock: systemClock, log: silentLog, metrics: new MetricsRegistry() });
const segment = "0000000000000000-0000000000000000.wal";
const walOfEtcd34 = new URL("../wal/testdata/etcd-3.4.wal.base64", import.meta.url);
const member = 0x8e9e05c52164694dn;

describe("store/offline: migrating etcd's data directory", () => {
  let folder = "";
  beforeEach(async () => {
    folder = await mkdtemp(join(tmpdir(), "pintle-migrate-"));
    await mkdir(join(folder, "etcd", "member", "wal"), { recursive: true });
    await mkdir(join(folder, "etcd", "member", "snap"), { recursive: true });
    const log = Buffer.from(await readFile(walOfEtcd34, "utf8"), "base64");
    await writeFile(join(folder, "etcd", "member", "wal", segment), log);
  });
  afterEach(() => rm(folder, { recursive: true, force: true }));

  const database = (name = "db") => join(folder, "etcd", "member", "snap", name);
  const migrate = () =>
    migrateEtcd(
      { dataDir: join(folder, "etcd"), walDir: undefined },
      { dataDir: join(folder, "new"), walDir: undefined },
      os(),
    );
  const refused = async (reason: RegExp) => {
    await assert.rejects(migrate(), reason);
    assert.deepEqual(await readdir(folder), ["etcd"]);
  };

  it("keeps member, term, vote and the entries behind the database's index, those of the second API translated", async () => {
    await writeFile(database(), await databaseAt(2));
    const found = await migrate();
    const log = await recover(systemDisk, join(folder, "new", "member", "wal"));
    const former = await recover(systemDisk, join(folder, "etcd", "member", "wal"));
    assert.deepEqual(log.metadata, former.metadata);
    assert.deepEqual(log.hardState, former.hardState);
    assert.deepEqual(log.snapshot, { index: 2, term: 2, conf: { voters: [member], learners: [] } });
    assert.deepEqual(
      log.entries.map(({ index, term }) => [index, term]),
      former.entries.slice(2).map(({ index, term }) => [index, term]),
    );
    assert.deepEqual(
      log.entries.map((entry) => loggedRequest(entry)?.kind),
      ["clusterMemberAttrSet", "clusterVersionSet", "put", "put", "put", "put", "put"],
    );
    assert.equal(found.entries, 7);
    assert.equal(found.appliedIndex, 2);
    assert.equal(found.appliedTerm, 2);
    assert.equal(found.revision, 2);
    assert.equal(found.memberId, former.metadata.nodeId);
  });

  it("takes the database that came from a leader where etcd ended before it put that in place", async () => {
    const wal = join(folder, "etcd", "member", "wal");
    await rm(wal, { recursive: true });
    const log = await Wal.create({ folder: wal }, { nodeId: member, clusterId: 7n }, os());
    const mark = { index: 5, term: 2, conf: { voters: [member], learners: [] } };
    await log.append({
      snapshot: mark,
      hardState: { term: 2, vote: 0n, commit: 5 },
      entries: [],
      sync: true,
    });
    await log.close();
    await writeFile(database(), await databaseAt(2));
    await refused(/the log begins at 5, and .*0000000000000005.snap.db is missing/);
    await writeFile(database("0000000000000005.snap.db"), await databaseAt(5));
    assert.equal((await migrate()).appliedIndex, 5);
  });

  it("refuses a database whose index the log does not reach", async () => {
    await writeFile(database(), await databaseAt(200));
    await refused(/ends at index 200, which the log does not have/);
  });

  it("refuses what is no directory of etcd, or one that an etcd runs on, or this store's own", async () => {
    await refused(/member\/snap\/db is missing: .* is no data directory of etcd 3/);
    await writeFile(database(), await databaseAt(2));
    const release = await holdFile(database());
    await refused(/an etcd runs on it; stop it first/);
    await release();
    const wal = join(folder, "etcd", "member", "wal");
    await rename(wal, join(folder, "etcd", "elsewhere"));
    await refused(/member\/wal is missing/);
    await rename(join(folder, "etcd", "elsewhere"), wal);
    await mkdir(join(folder, "etcd", "member", "db"));
    await refused(/is a data directory of this store already/);
  });

  it("refuses a damaged log or database by its place", async () => {
    await writeFile(database(), await databaseAt(2));
    const path = join(folder, "etcd", "member", "wal", segment);
    const log = await readFile(path);
    const damaged = Buffer.from(log);
    damaged[300] = (damaged[300] as number) ^ 1;
    await writeFile(path, damaged);
    await refused(/write-ahead log is damaged: .* at byte/);
    await writeFile(path, log);
    const bytes = await readFile(database());
    bytes.fill(0, 3 * 4096 + 8, 3 * 4096 + 12);
    await writeFile(database(), bytes);
    await refused(/page 3 is neither leaf nor branch/);
  });
});

/** etcd's database after the entry at `index`: one key, one member, and no term or configuration, as before 3.5. */
async function databaseAt(index: number): Promise<Buffer> {
  const failLoudly = (error: Error) => {
    throw error;
  };
  const backend = await new MemoryHome(backendDefaults, { onFailure: failLoudly }).open();
  const kv = { key: utf8("k0"), createRevision: 2, modRevision: 2, version: 1, value: utf8("v0"), lease: 0n };
  backend.append({ main: 2, sub: 0, deletion: false, value: encodeKeyValue(kv) });
  writeAppliedAt(backend, { index, term: 0 });
  backend.delete("meta", "term");
  const json = `{"id":${member},"peerURLs":["http://localhost:2380"],"name":"default"}`;
  backend.put("members", member.toString(16), utf8(json));
  backend.commit();
  const chunks: Uint8Array[] = [];
  for await (const chunk of boltSnapshot(backend.snapshot()).chunks) chunks.push(chunk);
  return Buffer.concat(chunks).subarray(0, -32);
}
