import { strict as assert } from "node:assert";
import { spawnSync } from "node:child_process";
import { createHash } from "node:crypto";
import {
  existsSync,
  lstatSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Readable } from "node:stream";
import { buffer } from "node:stream/consumers";
import { gzipSync } from "node:zlib";
import { type Header, pack } from "tar-stream";
import { describeError } from "../../../base/os/log.ts";
import { ImageError } from "../image.ts";
import { flatten, makeWhiteout } from "./layer-tree.ts";
import { LayerUnion } from "./layer-union.ts";
import { textInside } from "./path-inside.ts";
import { type UnpackLimits, unpackLayer, unpackLimits } from "./unpack-layer.ts";
import { unpacking, zstdInScript } from "./unpacked-bytes.ts";

let dir: string;
beforeEach(async () => {
  dir = await mkdtemp(join(tmpdir(), "pintle-layers-"));
});
afterEach(() => rm(dir, { recursive: true, force: true }));

type Entry = Partial<Header> & { readonly name: string } & { readonly text?: string };

function tar(entries: readonly Entry[]): Promise<Buffer> {
  const archive = pack();
  for (const { text = "", ...header } of entries) archive.entry(header, text);
  archive.finalize();
  return buffer(archive);
}

const zstdThere = spawnSync("zstd", ["-V"]).status === 0;
const zstdOf = (input: Buffer, ...options: string[]): Buffer =>
  spawnSync("zstd", ["-q", "-c", ...options], { input, maxBuffer: 1e8 }).stdout;

let layers = 0;
const canMakeWhiteouts = () => {
  const path = join(dir, "whiteout");
  try {
    if (!existsSync(path)) makeWhiteout(path);
    return path;
  } catch {
    return undefined; // a system that lets nobody make them
  }
};

/** Lays archives on each other. Answers the trees, the topmost first. */
async function lay(
  archives: readonly (readonly Entry[] | Buffer)[],
  {
    isWhole = false,
    limits = {},
  }: { readonly isWhole?: boolean; readonly limits?: Partial<UnpackLimits> } = {},
): Promise<string[]> {
  let below: string[] = [];
  for (const archive of archives) {
    const name = String(++layers);
    mkdirSync(join(dir, name));
    const source = join(dir, `${name}.layer`);
    writeFileSync(source, Buffer.isBuffer(archive) ? archive : await tar(archive as readonly Entry[]));
    await unpackLayer({
      source,
      tree: join(dir, name),
      below,
      whiteout: isWhole ? undefined : canMakeWhiteouts(),
      limits: { ...unpackLimits, ...limits },
    });
    below = isWhole || canMakeWhiteouts() === undefined ? [join(dir, name)] : [join(dir, name), ...below];
  }
  return below;
}

/** Every path that the layers show, files with what is in them. */
function shown(trees: readonly string[]): Record<string, string> {
  const union = new LayerUnion(trees);
  const found: Record<string, string> = {};
  const walk = (path: readonly string[]) => {
    for (const name of union.names(path)) {
      const at = [...path, name];
      const one = union.find(at);
      if (one.kind === "folder") walk(at);
      else if (one.kind === "other")
        found[at.join("/")] = one.stats.isFile() ? readFileSync(one.path, "utf8") : "";
    }
  };
  walk([]);
  return found;
}

/** What the kernel's overlay shows of the same layers. */
function mounted(trees: readonly string[]): Record<string, string> | undefined {
  const at = join(dir, "mounted");
  mkdirSync(at, { recursive: true });
  const lower = [...trees, join(dir, "empty")];
  mkdirSync(join(dir, "empty"), { recursive: true });
  const { status } = spawnSync("mount", [
    "-t",
    "overlay",
    "overlay",
    "-o",
    `lowerdir=${lower.join(":")}`,
    at,
  ]);
  if (status !== 0) return undefined;
  try {
    return shown([at]);
  } finally {
    spawnSync("umount", [at]);
  }
}

const stacks: readonly (readonly [string, readonly (readonly Entry[])[], Record<string, string>])[] = [
  [
    "applies whiteouts to lower layers only, whatever the order",
    [
      [
        { name: "d/low", text: "1" },
        { name: "d/deep/low", text: "1" },
        { name: "e/low", text: "1" },
        { name: "f", text: "1" },
        { name: "g", text: "1" },
      ],
      [
        { name: "d/deep/high", text: "2" },
        { name: "d/high", text: "2" },
        { name: "d/.wh..wh..opq" },
        { name: "e/.wh.low" },
        { name: "f", text: "2" },
        { name: ".wh.f" },
        { name: ".wh.g" },
        { name: ".wh.never" },
      ],
    ],
    { "d/high": "2", "d/deep/high": "2", f: "2" },
  ],
  [
    "brings back what a layer between removed",
    [
      [
        { name: "a/x", text: "1" },
        { name: "a/y", text: "1" },
      ],
      [{ name: ".wh.a" }],
      [{ name: "a/y", text: "3" }],
    ],
    { "a/y": "3" },
  ],
  [
    "hides all below an opaque root",
    [[{ name: "a/x", text: "1" }], [{ name: ".wh..wh..opq" }, { name: "b", text: "2" }]],
    { b: "2" },
  ],
  [
    "lets a folder take a file's place, and a file a folder's",
    [
      [
        { name: "a", text: "1" },
        { name: "b/x", text: "1" },
        { name: "c/x", text: "1" },
      ],
      [
        { name: "a/", type: "directory" },
        { name: "a/x", text: "2" },
        { name: "b", text: "2" },
        { name: "c", text: "2" },
      ],
      [
        { name: "c/", type: "directory" },
        { name: "c/y", text: "3" },
      ],
    ],
    { "a/x": "2", b: "2", "c/y": "3" },
  ],
  [
    "replaces what the same layer brought before",
    [
      [{ name: "d/low", text: "1" }],
      [
        { name: "d", text: "2" },
        { name: "d/", type: "directory" },
        { name: "d/x", text: "2" },
      ],
    ],
    { "d/x": "2" },
  ],
  [
    "follows links between folders through the layers, and not where they are hidden",
    [
      [
        { name: "usr/lib/a", text: "1" },
        { name: "lib", type: "symlink", linkname: "/usr/lib" },
      ],
      [{ name: "lib/b", text: "2" }],
      [{ name: ".wh.lib" }, { name: "lib/c", text: "3" }],
    ],
    { "usr/lib/a": "1", "usr/lib/b": "2", "lib/c": "3" },
  ],
  [
    "links to what lies below",
    [[{ name: "a", text: "1" }], [{ name: "b", type: "link", linkname: "a" }], [{ name: ".wh.a" }]],
    { b: "1" },
  ],
];

describe("unpackLayer", () => {
  for (const [what, archives, expected] of stacks)
    it(what, async () => {
      const trees = await lay(archives);
      assert.deepEqual(shown(trees), expected);
      const byKernel = mounted(trees);
      if (byKernel !== undefined) assert.deepEqual(byKernel, expected, "as the kernel shows it");
      const whole = await lay(archives, { isWhole: true });
      assert.deepEqual(shown(whole), expected, "where there are no whiteouts");
      mkdirSync(join(dir, "flat"));
      flatten(join(dir, "flat"), trees);
      assert.deepEqual(shown([join(dir, "flat")]), expected, "as one folder");
    });

  it("keeps owners, modes and times, and gives implied folders those that are below", async () => {
    const at = new Date("2024-05-06T07:08:09Z");
    const trees = await lay([
      [{ name: "d/", type: "directory", mode: 0o2750, uid: 7, gid: 8 }],
      [
        { name: "d/run", text: "x", mode: 0o4755, uid: 7, gid: 8, mtime: at },
        { name: "new/file", text: "" },
      ],
    ]);
    const [top = ""] = trees;
    const file = lstatSync(join(top, "d/run"));
    assert.equal(file.mode & 0o7777, 0o4755);
    assert.equal(file.mtime.getTime(), at.getTime());
    assert.equal(lstatSync(join(top, "d")).mode & 0o7777, 0o2750);
    assert.equal(lstatSync(join(top, "new")).mode & 0o7777, 0o755);
    if (process.getuid?.() === 0) assert.deepEqual([file.uid, lstatSync(join(top, "d")).gid], [7, 8]);
  });

  it("takes layers packed with gzip and zstd, known by what is in them", async function () {
    if (!zstdThere) return this.skip();
    const plain = await tar([{ name: "a", text: "one".repeat(100_000) }]);
    const zstd = zstdOf(plain, "--long=24");
    const skippable = Buffer.from([0x5a, 0x2a, 0x4d, 0x18, 3, 0, 0, 0, 1, 2, 3]);
    const halves = [plain.subarray(0, 1000), plain.subarray(1000)].map((input) => zstdOf(input, "--check"));
    const content = `sha256:${createHash("sha256").update(plain).digest("hex")}`;
    for (const packed of [plain, gzipSync(plain), zstd, Buffer.concat([skippable, ...halves, skippable])]) {
      const name = join(dir, String(++layers));
      mkdirSync(name);
      writeFileSync(`${name}.layer`, packed);
      const unpacked = await unpackLayer({
        source: `${name}.layer`,
        tree: name,
        below: [],
        whiteout: undefined,
        limits: unpackLimits,
      });
      assert.equal(unpacked.content, content);
      assert.equal(unpacked.packed, `sha256:${createHash("sha256").update(packed).digest("hex")}`);
      assert.equal(readFileSync(join(name, "a"), "utf8").length, 300_000);
    }
  });

  it("unpacks zstd alike by script and by zlib", async function () {
    if (!zstdThere) return this.skip();
    const input = Buffer.concat(
      Array.from({ length: 20_000 }, (_, at) =>
        createHash("sha1")
          .update(String(at % 9000))
          .digest(),
      ),
    );
    const packed = zstdOf(input, "-19");
    for (const stage of [zstdInScript(), unpacking("zstd")])
      assert.ok((await buffer(Readable.from([packed]).pipe(stage))).equals(input));
  });
});

describe("a hostile layer", () => {
  const refused = (
    archives: readonly (readonly Entry[] | Buffer)[],
    why: RegExp,
    limits: Partial<UnpackLimits> = {},
  ) =>
    assert.rejects(
      lay(archives, { limits }),
      (error) => error instanceof ImageError && why.test(describeError(error)),
    );

  it("writes nothing outside its tree, by climbing names or links of any kind", async () => {
    writeFileSync(join(dir, "victim"), "safe");
    mkdirSync(join(dir, "outside"));
    const [tree = ""] = await lay([
      [
        { name: "../victim", text: "overwritten" },
        { name: "/victim2", text: "inside" },
        { name: "up", type: "symlink", linkname: "../.." },
        { name: "up/victim", text: "overwritten" },
        { name: "abs", type: "symlink", linkname: dir },
        { name: "abs/victim", text: "overwritten" },
        { name: "abs/outside/x", text: "written" },
        { name: "over", type: "symlink", linkname: join(dir, "victim") },
        { name: "over", text: "mine" },
        { name: "hard", type: "link", linkname: "../../victim" },
        { name: "abs/outside/.wh.x" },
        { name: "abs/.wh.victim" },
      ],
    ]);
    assert.equal(readFileSync(join(dir, "victim"), "utf8"), "safe");
    assert.deepEqual(readdirSync(join(dir, "outside")), []);
    assert.equal(readFileSync(join(tree, "over"), "utf8"), "mine");
    assert.ok(lstatSync(join(tree, "over")).isFile());
    assert.equal(readFileSync(join(tree, "hard"), "utf8"), "overwritten");
    assert.equal(readFileSync(join(tree, "victim2"), "utf8"), "inside");
  });

  it("finds no file of the host's by a hard link, nor through a link below", async () => {
    writeFileSync(join(dir, "victim"), "safe");
    await refused([[{ name: "l", type: "link", linkname: join(dir, "victim") }]], /cannot be unpacked/);
    await refused(
      [[{ name: "d", type: "symlink", linkname: dir }], [{ name: "l", type: "link", linkname: "d/victim" }]],
      /cannot be unpacked/,
    );
  });

  it("cannot make whiteouts outside their folder", async () => {
    for (const name of [".wh...", "x/.wh...", "x/.wh..", ".wh."])
      await refused([[{ name, text: "" }]], /whiteout names something outside/);
  });

  it("brings no device nodes, and its own whiteouts hide as a removal does", async () => {
    const device = (
      name: string,
      type: "character-device" | "block-device",
      devmajor: number,
      devminor: number,
    ) => ({ name, type, devmajor, devminor, mode: 0o666 }) as Entry;
    const trees = await lay([
      [
        { name: "keep", text: "1" },
        { name: "gone", text: "1" },
      ],
      [
        device("dev/mem", "character-device", 1, 1),
        device("dev/disk", "block-device", 8, 0),
        device("gone", "character-device", 0, 0),
      ],
    ]);
    assert.deepEqual(shown(trees), { keep: "1" });
    for (const tree of trees)
      for (const name of readdirSync(tree, { recursive: true, encoding: "utf8" })) {
        const stats = lstatSync(join(tree, name));
        assert.ok(!stats.isBlockDevice() && (!stats.isCharacterDevice() || stats.rdev === 0), name);
      }
  });

  it("is refused with headers of hundreds of megabytes", async () => {
    const huge = await tar([
      { name: "x", type: "file", pax: { comment: "c".repeat(8 * 1024 * 1024) } } as unknown as Entry,
    ]);
    await refused([huge], /Header exceeds max size/);
  });

  it("is refused with sparse files, which unpack to more than they hold", async () => {
    await refused(
      [[{ name: "x", text: "1", pax: { "GNU.sparse.major": "1" } } as unknown as Entry]],
      /sparse files are not supported/,
    );
    const old = await tar([{ name: "x", text: "1" }]);
    old.write("S", 156);
    const sum = old.subarray(0, 512).reduce((all, byte, at) => all + (at >= 148 && at < 156 ? 32 : byte), 0);
    old.write(`${sum.toString(8).padStart(6, "0")}\0 `, 148);
    await refused([old], /unknown type|Invalid/);
  });

  it("is refused that says it is larger than any may be, and fills no disk", async () => {
    const entry = await tar([{ name: "x", text: "1" }]);
    const huge = (2 ** 45).toString(16).padStart(22, "0");
    Buffer.from(`80${huge}`, "hex").copy(entry, 124);
    const sum = entry
      .subarray(0, 512)
      .reduce((all, byte, at) => all + (at >= 148 && at < 156 ? 32 : byte), 0);
    entry.write(`${sum.toString(8).padStart(6, "0")}\0 `, 148);
    await refused([entry], /holds more than \d+ bytes/);
    await refused([[{ name: "x", text: "1" }]], /no space left/, { freeBytesLeast: Number.MAX_SAFE_INTEGER });
  });

  it("is refused as a bomb: gzip, zstd, and many files", async function () {
    if (!zstdThere) return this.skip();
    const bytesMost = 4 * 1024 * 1024;
    const zeros = Buffer.alloc(16 * 1024 * 1024);
    await refused([gzipSync(zeros)], /holds more than \d+ bytes/, { bytesMost });
    const packed = zstdOf(zeros);
    await refused([packed], /holds more than \d+ bytes/, { bytesMost });
    const many = Array.from({ length: 50 }, (_, at) => ({ name: `f${at}` }));
    await refused([many], /more than 20 files/, { entriesMost: 20 });
  });

  it("is refused that asks zstd for more memory than we give", async () => {
    const magic = [0x28, 0xb5, 0x2f, 0xfd];
    const single = Buffer.from([...magic, 0xe0, 0, 0, 0, 0x40, 0, 0, 0, 0, 1, 0, 0]);
    const windowed = Buffer.from([...magic, 0, 0xff, 1, 0, 0]);
    for (const layer of [single, windowed])
      await assert.rejects(
        buffer(Readable.from([layer]).pipe(zstdInScript())),
        /packed with a window of \d+ bytes/,
      );
    await refused([single], /window|memory/i);
  });

  it("has names as odd as files may have, and none longer than a path", async () => {
    const odd = ["new\nline", "-rf", "$(touch x)", " ", "a\\b", "\u202e"];
    const trees = await lay([odd.map((name) => ({ name: `d/${name}`, text: "1" }))]);
    assert.deepEqual(Object.keys(shown(trees)).sort(), odd.map((name) => `d/${name}`).sort());
    await refused([[{ name: `${"a/".repeat(30_000)}b`, text: "1" }]], /a path of \d+ characters/);
    await refused(
      [[{ name: "l", type: "link", linkname: "../".repeat(30_000) }]],
      /a path of \d+ characters/,
    );
    await refused([[{ name: `${"a/".repeat(2040)}b`, text: "1" }]], /name too long/);
  });

  it("cannot have owners out of range, names with zeros or endless links", async () => {
    await refused([[{ name: "x", pax: { uid: "-1" } } as unknown as Entry]], /of uid -1/);
    await refused([[{ name: "x", pax: { gid: "4294967295" } } as unknown as Entry]], /of gid/);
    await refused([[{ name: "x", pax: { path: "a\0b" } } as unknown as Entry]], /zero byte/);
    await refused(
      [
        [
          { name: "a", type: "symlink", linkname: "b" },
          { name: "b", type: "symlink", linkname: "a" },
          { name: "a/x", text: "" },
        ],
      ],
      /too many links/,
    );
    await refused(
      [
        [
          { name: "f", text: "1" },
          { name: "f/x", text: "1" },
        ],
      ],
      /f is no folder/,
    );
  });
});

describe("textInside", () => {
  it("reads an image's files in the image, never the host's through a link", () => {
    const [top, low] = [join(dir, "top"), join(dir, "low")];
    for (const tree of [top, low]) mkdirSync(join(tree, "etc"), { recursive: true });
    writeFileSync(join(low, "users"), "own");
    symlinkSync("/users", join(top, "etc", "passwd"));
    assert.equal(textInside([top, low], "etc/passwd", 100), "own");
    for (const [at, target] of ["/etc/passwd", "/dev/zero", "../../../../../../dev/zero"].entries()) {
      symlinkSync(target, join(low, "etc", `group${at}`));
      if (at > 0) assert.equal(textInside([top, low], `etc/group${at}`, 100), "");
    }
    assert.equal(textInside([top, low], "users", 2), "", "too large");
    assert.equal(textInside([top, low], "etc/none", 100), "");
    assert.ok(statSync("/dev/zero").isCharacterDevice());
  });
});
