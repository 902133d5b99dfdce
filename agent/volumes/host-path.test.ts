import assert from "node:assert/strict";
import { mkdtemp, rm, stat } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { checkHostPath } from "./host-path.ts";

describe("a path of the node's own", () => {
  it("is made where it is to be a folder, and cannot be below /proc, which says so", async () => {
    const root = await mkdtemp(join(tmpdir(), "pintle-host-path-"));
    const path = join(root, "a", "b");
    await checkHostPath(path, "DirectoryOrCreate");
    assert.ok((await stat(path)).isDirectory());
    await rm(root, { recursive: true });
    if (process.platform === "linux")
      await assert.rejects(checkHostPath("/proc/nowhere", "DirectoryOrCreate"), { code: "ENOENT" });
  });
});
