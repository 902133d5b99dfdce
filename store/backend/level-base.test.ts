import { rejects } from "node:assert/strict";
import { mkdir, mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { systemDisk } from "../../base/os/disk.ts";
import { LevelBase } from "./level-base.ts";

describe("the database of rows", () => {
  it("says what is wrong with it, whatever its folder is called", async () => {
    const parent = await mkdtemp(join(tmpdir(), "pintle-level-"));
    try {
      const folder = join(parent, "lock, corrupt, no space left");
      await mkdir(join(folder, "CURRENT"), { recursive: true }); // where a file belongs
      await rejects(LevelBase.open(folder, systemDisk), { name: "BackendError", reason: "io" });
    } finally {
      await rm(parent, { recursive: true });
    }
  });
});
