import { strict as assert } from "node:assert";
import { spawn } from "node:child_process";
import { join } from "node:path";
import { findProgram } from "../runtime/choose.ts";

describe("a node with device plugins, and with pods that have users of their own", function () {
  this.timeout(180_000);

  it("in a network, and with mounts, of its own", async function () {
    const programs = ["nft", "ip", "unshare", "perl"];
    const hasRuntime = ["crun", "runc"].some((name) => findProgram(name) !== undefined);
    if (process.getuid?.() !== 0 || !hasRuntime) this.skip();
    if (programs.some((name) => findProgram(name) === undefined)) this.skip();
    const root = join(import.meta.dirname, "../..");
    const mocha = join(root, "node_modules/mocha/bin/mocha.js");
    const spec = join(import.meta.dirname, "testing/device-node.ts");
    const words = ["--net", "--mount", "--", process.execPath, mocha, "--exit", spec];
    const child = spawn("unshare", words, { stdio: ["ignore", "pipe", "pipe"], cwd: root });
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
