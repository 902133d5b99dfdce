import { strict as assert } from "node:assert";
import { spawn } from "node:child_process";
import { join } from "node:path";
import { findProgram } from "../choose.ts";
import { canRunContainerd } from "./testing/containerd.ts";

describe("a whole node with containerd", function () {
  this.timeout(300_000);

  it("holds in a network of its own", async function () {
    if (!canRunContainerd() || findProgram("nft") === undefined) this.skip();
    const mocha = join(import.meta.dirname, "../../../node_modules/mocha/bin/mocha.js");
    const spec = join(import.meta.dirname, "testing/whole-node.ts");
    const child = spawn(
      "unshare",
      ["--net", "--", process.execPath, mocha, "--exit", "--forbid-pending", spec],
      {
        stdio: ["ignore", "pipe", "pipe"],
        cwd: join(import.meta.dirname, "../../.."),
      },
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
