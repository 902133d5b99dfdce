import { deepStrictEqual, rejects, strictEqual } from "node:assert/strict";
import { RamDisk } from "./ram-disk.ts";

const text = (bytes: Uint8Array) => Buffer.from(bytes).toString();

describe("a disk in memory", () => {
  it("keeps what was written by path, whoever opens it again", async () => {
    const disk = new RamDisk();
    const file = await disk.open("/a/b", { create: true });
    await file.write(2, [Buffer.from("xy"), Buffer.from("z")]);
    await file.close();
    const again = await disk.open("/a/b");
    strictEqual(text(await again.read(0, 100)), "\0\0xyz");
    const into = new Uint8Array(2);
    strictEqual(again.readNow(4, into), 1);
    await again.truncate(3);
    strictEqual(await disk.sizeBytes("/a/b"), 3);
  });

  it("lists, moves and removes whole folders", async () => {
    const disk = new RamDisk();
    for (const path of ["/a/2", "/a/1", "/a/sub/3", "/ab"]) await disk.open(path, { create: true });
    deepStrictEqual(await disk.list("/a"), ["1", "2", "sub"]);
    strictEqual(await disk.exists("/a/sub"), true);
    await disk.rename("/a", "/c");
    deepStrictEqual(await disk.list("/a"), []);
    strictEqual((await disk.open("/c/sub/3")).path, "/c/sub/3");
    await disk.remove("/c");
    deepStrictEqual(await disk.list("/c"), []);
    strictEqual(await disk.exists("/ab"), true);
  });

  it("says that a file is missing as Node does", async () => {
    const disk = new RamDisk();
    await rejects(disk.open("/none"), { code: "ENOENT" });
    await rejects(disk.rename("/none", "/some"), { code: "ENOENT" });
    strictEqual(await disk.sizeBytes("/none"), 0);
  });
});
