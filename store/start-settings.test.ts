import assert from "node:assert/strict";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createLog } from "../base/os/log.ts";
import { startAlone } from "./testing/start-alone.ts";

describe("the first line of a member's log", function () {
  this.timeout(60_000);
  let folder: string;
  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), "pintle-start-settings-"));
  });
  afterEach(() => rmSync(folder, { recursive: true }));

  it("says by etcd's names what it was started with", async () => {
    const lines: string[] = [];
    const log = createLog({ write: (line) => lines.push(line) });
    const store = await startAlone(
      { dataDir: join(folder, "data"), log },
      "--snapshot-catchup-entries=1000",
      "--auto-compaction-mode=periodic",
      "--auto-compaction-retention=90m",
      "--feature-gates=InitialCorruptCheck=true",
    );
    await store.stop();
    const said = JSON.parse(lines.find((line) => line.includes("starting an etcd server")) ?? "{}");
    const expected = {
      "data-dir": join(folder, "data"),
      "heartbeat-interval": "100ms",
      "election-timeout": "1s",
      "initial-cluster": "default=http://127.0.0.1:9",
      "snapshot-count": 10_000,
      "snapshot-catchup-entries": 1_000,
      "auto-compaction-mode": "periodic",
      "auto-compaction-retention": "1h30m0s",
      "feature-gates": "InitialCorruptCheck=true",
      "initial-corrupt-check": true,
      "corrupt-check-time-interval": "0s",
      "compact-check-time-interval": "0s",
      "v2-deprecation": "write-only",
    };
    for (const [name, value] of Object.entries(expected)) assert.deepEqual(said[name], value, name);
  });
});
