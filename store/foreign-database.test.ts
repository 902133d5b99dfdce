import assert from "node:assert/strict";
import { mkdirSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { startAlone } from "./testing/start-alone.ts";

describe("a data directory of etcd's", function () {
  this.timeout(60_000);
  let folder: string;
  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), "pintle-foreign-database-"));
  });
  afterEach(() => rmSync(folder, { recursive: true }));

  it("is refused with the command that takes it over, and left as it is", async () => {
    mkdirSync(join(folder, "member", "snap"), { recursive: true });
    writeFileSync(join(folder, "member", "snap", "db"), "");
    await assert.rejects(
      startAlone(folder).then((store) => store.stop()),
      /^UsageError: --data-dir: \S+ holds the database of an etcd .*`pintle store migrate /,
    );
    assert.deepEqual(readdirSync(join(folder, "member")), ["snap"]);
  });
});
