import assert from "node:assert/strict";
import { mkdtemp, rm, stat, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { makeFolder } from "./make-folder.ts";

describe("makeFolder", () => {
  let root: string;
  beforeEach(async () => {
    root = await mkdtemp(join(tmpdir(), "pintle-folder-"));
  });
  afterEach(() => rm(root, { recursive: true }));

  it("makes what is missing, with its mode, and says where that begins", async () => {
    const path = join(root, "a", "b", "c");
    assert.equal(await makeFolder(path, 0o700), join(root, "a"));
    assert.equal((await stat(path)).mode & 0o777, 0o700);
    assert.equal(await makeFolder(path), undefined);
    assert.equal(await makeFolder(join(root, "a", "b", "d")), join(root, "a", "b", "d"));
  });

  it("makes it once, whoever else does", async () => {
    const path = join(root, "a", "b", "c");
    const made = await Promise.all(Array.from({ length: 20 }, () => makeFolder(path)));
    assert.ok(made.includes(join(root, "a")));
    assert.ok((await stat(path)).isDirectory());
  });

  it("fails where a file stands in the way", async () => {
    await writeFile(join(root, "file"), "");
    await assert.rejects(makeFolder(join(root, "file")), { code: "EEXIST" });
    await assert.rejects(makeFolder(join(root, "file", "a", "b")), { code: "ENOTDIR" });
  });

  it("fails below /proc, where folders are there and nothing can be made in them", async function () {
    if (process.platform !== "linux") return this.skip();
    const message = "ENOENT: no such file or directory, mkdir '/proc/nowhere'";
    await assert.rejects(makeFolder("/proc/nowhere"), { code: "ENOENT", message });
    await assert.rejects(makeFolder("/proc/nowhere/below"), { code: "ENOENT", message });
  });
});
