import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { treeUse } from "./process-tree.ts";

describe("what a process that stands for a container takes", function () {
  this.timeout(60_000);

  it("counts what it started too, and nothing once it is gone", async () => {
    // The child burns, its parent waits.
    const shell = spawn("/bin/sh", ["-c", "(while :; do :; done) & wait"], { detached: true });
    const { pid } = shell;
    assert.ok(pid !== undefined);
    const ended = once(shell, "exit");
    try {
      for (let use = await treeUse(pid); use.ticks < 10; use = await treeUse(pid))
        assert.equal(shell.exitCode, null);
      const { pages } = await treeUse(pid);
      assert.ok(pages > 100, `${pages} pages`);
    } finally {
      process.kill(-pid, "SIGKILL");
      await ended;
    }
    assert.deepEqual(await treeUse(pid), { ticks: 0, pages: 0, processes: 0 });
  });
});
