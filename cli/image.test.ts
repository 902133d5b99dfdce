import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { mkdtemp, rm, stat, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { buffer } from "node:stream/consumers";
import { pack } from "tar-stream";
import { ImageStore } from "../agent/images/store.ts";
import { parseFlags } from "../base/os/flags.ts";
import { imageCommand } from "./image.ts";

describe("pintle image", () => {
  let dir: string;
  const usualUmask = process.umask();
  beforeEach(async () => {
    dir = await mkdtemp(join(tmpdir(), "pintle-image-"));
  });
  afterEach(async () => {
    process.umask(usualUmask);
    await rm(dir, { recursive: true, force: true });
  });

  const importImage = (file: string) =>
    imageCommand.run(parseFlags(imageCommand.flags, ["import", file, "--root-dir", dir]), {
      stdout: () => undefined,
      stderr: () => undefined,
      stdin: process.stdin,
      env: {},
      signal: new AbortController().signal,
      client: () => assert.fail("nothing is asked of a cluster"),
    });

  it("imports what pods may read, whatever the umask", async () => {
    const layer = pack();
    layer.entry({ name: "implied/file", mode: 0o640 }, "text");
    layer.finalize();
    const content = await buffer(layer);
    const digest = `sha256:${createHash("sha256").update(content).digest("hex")}`;
    const config = { config: { Cmd: ["/run"] }, rootfs: { type: "layers", diff_ids: [digest] } };
    const archive = pack();
    archive.entry({ name: "layer.tar" }, content);
    archive.entry({ name: "config.json" }, JSON.stringify(config));
    archive.entry(
      { name: "manifest.json" },
      JSON.stringify([{ Config: "config.json", RepoTags: ["web:1"], Layers: ["layer.tar"] }]),
    );
    archive.finalize();
    const file = join(dir, "web.tar");
    await writeFile(file, await buffer(archive));
    process.umask(0o077);
    assert.equal(await importImage(file), 0);
    const store = await ImageStore.open(join(dir, "images"));
    const [tree = ""] = await store.lowerDirs((await store.find("web:1"))?.id ?? "");
    const modes = await Promise.all(
      ["", "implied", "implied/file"].map(async (path) => (await stat(join(tree, path))).mode & 0o777),
    );
    assert.deepEqual(modes, [0o755, 0o755, 0o640]);
  });
});
