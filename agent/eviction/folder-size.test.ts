import { strict as assert } from "node:assert";
import { link, mkdir, mkdtemp, rm, symlink, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { runCommand } from "../runtime/supervised/run-command.ts";
import { folderBytes } from "./folder-size.ts";

const mi = 2 ** 20;

describe("a folder's size on disk", () => {
  let root: string;
  let folder: string;
  beforeEach(async () => {
    root = await mkdtemp(join(tmpdir(), "pintle-size-"));
    folder = join(root, "it");
    await mkdir(folder);
  });
  afterEach(() => runCommand(["rm", "-rf", root]));

  const write = (path: string, bytes: number) => writeFile(join(root, path), Buffer.alloc(bytes, 1));
  /** What lies in the folder beside the files themselves: folders have a size too. */
  const within = (bytes: number | undefined, least: number, more = 64 * 1024) =>
    assert.ok(bytes !== undefined && bytes >= least && bytes <= least + more, `${bytes} for ${least}`);

  it("is what files take, those in folders too, each once however many names it has", async () => {
    await write("it/a", mi);
    await mkdir(join(folder, "deep"));
    await write("it/deep/b", 2 * mi);
    for (const name of ["c", "d"]) await link(join(folder, "a"), join(folder, name));
    within(await folderBytes(folder), 3 * mi);
  });

  it("leaves out what links lead to, whether the folder holds them or is one", async () => {
    await write("outside", 5 * mi);
    await symlink(join(root, "outside"), join(folder, "file"));
    await symlink(root, join(folder, "up"));
    await symlink("/", join(folder, "host"));
    within(await folderBytes(folder), 0);
    await symlink(root, join(root, "swapped"));
    within(await folderBytes(join(root, "swapped")), 0);
  });

  it("is not fooled by names or by what is promised but not written", async () => {
    for (const name of ["1\t2", "new\nline", "-rf", "$(touch x)", "%s"]) await write(`it/${name}`, 4096);
    await runCommand(["truncate", "-s", "1G", join(folder, "sparse")]);
    within(await folderBytes(folder), 5 * 4096);
  });

  it("sees what lies deeper than any path may be long", async () => {
    const name = "d".repeat(200);
    const made = await runCommand([
      "perl",
      "-e",
      'chdir shift; my $n = shift; for (1 .. 40) { mkdir $n; chdir $n } open my $f, ">", "b"; print $f "x" x 1048576',
      folder,
      name,
    ]);
    assert.equal(made.code, 0);
    within(await folderBytes(folder), mi, 40 * 4096 + 64 * 1024);
  });

  it("is not known of what is not there, or cannot be measured in time", async () => {
    assert.equal(await folderBytes(join(root, "nothing")), undefined);
    const stopped = new AbortController();
    const asked = folderBytes("/", { signal: stopped.signal });
    stopped.abort();
    await assert.rejects(asked);
    await rm(folder, { recursive: true });
  });
});
