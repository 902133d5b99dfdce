import { strict as assert } from "node:assert";
import { spawn } from "node:child_process";
import { existsSync } from "node:fs";
import { join } from "node:path";
import { findProgram } from "../../runtime/choose.ts";

const root = join(import.meta.dirname, "../../..");
const canRun =
  process.getuid?.() === 0 &&
  ["crun", "nft", "ip", "unshare"].every((program) => findProgram(program) !== undefined) &&
  ["bridge", "host-local"].every((type) => existsSync(`/usr/lib/cni/${type}`));

describe("a whole node with CNI plugins", function () {
  this.timeout(300_000);

  it("holds in a network of its own", async function () {
    if (!canRun) this.skip();
    const mocha = join(root, "node_modules/mocha/bin/mocha.js");
    const spec = join(import.meta.dirname, "testing/whole-node.ts");
    const words = ["--net", "--", process.execPath, mocha, "--exit", "--forbid-pending", spec];
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
