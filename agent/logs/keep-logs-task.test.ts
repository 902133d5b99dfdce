import assert from "node:assert/strict";
import { mkdir, mkdtemp, readdir, rm, stat, utimes, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { silentLog } from "../../base/os/log.ts";
import { dropOldestKept, shrinkKept } from "./keep-logs-task.ts";

const nowMs = Date.UTC(2026, 11, 1, 8);
const hourMs = 3_600_000;
const roomy = { bytesMost: 1e9, ageMsMost: 24 * hourMs };

describe("what is kept of logs", () => {
  let kept: string;

  beforeEach(async () => {
    kept = join(await mkdtemp(join(tmpdir(), "pintle-kept-")), "logs-kept");
  });
  afterEach(() => rm(join(kept, ".."), { recursive: true }));

  /** A log of a run that ended so long ago. */
  async function keep(pod: string, hoursAgo: number, lines = 2_000): Promise<void> {
    const folder = join(kept, `shop_${pod}_uid`, "app");
    await mkdir(folder, { recursive: true });
    const at = new Date(nowMs - hoursAgo * hourMs);
    const path = join(folder, `0.log.i${hoursAgo}`);
    await writeFile(
      path,
      `${at.toISOString().replace("Z", "000000Z")} stdout F some words, again and again\n`.repeat(lines),
    );
    await writeFile(join(folder, "0.labels.json"), "{}");
    await utimes(path, at, at);
  }
  const shrink = (bounds: typeof roomy) => shrinkKept(kept, bounds, { nowMs, log: silentLog });
  const pods = async () => (await readdir(kept)).map((name) => name.split("_")[1]).sort();
  const files = async (pod: string) =>
    (await readdir(join(kept, `shop_${pod}_uid`, "app"))).filter((name) => name.includes(".log."));

  it("is compressed, and goes with its labels and folders when it is too old", async () => {
    await keep("new", 1);
    await keep("old", 25);
    await shrink(roomy);
    assert.deepEqual(await pods(), ["new"]);
    assert.match((await files("new"))[0] ?? "", /^0\.log\.\d+-\d+\.gz$/);
  });

  it("goes, the oldest first, as far as it is more than there may be once it is compressed", async () => {
    for (const hoursAgo of [4, 1, 3, 2]) await keep(`p${hoursAgo}`, hoursAgo);
    await shrink({ ...roomy, bytesMost: 2 * 4_096 });
    assert.deepEqual(await pods(), ["p1", "p2"]);
  });

  it("is shrunk although one file cannot be compressed, which counts as it lies", async () => {
    await keep("good", 1);
    await keep("odd", 2);
    const folder = join(kept, "shop_odd_uid", "app");
    const [name = ""] = await files("odd");
    const { ino } = await stat(join(folder, name));
    // In the way of what it would be compressed to.
    await mkdir(join(folder, `0.log.${nowMs - 2 * hourMs}-${ino}.gz`, "x"), { recursive: true });
    const told: string[] = [];
    const log = { warn: (message: string) => void told.push(message) };
    await shrinkKept(kept, roomy, { nowMs, log });
    assert.deepEqual(told, ["cannot compress a log that is kept"]);
    assert.match((await files("good"))[0] ?? "", /\.gz$/);
    assert.ok((await files("odd")).includes(name));
  });

  it("gives way by quarters, the oldest first, until nothing is left", async () => {
    for (const hoursAgo of [1, 2, 3, 4]) await keep(`p${hoursAgo}`, hoursAgo);
    assert.ok((await dropOldestKept(kept)) > 0);
    assert.deepEqual(await pods(), ["p1", "p2", "p3"]);
    for (let round = 0; round < 3; round++) assert.ok((await dropOldestKept(kept)) > 0);
    assert.deepEqual(await pods(), []);
    assert.equal(await dropOldestKept(kept), 0);
  });
});
