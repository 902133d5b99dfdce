import { strict as assert } from "node:assert";
import { spawn } from "node:child_process";
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
    const child = spawn("sh", ["-c", "head -c 300000 /dev/zero"], { stdio: ["ignore", "pipe", "pipe"] });
    const ended = endOfChild(child, 50);
    let bytes = 0;
    for await (const chunk of child.stdout) {
      bytes += (chunk as Buffer).length;
      await new Promise((resolve) => setTimeout(resolve, 120));
    }
    assert.equal(bytes, 300_000);
    assert.equal((await ended).code, 0);
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
