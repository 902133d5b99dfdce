import assert from "node:assert/strict";
import { mkdtemp, rm, stat } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { showPayload } from "./atomic-folder.ts";

describe("a folder that shows a payload", () => {
  it("lets the pod's group read each file, whatever its mode says", async function () {
    if (process.getuid?.() !== 0) this.skip();
    const folder = await mkdtemp(join(tmpdir(), "pintle-payload-"));
    try {
      const bytes = Buffer.from("x");
      const rows = [
        ["none", 0, 0o440],
        ["own", 0o400, 0o440],
        ["all", 0o755, 0o755],
      ] as const;
      await showPayload(folder, new Map(rows.map(([name, mode]) => [name, { bytes, mode }])), 2000);
      for (const [name, , wanted] of rows) {
        const { mode, gid } = await stat(join(folder, name));
        assert.deepEqual([mode & 0o7777, gid], [wanted, 2000], name);
      }
    } finally {
      await rm(folder, { recursive: true });
    }
  });
});
