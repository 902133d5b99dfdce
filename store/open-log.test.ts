import assert from "node:assert/strict";
import { mkdtemp, readdir, rename, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { utf8 } from "../base/wire.ts";
import { startAlone } from "./testing/start-alone.ts";

describe("store: the log beside its database", () => {
  let dataDir = "";
  beforeEach(async () => {
    dataDir = await mkdtemp(join(tmpdir(), "pintle-open-log-"));
  });
  afterEach(() => rm(dataDir, { recursive: true, force: true }));

  async function writeAndStop(): Promise<void> {
    const store = await startAlone(dataDir);
    await store.member.proposer.propose("put", { key: utf8("k"), value: utf8("v") });
    await store.stop();
  }

  it("refuses a database without its log, by name, and makes none", async () => {
    await writeAndStop();
    const member = join(dataDir, "member");
    await rename(join(member, "wal"), join(dataDir, "wal-elsewhere"));
    for (let attempt = 0; attempt < 2; attempt++) {
      await assert.rejects(startAlone(dataDir), {
        name: "LogMissingError",
        message: new RegExp(
          `^${member}/wal: the write-ahead log is missing, although the database beside it holds the state up to index \\d+; ` +
            "put the log back, or remove this member and add it again with an empty data directory$",
        ),
      });
      assert.deepEqual(await readdir(member), ["db", "lock"]);
    }
    await rename(join(dataDir, "wal-elsewhere"), join(member, "wal"));
    const again = await startAlone(dataDir);
    assert.equal(again.member.state.reader.revision, 2);
    await again.stop();
  });

  it("makes the state anew from a log that reaches back to the beginning", async () => {
    await writeAndStop();
    await rm(join(dataDir, "member", "db"), { recursive: true });
    const again = await startAlone(dataDir);
    await again.member.parts.reads.ready();
    assert.equal(again.member.state.reader.revision, 2);
    await again.stop();
  });
});
