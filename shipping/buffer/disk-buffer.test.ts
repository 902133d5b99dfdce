import assert from "node:assert/strict";
import { silentLog } from "../../base/os/log.ts";
import { RamDisk } from "../../base/os/ram-disk.ts";
import { type BufferRules, DiskBuffer } from "./disk-buffer.ts";
import type { Frame } from "./frame.ts";

const rules: BufferRules = { bytesMax: 1024 * 1024, segmentBytes: 1000, whenFull: "drop-oldest" };
const stream = { source: "containers", key: "k" } as const;
let places = 0;
const frame = (text: string): Frame => ({
  stream,
  format: "lines",
  lines: 2,
  atMs: 7,
  place: { file: "f", start: places, end: ++places },
  body: Buffer.from(`${text}\n${text}\n`),
});

describe("a buffer on disk", () => {
  let disk: RamDisk;
  const lost: [string, number][] = [];
  beforeEach(() => {
    disk = new RamDisk();
    lost.length = 0;
    places = 0;
  });
  const open = (more: Partial<BufferRules> = {}) =>
    DiskBuffer.open(
      { ...rules, ...more },
      { disk, folder: "/b", log: silentLog, onLost: (reason, lines) => lost.push([reason, lines]) },
    );
  const segments = async () => (await disk.list("/b")).filter((name) => name.endsWith(".segment"));
  const readAll = async (buffer: DiskBuffer) => {
    const texts: string[] = [];
    for (;;) {
      const found = await buffer.read(300);
      if (found.length === 0) return texts;
      for (const { frame: one } of found) texts.push(Buffer.from(one.body).toString().split("\n")[0] ?? "");
    }
  };
  const names = (count: number, from = 0) => Array.from({ length: count }, (_, at) => `n${from + at}`);
  const fill = async (buffer: DiskBuffer, texts: readonly string[]) => {
    for (const text of texts) await buffer.append([frame(text)]);
  };
  const damage = async (name: string, at: number) => {
    const file = await disk.open(`/b/${name}`);
    const [byte = 0] = await file.read(at, 1);
    await file.write(at, [Uint8Array.of(byte ^ 0x10)]);
  };

  it("gives what came in its order, also to who opens it later, and removes what is settled", async () => {
    const first = await open();
    await fill(first, names(30));
    assert.deepEqual(await readAll(first), names(30));
    assert.ok((await segments()).length > 3);
    await first.settle({ frame: 20, record: 0 });
    const left = (await segments()).length;
    assert.equal(first.oldestAtMs, 7);
    await first.close();
    const second = await open();
    assert.equal(second.ends.get("f"), 30);
    assert.deepEqual(await readAll(second), names(10, 20));
    await fill(second, names(5, 30));
    assert.deepEqual(await readAll(second), names(5, 30));
    await second.settle({ frame: 35, record: 0 });
    assert.equal(second.oldestAtMs, undefined);
    assert.equal((await segments()).length, 1);
    assert.ok(left > 1);
    await second.close();
    // The places are known although the segments are gone.
    assert.equal((await open()).ends.get("f"), 35);
    assert.deepEqual(lost, []);
  });

  it("cuts off what was not written to its end", async () => {
    const first = await open();
    await fill(first, names(3));
    const [name = ""] = await segments();
    const file = await disk.open(`/b/${name}`);
    await file.truncate((await file.sizeBytes()) - 5);
    const second = await open();
    assert.equal(second.ends.get("f"), 2);
    assert.deepEqual(await readAll(second), names(2));
    assert.deepEqual(lost, []);
  });

  it("passes over what the disk damaged, and counts it", async () => {
    const running = await open();
    await fill(running, names(30));
    const [first = "", second = ""] = await segments();
    await damage(first, 150);
    await damage(second, 20);
    const found = await readAll(running);
    assert.ok(found.length > 10 && found.length < 30);
    assert.deepEqual(
      lost.map(([reason]) => reason),
      ["buffer_damaged", "buffer_damaged"],
    );
    assert.equal(
      lost.reduce((sum, [, lines]) => sum + lines, 0),
      2 * (30 - found.length),
    );
    lost.length = 0;
    const later = await open();
    assert.deepEqual(await readAll(later), found);
    assert.equal(
      lost.reduce((sum, [, lines]) => sum + lines, 0),
      2 * (30 - found.length),
    );
    assert.equal(later.ends.get("f"), 30);
  });

  it("drops the oldest of what nobody has read when it is full", async () => {
    const buffer = await open({ bytesMax: 3000 });
    await fill(buffer, names(40));
    const found = await readAll(buffer);
    assert.deepEqual(found, names(40).slice(-found.length));
    assert.deepEqual([...new Set(lost.map(([reason]) => reason))], ["buffer_full"]);
    assert.equal(
      lost.reduce((sum, [, lines]) => sum + lines, 0),
      2 * (40 - found.length),
    );
    assert.ok(buffer.bytes <= 3000);
    const stopping = await open({ bytesMax: 3000, whenFull: "stop-reading" });
    assert.ok(!stopping.hasRoom(3000) && stopping.hasRoom(1));
  });
});
