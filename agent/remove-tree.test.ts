import { strict as assert } from "node:assert";
import { existsSync, readdirSync, readFileSync } from "node:fs";
import { chmod, mkdir, mkdtemp, symlink, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { removeTree } from "./remove-tree.ts";
import { mustRun, runCommand } from "./runtime/supervised/run-command.ts";

describe("removeTree", function () {
  this.timeout(60_000);
  let dir: string;
  let tree: string;
  beforeEach(async () => {
    dir = await mkdtemp(join(tmpdir(), "pintle-remove-"));
    tree = join(dir, "tree");
    await mkdir(tree);
  });
  afterEach(() => mustRun(["rm", "-rf", "--", dir]));
  const isRoot = process.getuid?.() === 0;

  it("removes what lies deeper than any path may be long", async () => {
    const deeper =
      'chdir shift; for (1 .. 40) { mkdir "d" x 250; chdir "d" x 250 or die } open my $f, ">", "f"';
    await mustRun(["perl", "-e", deeper, tree]);
    await removeTree(tree);
    assert.ok(!existsSync(tree));
  });

  it("removes a folder of many files in little memory", async () => {
    const many = await mkdtemp(join(existsSync("/dev/shm") ? "/dev/shm" : dir, "pintle-remove-"));
    try {
      await mustRun(["perl", "-e", "chdir shift; mkdir $_ for 1 .. shift", many, "100000"]);
      const before = process.memoryUsage().rss;
      let most = before;
      const watcher = setInterval(() => {
        most = Math.max(most, process.memoryUsage().rss);
      }, 10);
      await removeTree(many);
      clearInterval(watcher);
      assert.ok(!existsSync(many));
      // A thousand bytes each and more, where this process lists them.
      assert.ok(most - before < 50e6, `${most - before} bytes`);
    } finally {
      await mustRun(["rm", "-rf", "--", many]);
    }
  });

  it("follows no link, takes any name, and is content with what is not there", async () => {
    await writeFile(join(dir, "victim"), "safe");
    await symlink(dir, join(tree, "up"));
    await symlink("/", join(tree, "-rf"));
    await writeFile(join(tree, "new\nline"), "");
    await removeTree(tree);
    assert.deepEqual(readdirSync(dir), ["victim"]);
    await removeTree(tree);
    await symlink(dir, tree);
    await removeTree(tree);
    assert.equal(readFileSync(join(dir, "victim"), "utf8"), "safe");
  });

  it("leaves what is mounted in it, and says so", async function () {
    if (!isRoot) return this.skip();
    const at = join(tree, "mounted");
    await mkdir(at);
    const inner = join(dir, "other");
    await mkdir(inner);
    await mustRun(["mount", "-t", "tmpfs", "-o", "size=64k", "other", at]);
    try {
      await writeFile(join(at, "kept"), "safe");
      await assert.rejects(removeTree(tree), /different device|busy/);
      assert.equal(readFileSync(join(at, "kept"), "utf8"), "safe");
    } finally {
      await mustRun(["umount", at]);
    }
    await removeTree(tree);
    assert.ok(!existsSync(tree));
  });

  it("removes folders that their owner may not read", async () => {
    await mkdir(join(tree, "closed"));
    await writeFile(join(tree, "closed", "file"), "");
    await chmod(join(tree, "closed"), 0);
    if (!isRoot) await removeTree(tree);
    else {
      await mustRun(["chown", "-R", "65534:65534", dir]);
      // At a place that everybody reaches, wherever this is.
      const script = 'mount --bind "$1" /mnt && cd /mnt && shift && exec setpriv "$@"';
      const drop = ["--reuid=65534", "--regid=65534", "--clear-groups", "--"];
      const text = `const { removeTree } = await import("/mnt/agent/remove-tree.ts"); await removeTree(${JSON.stringify(tree)});`;
      const program = [process.execPath, "--import=tsx", "--input-type=module", "-e", text];
      const root = join(import.meta.dirname, "..");
      const { code, stderr } = await runCommand([
        ...["unshare", "--mount", "--", "sh", "-c", script, "sh", root],
        ...[...drop, ...program],
      ]);
      assert.equal(code, 0, stderr);
    }
    assert.ok(!existsSync(tree));
  });
});
