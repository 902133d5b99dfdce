import { strict as assert } from "node:assert";
import { mkdir, mkdtemp, rm, symlink, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { textInTree } from "./path-in-tree.ts";

describe("textInTree", () => {
  let root: string;
  beforeEach(async () => {
    root = await mkdtemp(join(tmpdir(), "pintle-tree-"));
    await mkdir(join(root, "etc"));
  });
  afterEach(() => rm(root, { recursive: true, force: true }));

  it("reads an image's files in the image, never the host's through a link", async () => {
    await writeFile(join(root, "users"), "own");
    await symlink("/users", join(root, "etc", "passwd"));
    assert.equal(await textInTree(root, "etc/passwd", 100), "own");
    for (const target of ["/etc/passwd", "/dev/zero", "../../../../../../dev/zero"]) {
      await rm(join(root, "etc", "group"), { force: true });
      await symlink(target, join(root, "etc", "group"));
      assert.notEqual(await textInTree(root, "etc/group", 100), undefined);
    }
    assert.equal(await textInTree(root, "etc/group", 100), "");
    assert.equal(await textInTree(root, "users", 2), "", "too large");
    assert.equal(await textInTree(root, "etc/none", 100), "");
  });
});
