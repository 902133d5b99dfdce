import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { existsSync } from "node:fs";
import { dirname } from "node:path";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";

const run = promisify(execFile);
const program = (name: string) => fileURLToPath(new URL(`./testing/${name}.ts`, import.meta.url));
/** A process that does not end by itself is killed, and has no code. */
const node = (...words: readonly string[]) =>
  run(process.execPath, ["--import", "tsx", ...words], { timeout: 60_000 });

describe("cluster: what is left of it", function () {
  this.timeout(120_000);

  it("is nothing after it was stopped: no object, file or handle", async () => {
    const { stdout } = await node("--expose-gc", program("cycles"), "6");
    const { left, before, after } = JSON.parse(stdout.trim().split("\n").at(-1) ?? "");
    assert.equal(left, 0, "clusters that are still held");
    // What loads the program may let go of files of its own meanwhile.
    for (const what of ["files", "resources"])
      assert.ok(after[what] <= before[what], `${what}: ${after[what]} after ${before[what]}`);
  });

  it("is nothing where a test fails before it stops: the process ends, its port and files with it", async () => {
    const failed = await node(program("forgets-to-stop")).then(
      () => assert.fail("it ended well"),
      (error: { readonly code: number; readonly stdout: string; readonly stderr: string }) => error,
    );
    assert.equal(failed.code, 1);
    assert.match(failed.stdout, /the test fails/);
    const [, kubeconfig = ""] = /kubeconfig: (\S+admin\.kubeconfig)/.exec(failed.stdout) ?? [];
    assert.notEqual(kubeconfig, "");
    assert.equal(existsSync(dirname(kubeconfig)), false);
  });
});
