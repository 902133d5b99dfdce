import { strict as assert } from "node:assert";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { mock } from "node:test";
import { endOfChild } from "./child-end.ts";
import { runCommand } from "./run-command.ts";
import { execToEnd } from "./session.ts";

// Its own end comes at once; what it leaves behind keeps its output open until it is told to end.
const leavesOneBehind = "sleep 1000 & echo $!; exit 3";

const endLeftover = (output: string) => process.kill(Number(output.trim()), "SIGKILL");

describe("endOfChild", function () {
  this.timeout(120_000);

  it("does not wait for what a child left behind with its pipes", async () => {
    const child = spawn("sh", ["-c", leavesOneBehind], { stdio: ["ignore", "pipe", "pipe"] });
    let said = "";
    child.stdout.on("data", (chunk: Buffer) => (said += chunk));
    assert.deepEqual(await endOfChild(child, 100), { code: 3, signal: null });
    endLeftover(said);
  });

  it("waits for a reader that is slower than the child", async () => {
    mock.timers.enable({ apis: ["setInterval"] });
    try {
      // More than our buffer takes, no more than buffer and pipe take: it ends although nobody reads.
      const child = spawn("sh", ["-c", "head -c 100000 /dev/zero"], { stdio: ["ignore", "pipe", "pipe"] });
      const ended = endOfChild(child, 50);
      child.stdout.on("readable", () => undefined); // somebody reads: nothing is thrown away at its exit
      await once(child, "exit");
      let bytes = 0;
      for (let part: Buffer | null = null; bytes < 100_000; part = child.stdout.read()) {
        bytes += part?.length ?? 0;
        mock.timers.tick(25); // also between the reader's taking a piece and the next one's coming
        await new Promise(setImmediate);
        if (child.stdout.readableEnded) break;
      }
      assert.equal(bytes, 100_000);
      assert.equal((await ended).code, 0);
    } finally {
      mock.timers.reset();
    }
  });

  it("bounds runCommand and execSync", async () => {
    const ran = await runCommand(["sh", "-c", leavesOneBehind]);
    assert.equal(ran.code, 3);
    endLeftover(ran.stdout);
    const result = await execToEnd({ argv: ["sh", "-c", leavesOneBehind] }, 60_000);
    assert.deepEqual([result.exitCode, result.timedOut], [3, false]);
    endLeftover(Buffer.from(result.stdout).toString());
  });
});
