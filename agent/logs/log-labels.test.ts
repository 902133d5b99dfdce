import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { mkdtempSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { labelsPath, readLabels, writeLabels } from "./log-labels.ts";

describe("the labels beside a log", () => {
  let folder: string;
  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), "log-labels-"));
  });
  afterEach(() => rmSync(folder, { recursive: true, force: true }));

  it("are read from a file alone, and from nothing that a link or a pipe leads to", async () => {
    await writeLabels(folder, 0, { app: "web" });
    assert.deepEqual(await readLabels(folder, 0), { app: "web" });
    const other = join(folder, "secret.json");
    writeFileSync(other, '{"token":"secret"}');
    symlinkSync(other, labelsPath(folder, 1));
    execFileSync("mkfifo", [labelsPath(folder, 2)]);
    for (const attempt of [1, 2]) assert.deepEqual(await readLabels(folder, attempt), {});
  });
});
