import assert from "node:assert/strict";
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { RotatedFile, rotationOf } from "./rotated-file.ts";

describe("a rotated log", () => {
  let folder: string;
  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), "pintle-rotated-"));
  });
  afterEach(() => rmSync(folder, { recursive: true, force: true }));

  const rotation = { bytesMax: 10, ageDaysMax: 0, filesMax: 0, isLocalTime: false };
  /** Writes lines of six bytes, one a second. */
  const write = (lines: number, more: Partial<typeof rotation> = {}) => {
    let nowMs = Date.UTC(2026, 0, 2, 3, 4, 5, 6);
    const file = new RotatedFile(join(folder, "etcd.log"), { ...rotation, ...more }, () => nowMs);
    for (let line = 0; line < lines; line++, nowMs += 1_000) file.write(`line${line}\n`);
    file.close();
    return readdirSync(folder).sort();
  };

  it("is put aside with the time in its name when it is full, also where it was so before", () => {
    writeFileSync(join(folder, "etcd.log"), "before\n");
    assert.deepEqual(write(2), [
      "etcd-2026-01-02T03-04-05.006.log",
      "etcd-2026-01-02T03-04-06.006.log",
      "etcd.log",
    ]);
    assert.equal(readFileSync(join(folder, "etcd-2026-01-02T03-04-05.006.log"), "utf8"), "before\n");
    assert.equal(readFileSync(join(folder, "etcd.log"), "utf8"), "line1\n");
  });

  it("keeps the newest, and other files", () => {
    writeFileSync(join(folder, "etcd-notes.log"), "");
    assert.deepEqual(write(5, { filesMax: 2 }), [
      "etcd-2026-01-02T03-04-08.006.log",
      "etcd-2026-01-02T03-04-09.006.log",
      "etcd-notes.log",
      "etcd.log",
    ]);
  });

  it("keeps what is young enough", () => {
    const old = "etcd-2025-12-30T03-04-05.006.log";
    writeFileSync(join(folder, old), "");
    assert.ok(write(2, { ageDaysMax: 4 }).includes(old));
    assert.ok(!write(2, { ageDaysMax: 2 }).includes(old));
  });

  it("is set up by etcd's JSON, and says what is wrong with it", () => {
    assert.deepEqual(rotationOf('{"maxsize": 1, "maxbackups": 3}'), {
      bytesMax: 1024 * 1024,
      ageDaysMax: 0,
      filesMax: 3,
      isLocalTime: false,
    });
    for (const [json, told] of [
      ["{", /improperly formatted log rotation config/],
      ['{"maxsize": "1"}', /invalid log rotation config: maxsize/],
      ['{"maxage": -1}', /invalid log rotation config: maxage/],
      ['{"maxSizes": 1}', /unknown setting "maxSizes"/],
      ['{"compress": true}', /compress is not supported/],
    ] as const)
      assert.throws(() => rotationOf(json), told);
  });
});
