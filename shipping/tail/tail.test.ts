import assert from "node:assert/strict";
import {
  appendFileSync,
  mkdtempSync,
  readdirSync,
  renameSync,
  rmSync,
  statSync,
  truncateSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { silentLog } from "../../base/os/log.ts";
import { plainLines } from "../lines/plain-lines.ts";
import type { LogFiles } from "./file-reader.ts";
import { Tail } from "./tail.ts";

describe("the tail of logs", () => {
  let folder: string;
  let nowMs: number;
  let ends: Map<string, number>;
  let tail: Tail;
  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), "pintle-tail-"));
    nowMs = 0;
    ends = new Map();
    tail = open();
  });
  afterEach(async () => {
    await tail.close();
    rmSync(folder, { recursive: true, force: true });
  });

  /** Logs NAME.log with NAME.log.2 and NAME.log.1 before them. */
  const list = async (): Promise<LogFiles[]> => {
    const names = readdirSync(folder).sort();
    return [...new Set(names.map((name) => name.split(".")[0] ?? ""))].map((log) => {
      const older = names.filter((name) => name.startsWith(`${log}.log.`)).reverse();
      const all = [...older, ...names.filter((name) => name === `${log}.log`)];
      const files = all.map((name) => {
        const { ino, size } = statSync(join(folder, name));
        return { path: join(folder, name), inode: ino, sizeBytes: size };
      });
      return { stream: { source: "components", key: log }, format: plainLines, files };
    });
  };
  const open = () =>
    new Tail({
      log: silentLog,
      wallMs: () => 0,
      monotonicMs: () => nowMs,
      endOf: (file) => ends.get(file),
      list,
    });
  const at = (name: string) => join(folder, name);
  /** All that is new, as texts. */
  const read = async () => {
    const texts: string[] = [];
    for (;;) {
      nowMs += 10_000;
      const frames = await tail.read(1024 * 1024);
      if (frames.length === 0) return texts;
      for (const { body, place } of frames) {
        texts.push(...Buffer.from(body).toString("utf8").trimEnd().split("\n"));
        if (place !== undefined) ends.set(place.file, place.end);
      }
    }
  };

  it("reads whole lines, each once, and goes on where it was", async () => {
    writeFileSync(at("a.log"), "1\n2\nhal");
    assert.deepEqual(await read(), ["1", "2"]);
    assert.deepEqual(await read(), []);
    appendFileSync(at("a.log"), "f\n3\n");
    assert.deepEqual(await read(), ["half", "3"]);
    await tail.close();
    appendFileSync(at("a.log"), "4\n");
    tail = open();
    assert.deepEqual(await read(), ["4"]);
  });

  it("follows a log over renames, the older file before the younger", async () => {
    writeFileSync(at("a.log"), "1\n");
    assert.deepEqual(await read(), ["1"]);
    appendFileSync(at("a.log"), "2\n");
    renameSync(at("a.log"), at("a.log.1"));
    writeFileSync(at("a.log"), "3\n");
    renameSync(at("a.log.1"), at("a.log.2"));
    renameSync(at("a.log"), at("a.log.1"));
    writeFileSync(at("a.log"), "4\n");
    assert.deepEqual(await read(), ["2", "3", "4"]);
    await tail.close();
    tail = open();
    assert.deepEqual(await read(), []);
  });

  it("reads what is left of a file that was removed, and one of its name anew", async () => {
    writeFileSync(at("a.log"), "1\n");
    assert.deepEqual(await read(), ["1"]);
    appendFileSync(at("a.log"), "2\n");
    rmSync(at("a.log"));
    writeFileSync(at("b.log"), "b\n");
    assert.deepEqual((await read()).sort(), ["2", "b"]);
    writeFileSync(at("a.log"), "new\n");
    assert.deepEqual(await read(), ["new"]);
  });

  it("begins anew where a file was truncated, also where it has grown beyond since", async () => {
    writeFileSync(at("a.log"), "old 1\nold 2\n");
    assert.deepEqual(await read(), ["old 1", "old 2"]);
    truncateSync(at("a.log"));
    appendFileSync(at("a.log"), "new 1\n");
    assert.deepEqual(await read(), ["new 1"]);
    truncateSync(at("a.log"));
    appendFileSync(at("a.log"), "newer 1\nnewer 2\n");
    assert.deepEqual(await read(), ["newer 1", "newer 2"]);
  });

  it("takes a line without an end once nothing more can come, and one that is too long in pieces", async () => {
    writeFileSync(at("a.log"), "1\ntorn");
    assert.deepEqual(await read(), ["1"]);
    renameSync(at("a.log"), at("a.log.1"));
    writeFileSync(at("a.log"), `${"x".repeat(600 * 1024)}\nend\n`);
    const [torn, ...rest] = await read();
    assert.equal(torn, "torn");
    assert.equal(rest.pop(), "end");
    assert.equal(rest.join(""), "x".repeat(600 * 1024));
  });

  it("says which files are gone only when it has looked at all that are there", async () => {
    writeFileSync(at("a.log"), "1\n");
    writeFileSync(at("b.log"), "2\n");
    await read();
    const [first = "", second = ""] = [...ends.keys()];
    assert.deepEqual([tail.isGone(first), tail.isGone(second), tail.isGone("other")], [false, false, true]);
    await tail.close();
    tail = open();
    nowMs += 10_000;
    await tail.read(1);
    assert.ok(!tail.isGone(first) || !tail.isGone(second));
    rmSync(at("a.log"));
    await read();
    assert.equal([first, second].filter((file) => tail.isGone(file)).length, 1);
  });
});
