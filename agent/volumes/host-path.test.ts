import assert from "node:assert/strict";
import { mkdtemp, rm, stat, writeFile } from "node:fs/promises";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { checkHostPath } from "./host-path.ts";

describe("a path of the node's own", () => {
  it("is made where it is to be a folder, and cannot be below /proc, which says so", async () => {
    const root = await mkdtemp(join(tmpdir(), "pintle-host-path-"));
    const path = join(root, "a", "b");
    await checkHostPath(path, "DirectoryOrCreate");
    assert.ok((await stat(path)).isDirectory());
    await rm(root, { recursive: true });
    if (process.platform === "linux")
      await assert.rejects(checkHostPath("/proc/nowhere", "DirectoryOrCreate"), { code: "ENOENT" });
  });

  it("is made a folder where nothing is there and nothing is said of it, and left alone otherwise", async () => {
    const root = await mkdtemp(join(tmpdir(), "pintle-host-path-"));
    try {
      await checkHostPath(join(root, "a", "b"), "");
      assert.ok((await stat(join(root, "a", "b"))).isDirectory());
      await writeFile(join(root, "file"), "word");
      await checkHostPath(join(root, "file"), "");
      await checkHostPath(join(root, "made"), "FileOrCreate");
      assert.equal((await stat(join(root, "made"))).size, 0);
      await checkHostPath(join(root, "file"), "FileOrCreate");
      assert.equal((await stat(join(root, "file"))).size, 4);
    } finally {
      await rm(root, { recursive: true });
    }
  });

  it("is what its type says, or is refused in the kubelet's words", async () => {
    const root = await mkdtemp(join(tmpdir(), "pintle-host-path-"));
    const server = createServer();
    try {
      const paths = {
        folder: root,
        file: join(root, "file"),
        socket: join(root, "socket"),
        device: "/dev/null",
      };
      await writeFile(paths.file, "");
      await new Promise<void>((resolve) => server.listen(paths.socket, resolve));
      const rows: readonly (readonly [type: string, fits: keyof typeof paths, text: string])[] = [
        ["Directory", "folder", "a directory"],
        ["DirectoryOrCreate", "folder", "a directory"],
        ["File", "file", "a file"],
        ["FileOrCreate", "file", "a file"],
        ["Socket", "socket", "a socket file"],
        ["CharDevice", "device", "a character device"],
      ];
      for (const [type, fits, text] of rows)
        for (const [name, path] of Object.entries(paths)) {
          const checked = checkHostPath(path, type);
          if (name === fits) await checked;
          else
            await assert.rejects(checked, { message: `hostPath type check failed: ${path} is not ${text}` });
        }
      await assert.rejects(checkHostPath(root, "BlockDevice"), /is not a block device$/);
      await assert.rejects(checkHostPath(join(root, "none"), "Socket"), /is not a socket file$/);
      await assert.rejects(checkHostPath(root, "constructor"), /is an invalid volume type$/);
    } finally {
      await new Promise((resolve) => server.close(resolve));
      await rm(root, { recursive: true });
    }
  });
});
