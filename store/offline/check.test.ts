import assert from "node:assert/strict";
import { mkdtemp, readdir, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { systemClock } from "../../base/os/clock.ts";
import { systemDisk } from "../../base/os/disk.ts";
import { silentLog } from "../../base/os/log.ts";
import { MetricsRegistry } from "../../base/os/metrics.ts";
import { utf8 } from "../../base/wire.ts";
import { writeAppliedAt } from "../apply/applied-index.ts";
import { encodeKeyValue } from "../mvcc/key-value.ts";
import { checkDataDir } from "./check.ts";
import { makeDataDir } from "./new-data-dir.ts";
import { withStoppedDatabase } from "./stopped-database.ts";

describe("store/offline: checking a data directory", () => {
  let folder = "";
  let dataDir = "";
  before(async () => {
    folder = await mkdtemp(join(tmpdir(), "pintle-check-"));
    dataDir = join(folder, "data");
    const os = { disk: systemDisk, clock: systemClock, log: silentLog, metrics: new MetricsRegistry() };
    await makeDataDir({ dataDir, walDir: undefined }, os, async (backend) => {
      const kv = {
        key: utf8("k"),
        createRevision: 2,
        modRevision: 2,
        version: 1,
        value: utf8("v"),
        lease: 0n,
      };
      backend.append({ main: 2, sub: 0, deletion: false, value: encodeKeyValue(kv) });
      writeAppliedAt(backend, { index: 4, term: 2 });
      backend.commit();
      const mark = { index: 4, term: 2, conf: { voters: [1n], learners: [] } };
      return {
        metadata: { nodeId: 1n, clusterId: 2n },
        mark,
        hardState: { term: 2, vote: 0n, commit: 4 },
        entries: [],
      };
    });
  });
  after(() => rm(folder, { recursive: true, force: true }));

  const wrong = async () => {
    const findings = await checkDataDir({ dataDir, walDir: undefined }, systemDisk);
    return findings.filter(({ ok }) => !ok).map(({ what, lines }) => `${what}: ${lines.join("\n")}`);
  };

  it("finds nothing wrong with one that is whole, with a checkpoint of the index or without", async () => {
    assert.deepEqual(await wrong(), []);
    await withStoppedDatabase(dataDir, systemDisk, async (backend) => {
      const pages = async function* () {
        yield utf8("a page");
      };
      await backend.saveCheckpoint({ revision: 2, compactRevision: -1, keys: 0 }, pages());
    });
    assert.deepEqual(await wrong(), []);
  });

  it("names a damaged checkpoint, and a damaged log beside it", async () => {
    const revisions = join(dataDir, "member", "db", "000001", "revisions");
    const index = join(revisions, (await readdir(revisions)).find((name) => name.endsWith(".idx")) ?? "");
    const bytes = await readFile(index);
    bytes[bytes.length - 1] = (bytes[bytes.length - 1] as number) ^ 1;
    await writeFile(index, bytes);
    const [checkpoint = "", ...more] = await wrong();
    assert.match(checkpoint, /^checkpoint: .*is not what was written/);
    assert.deepEqual(more, []);
    const wal = join(dataDir, "member", "wal");
    const segment = join(wal, (await readdir(wal))[0] ?? "");
    const log = await readFile(segment);
    log[40] = (log[40] as number) ^ 1;
    await writeFile(segment, log);
    const found = await wrong();
    assert.equal(found.length, 2);
    assert.match(found[0] ?? "", /^write-ahead log: .* at byte/);
  });
});
