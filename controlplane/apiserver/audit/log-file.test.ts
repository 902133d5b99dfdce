import assert from "node:assert/strict";
import { mkdtempSync, readdirSync, readFileSync, rmSync, statSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { systemDisk } from "../../../base/os/disk.ts";
import { silentLog } from "../../../base/os/log.ts";
import { AuditLogFile } from "./log-file.ts";

describe("the file of audit events", () => {
  let folder: string;
  let wallMs: number;
  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), "audit-"));
    wallMs = Date.UTC(2026, 0, 1);
  });
  afterEach(() => rmSync(folder, { recursive: true }));
  const open = (limits: { sizeBytesMax?: number; backupsMax?: number; ageDaysMax?: number }) =>
    new AuditLogFile(
      {
        path: join(folder, "logs", "audit.log"),
        ageDaysMax: 0,
        backupsMax: 0,
        sizeBytesMax: 1000,
        ...limits,
      },
      { disk: systemDisk, wallMs: () => wallMs, log: silentLog, print: async () => {}, failed: () => {} },
    );
  const names = () => readdirSync(join(folder, "logs")).sort();
  const text = (name = "audit.log") => readFileSync(join(folder, "logs", name), "utf8");

  it("has every line in order, goes on where it was, and is its owner's alone", async () => {
    const first = open({});
    for (let line = 0; line < 5; line++) first.write(`${line}\n`);
    await first.close();
    const second = open({});
    second.write("5\n");
    await second.close();
    assert.equal(text(), "0\n1\n2\n3\n4\n5\n");
    assert.equal(statSync(join(folder, "logs", "audit.log")).mode & 0o777, 0o600);
  });

  it("gives way to a new one when it is full; of the old ones only so many are kept", async () => {
    const file = open({ sizeBytesMax: 10, backupsMax: 2 });
    for (const line of ["aaaaaaa\n", "bbbbbbb\n", "ccccccc\n", "ddddddd\n"]) {
      file.write(line);
      await file.close();
      wallMs += 1000;
    }
    assert.deepEqual(names(), [
      "audit-2026-01-01T00-00-02.000.log",
      "audit-2026-01-01T00-00-03.000.log",
      "audit.log",
    ]);
    assert.deepEqual([text("audit-2026-01-01T00-00-03.000.log"), text()], ["ccccccc\n", "ddddddd\n"]);
  });

  it("lets old ones go for their age, and nothing else", async () => {
    const file = open({ sizeBytesMax: 10, ageDaysMax: 1 });
    file.write("aaaaaaa\n");
    file.write("bbbbbbb\n");
    await file.close();
    file.write("ccccccc\n");
    await file.close();
    wallMs += 3 * 86_400_000;
    file.write("ddddddd\n");
    await file.close();
    assert.deepEqual(names(), ["audit-2026-01-04T00-00-00.000.log", "audit.log"]);
  });
});
