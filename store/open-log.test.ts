import assert from "node:assert/strict";
import { mkdtemp, readdir, rename, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { systemClock } from "../base/os/clock.ts";
import { systemDisk } from "../base/os/disk.ts";
import { parseFlags } from "../base/os/flags.ts";
import { silentLog } from "../base/os/log.ts";
import { MetricsRegistry } from "../base/os/metrics.ts";
import { systemRandom } from "../base/os/random.ts";
import { utf8 } from "../base/wire.ts";
import { type RunningStore, startStore } from "./compose.ts";
import { storeConfig, storeFlags } from "./flags.ts";

describe("store: the log beside its database", () => {
  let dataDir = "";
  beforeEach(async () => {
    dataDir = await mkdtemp(join(tmpdir(), "pintle-open-log-"));
  });
  afterEach(() => rm(dataDir, { recursive: true, force: true }));

  function start(): Promise<RunningStore> {
    const { flags } = parseFlags(storeFlags, [
      `--data-dir=${dataDir}`,
      "--listen-client-urls=http://127.0.0.1:0",
      "--advertise-client-urls=http://127.0.0.1:9",
      "--listen-peer-urls=http://127.0.0.1:0",
      "--initial-advertise-peer-urls=http://127.0.0.1:9",
      "--initial-cluster=default=http://127.0.0.1:9",
    ]);
    const os = { clock: systemClock, random: systemRandom, disk: systemDisk, log: silentLog };
    return startStore(storeConfig(flags), { ...os, metrics: new MetricsRegistry() });
  }

  async function writeAndStop(): Promise<void> {
    const store = await start();
    await store.member.proposer.propose("put", { key: utf8("k"), value: utf8("v") });
    await store.stop();
  }

  it("refuses a database without its log, by name, and makes none", async () => {
    await writeAndStop();
    const member = join(dataDir, "member");
    await rename(join(member, "wal"), join(dataDir, "wal-elsewhere"));
    for (let attempt = 0; attempt < 2; attempt++) {
      await assert.rejects(start(), {
        name: "LogMissingError",
        message: new RegExp(
          `^${member}/wal: the write-ahead log is missing, although the database beside it holds the state up to index \\d+; ` +
            "put the log back, or remove this member and add it again with an empty data directory$",
        ),
      });
      assert.deepEqual(await readdir(member), ["db", "lock"]);
    }
    await rename(join(dataDir, "wal-elsewhere"), join(member, "wal"));
    const again = await start();
    assert.equal(again.member.state.reader.revision, 2);
    await again.stop();
  });

  it("makes the state anew from a log that reaches back to the beginning", async () => {
    await writeAndStop();
    await rm(join(dataDir, "member", "db"), { recursive: true });
    const again = await start();
    await again.member.parts.reads.ready();
    assert.equal(again.member.state.reader.revision, 2);
    await again.stop();
  });
});
