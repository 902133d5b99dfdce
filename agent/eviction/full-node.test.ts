import { strict as assert } from "node:assert";
import { spawn } from "node:child_process";
import { join } from "node:path";
import { findProgram } from "../runtime/choose.ts";

describe("a node that is full", function () {
  this.timeout(300_000);

  it("holds in a network, and with mounts, of its own", async function () {
    const isRoot = process.getuid?.() === 0;
    const programs = ["nft", "ip", "unshare", "perl"];
    const hasRuntime = ["crun", "runc"].some((name) => findProgram(name) !== undefined);
    if (!isRoot || !hasRuntime || programs.some((name) => findProgram(name) === undefined)) this.skip();
    const root = join(import.meta.dirname, "../..");
    const mocha = join(root, "node_modules/mocha/bin/mocha.js");
    const spec = join(import.meta.dirname, "testing/full-node.ts");
    const child = spawn(
      "unshare",
      ["--net", "--mount", "--", process.execPath, mocha, "--exit", "--forbid-pending", spec],
      { stdio: ["ignore", "pipe", "pipe"], cwd: root },
    );
    let said = "";
    for (const stream of [child.stdout, child.stderr])
      stream.setEncoding("utf8").on("data", (text: string) => {
        said += text;
      });
    const code = await new Promise((resolve) => child.once("close", resolve));
    assert.equal(code, 0, said);
    assert.match(said, /\d+ passing/);
  });
});
