import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { mkdtempSync, rmSync, symlinkSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { canRunNodes } from "../testing/test-node.ts";

const run = promisify(execFile);

describe("nftables through netlink", function () {
  this.timeout(120_000);
  before(function () {
    if (!canRunNodes) this.skip();
  });
  const inNamespace = async (path: string, args: readonly string[], env = process.env) => {
    const script = fileURLToPath(new URL(path, import.meta.url));
    const command = ["--net", process.execPath, "--import", "tsx", script, ...args];
    const { stdout } = await run(await whereIs("unshare"), command, { env, maxBuffer: 16 << 20 });
    return stdout
      .trim()
      .split("\n")
      .map((line) => JSON.parse(line));
  };

  it("leaves what nft leaves after each change, and is mended after another's hand, in both families", async () => {
    const seed = 7;
    const lines = await inNamespace("./testing/both-ways.ts", [`${seed}`, "12"]);
    const { findings, warnings } = lines.pop() ?? {};
    assert.deepEqual(findings, [], `seed ${seed}: ${findings}`);
    assert.deepEqual(warnings, []);
    assert.equal(lines.length, 6);
    for (const { family, hand, said, isMended } of lines) {
      assert.match(
        said,
        /^NftRefusal: (delete elements of|add elements to|add chain|flush chain) \S+: ENOENT/,
        `${family} ${hand}`,
      );
      assert.ok(isMended, `${family} ${hand}`);
    }
  });

  it("leaves changes to nft where there is no Perl, and says so once; goes on with another helper after one ended or hung", async () => {
    const path = mkdtempSync(join(tmpdir(), "pintle-without-perl-"));
    try {
      for (const program of ["nft", "sh"]) symlinkSync(await whereIs(program), join(path, program));
      const without = await inNamespace("./testing/three-changes.ts", [], { ...process.env, PATH: path });
      assert.deepEqual(
        without.map(({ isThere }) => isThere),
        [true, true, true],
      );
      const [{ warnings }] = without.slice(-1);
      assert.equal(warnings.length, 1);
      assert.match(warnings[0], /cannot speak netlink with the kernel; nft does it for each change.*ENOENT/);
    } finally {
      rmSync(path, { recursive: true });
    }
    for (const how of ["kill", "stop"]) {
      const changes = await inNamespace("./testing/three-changes.ts", [how]);
      assert.deepEqual(
        changes.map(({ isThere }) => isThere),
        [true, false, true],
        `${how}: what failed is there after the next change`,
      );
      assert.deepEqual(changes.at(-1)?.warnings, [], how);
    }
  });
});

async function whereIs(program: string): Promise<string> {
  return (await run("sh", ["-c", 'command -v "$1"', "sh", program])).stdout.trim();
}
