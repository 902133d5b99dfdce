import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import {
  mkdirSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  symlinkSync,
  truncateSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { whyFailed } from "./container-command.ts";
import { listCommand, readListing } from "./list-folder.ts";
import { readFileName, readPlace, splitPath } from "./places.ts";
import { fileHead, fileTail, readFirstEntry } from "./tar.ts";

async function* inPieces(bytes: Buffer, size: number): AsyncGenerator<Buffer> {
  for (let at = 0; at < bytes.length; at += size) yield bytes.subarray(at, at + size);
}
async function contentOf(archive: Buffer, pieceBytes = 100): Promise<string | undefined> {
  const entry = await readFirstEntry(inPieces(archive, pieceBytes));
  if (!entry?.isFile) return undefined;
  const pieces: Buffer[] = [];
  for await (const piece of entry.bytes()) pieces.push(piece);
  return Buffer.concat(pieces).toString();
}

describe("the dashboard's files of containers", () => {
  let folder: string;
  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), "dashboard-files-"));
  });
  afterEach(() => rmSync(folder, { recursive: true, force: true }));

  const tar = (...args: readonly string[]) => execFileSync("tar", args, { maxBuffer: 64 * 1024 * 1024 });

  it("writes archives that tar takes, with long names, too", () => {
    for (const name of ["short.txt", `${"long-ä".repeat(24)}.txt`]) {
      const text = "some words\n".repeat(100);
      const archive = Buffer.concat([
        fileHead(name, Buffer.byteLength(text), 1_700_000_000),
        Buffer.from(text),
        fileTail(Buffer.byteLength(text)),
      ]);
      execFileSync("tar", ["-xmof", "-", "-C", folder], { input: archive });
      assert.equal(readFileSync(join(folder, name), "utf8"), text);
    }
  });

  it("reads what tar writes: names of any length and form, in pieces of any size", async () => {
    for (const [name, format] of [
      ["plain", "gnu"],
      ["x".repeat(200), "gnu"],
      ["ä".repeat(100), "posix"],
      ["plain", "ustar"],
    ] as const) {
      writeFileSync(join(folder, name), `content of ${name}`);
      const archive = tar("-cf", "-", `--format=${format}`, "-C", folder, `./${name}`);
      for (const pieceBytes of [1, 511, 100_000])
        assert.equal(await contentOf(archive, pieceBytes), `content of ${name}`);
    }
  });

  it("ends with an archive that has no end", async () => {
    async function* endless(): AsyncGenerator<Buffer> {
      yield Buffer.concat([fileHead("a", 3, 0), Buffer.from("abc"), fileTail(3)]);
      for (let pieces = 0; pieces < 1_000; pieces++) yield Buffer.alloc(65_536);
    }
    const entry = await readFirstEntry(endless());
    assert.ok(entry !== undefined);
    const read = async () => {
      let text = "";
      for await (const piece of entry.bytes()) text += piece;
      return text;
    };
    await assert.rejects(read(), /goes on behind its only entry/);
  });

  it("reads sizes beyond eight gigabytes", async () => {
    const file = join(folder, "huge");
    writeFileSync(file, "");
    truncateSync(file, 9 * 1024 ** 3);
    for (const format of ["gnu", "posix"]) {
      const head = execFileSync("sh", [
        "-c",
        `tar -cf - --format=${format} -C "$1" huge | head -c 4096`,
        "sh",
        folder,
      ]);
      const entry = await readFirstEntry(inPieces(head, 512));
      assert.equal(entry?.sizeBytes, 9 * 1024 ** 3, format);
    }
  });

  it("takes no folder for a file, and nothing else for an archive", async () => {
    mkdirSync(join(folder, "sub"));
    assert.equal(await contentOf(tar("-cf", "-", "-C", folder, "./sub")), undefined);
    assert.equal(await readFirstEntry(inPieces(Buffer.alloc(1024), 512)), undefined);
    assert.equal(await readFirstEntry(inPieces(Buffer.from("short"), 512)), undefined);
    await assert.rejects(readFirstEntry(inPieces(Buffer.alloc(1024, "x"), 512)), /no archive/);
    const cut = tar("-cf", "-", "-C", folder, "./sub");
    cut[130] = 0x39;
    await assert.rejects(readFirstEntry(inPieces(cut, 512)), /no archive/);
  });

  it("lists a folder, whatever its names hold", () => {
    for (const name of ["b", "a\nd fake", " space ", "-rf", ".hidden", "..two", "*"])
      writeFileSync(join(folder, name), name);
    mkdirSync(join(folder, "zfolder"));
    symlinkSync("nowhere", join(folder, "link"));
    const [sh = "", ...args] = listCommand(folder);
    const { entries = [], left } = readListing(execFileSync(sh, args, { encoding: "utf8" })) ?? {};
    assert.deepEqual(
      entries.map(({ name, kind }) => `${kind} ${name}`),
      [
        "folder zfolder",
        "file  space ",
        "file *",
        "file -rf",
        "file ..two",
        "file .hidden",
        "file a\nd fake",
        "file b",
        "link link",
      ],
    );
    assert.equal(entries.find(({ name }) => name === "a\nd fake")?.sizeBytes, 8);
    assert.ok(entries.every(({ changedS = 0 }) => changedS > 1_700_000_000));
    assert.equal(left, 0);
  });

  it("lists an empty folder, and says which is none", () => {
    const [sh = "", ...args] = listCommand(folder);
    assert.deepEqual(readListing(execFileSync(sh, args, { encoding: "utf8" })), { entries: [], left: 0 });
    const [, ...none] = listCommand(join(folder, "none"));
    assert.throws(() => execFileSync(sh, none, { stdio: "pipe" }), /none/);
  });

  it("reads no listing out of what is none, and does without sizes", () => {
    for (const text of ["", "hello", "?x\0\0", "f\0\0"])
      assert.equal(readListing(text), undefined, JSON.stringify(text));
    assert.deepEqual(readListing("fa\0\0"), { entries: [{ name: "a", kind: "file" }], left: 0 });
    assert.deepEqual(readListing("fa\0fb\0\x001 2\n"), {
      entries: [
        { name: "a", kind: "file" },
        { name: "b", kind: "file" },
      ],
      left: 0,
    });
  });

  it("takes places and names that are some", () => {
    const place = { namespace: "n", pod: "p.x", container: "c", path: "//a///b/" };
    assert.deepEqual(readPlace(place), { ...place, path: "/a/b/" });
    for (const wrong of [
      { path: "a" },
      { path: "/a\0" },
      { path: `/${"x".repeat(4_096)}` },
      { pod: "../x" },
      { container: "a b" },
      { namespace: undefined },
    ])
      assert.throws(() => readPlace({ ...place, ...wrong }), TypeError, JSON.stringify(wrong));
    for (const wrong of ["", ".", "..", "a/b", "a\0", "x".repeat(256), 7])
      assert.throws(() => readFileName(wrong), TypeError);
    assert.equal(readFileName("-rf *"), "-rf *");
    assert.deepEqual(splitPath("/a/b/"), { folder: "/a", name: "b" });
    assert.deepEqual(splitPath("/a"), { folder: "/", name: "a" });
    assert.deepEqual(splitPath("/"), { folder: "/", name: "." });
  });

  it("says that there is no tar, and otherwise what tar says", () => {
    assert.equal(whyFailed({ code: 0, said: "" }, "tar"), undefined);
    assert.match(
      whyFailed({ code: 127, said: "sh: tar: not found" }, "tar") ?? "",
      /^The container has no tar, .* kubectl cp/,
    );
    assert.match(
      whyFailed({ said: 'exec: "tar": executable file not found in $PATH' }, "tar") ?? "",
      /has no tar/,
    );
    assert.equal(whyFailed({ code: 2, said: "tar: ./x: Cannot open" }, "tar"), "tar: ./x: Cannot open");
    assert.equal(whyFailed({ code: 2, said: "" }, "tar"), "tar ended with exit code 2.");
  });
});
