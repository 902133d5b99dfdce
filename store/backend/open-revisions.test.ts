import assert from "node:assert/strict";
import { mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { deferred } from "../../base/deferred.ts";
import { systemDisk } from "../../base/os/disk.ts";
import { Prng } from "../../base/os/random.ts";
import { SimDisk } from "../../base/os/sim-disk.ts";
import { formatKey } from "../revisions/marks.ts";
import { isRevisionKey, revisionKey, tombstoneKey } from "../revisions/revision-key.ts";
import type { RevisionLog } from "../revisions/revision-log.ts";
import type { BackendError, Row, Write } from "./backend.ts";
import { allRows, smallRevisions, suiteConfig } from "./backend-suite.ts";
import { LevelHome } from "./home.ts";
import { LevelBase } from "./level-base.ts";
import { MemoryBase } from "./memory-base.ts";
import { MemoryDisk } from "./memory-disk.ts";
import { soon } from "./memory-home.ts";
import { openRevisions } from "./open-revisions.ts";
import { revisionPages } from "./revision-pages.ts";

const failLoudly = (error: BackendError) => {
  throw error;
};
const rowCount = 4_500;
/** So that there are few steps at which power can fail: each is tried. */
const fewSegments = { ...smallRevisions, segmentBytes: 60_000, blockBytes: 8_000, chunkBytes: 40_000 };

/** Rows as the version before wrote them, of all kinds. */
function formerRows(): Write[] {
  const rows: Write[] = [["mterm", Buffer.from("7")]];
  for (let main = 2; main < rowCount + 2; main++)
    rows.push([
      `k${main % 10 === 0 ? tombstoneKey(main, 1) : revisionKey(main, 0)}`,
      Buffer.from(`v${main}`),
    ]);
  return rows;
}

const wanted = formerRows()
  .slice(1)
  .map(([key, value]) => `${key.slice(1)}=${value}`);
const texts = (rows: readonly Row[]) => rows.map(({ key, value }) => `${key}=${Buffer.from(value)}`);

async function revisionsOf(log: RevisionLog): Promise<string[]> {
  const view = log.view();
  const rows = await allRows(revisionPages(view, {}, 1_000));
  await view.close();
  return texts(rows);
}

describe("store/backend: revisions of a database of the version before", () => {
  it("are moved into the log when it is opened, once, and the rest stays", async () => {
    const folder = await mkdtemp(join(tmpdir(), "pintle-former-"));
    await mkdir(join(folder, "000001"));
    await writeFile(join(folder, "current"), "000001\n");
    const base = await LevelBase.open(join(folder, "000001"), systemDisk);
    await base.write([formerRows()], { sync: true });
    await base.close();
    for (let opening = 0; opening < 2; opening++) {
      const told: number[] = [];
      const home = new LevelHome(folder, suiteConfig, {
        disk: systemDisk,
        onFailure: failLoudly,
        onMoving: (rows) => told.push(rows),
      });
      const backend = await home.open();
      assert.equal(told.at(-1), opening === 0 ? rowCount : undefined);
      assert.deepEqual(texts(await allRows(backend.pages("key"))), wanted);
      assert.equal(Buffer.from(backend.revision(2, 0) ?? []).toString(), "v2");
      assert.equal(Buffer.from(backend.get("meta", "term") ?? []).toString(), "7");
      await backend.close();
    }
    const after = await LevelBase.open(join(folder, "000001"), systemDisk);
    const view = after.view();
    const left = await allRows(view.pages("k", "l", 10));
    assert.deepEqual(
      left.map(({ key }) => isRevisionKey(key.slice(1))),
      [false],
      "one row, by which the version before refuses the database",
    );
    await view.close();
    await after.close();
    await rm(folder, { recursive: true });
  });

  it("are all there after a power cut at any step of the move", async () => {
    let steps = 0;
    for (let cutAt = 1; cutAt === 1 || steps >= cutAt - 1; cutAt++) {
      const random = new Prng(cutAt);
      const rows = new MemoryDisk();
      rows.append(formerRows());
      rows.sync();
      const disk = new SimDisk({ prng: random, writeMs: 0, syncMs: 0 });
      steps = 0;
      const cut = deferred<void>();
      const step = (go: () => void) => {
        if (++steps < cutAt) queueMicrotask(go);
        else if (steps === cutAt) cut.resolve();
      };
      const clock = {
        after: (_: number, fire: () => void) => {
          step(fire);
          return () => undefined;
        },
      };
      const parts = { folder: "/revisions", pause: () => Promise.resolve() };
      const slow = new MemoryBase(rows, () => new Promise<void>(step));
      const moved = openRevisions(slow, fewSegments, { ...parts, disk: disk.open(clock) });
      if ((await Promise.race([moved, cut.promise])) !== undefined) break;
      rows.crash(random);
      disk.crash(random);
      const base = new MemoryBase(rows);
      const log = await openRevisions(base, fewSegments, { ...parts, disk: disk.open(soon) });
      assert.deepEqual(await revisionsOf(log), wanted, `cut at step ${cutAt}`);
      assert.equal(rows.rows.get("mterm")?.toString(), "7");
    }
    assert.ok(steps > 20, `${steps} steps`);
  });

  it("refuses a log of a version that it does not know, by name", async () => {
    const rows = new MemoryDisk();
    rows.append([[formatKey, Buffer.from("2")]]);
    const disk = new SimDisk({ prng: new Prng(1), writeMs: 0, syncMs: 0 });
    await assert.rejects(
      openRevisions(new MemoryBase(rows), fewSegments, {
        folder: "/revisions",
        disk: disk.open(soon),
        pause: () => Promise.resolve(),
      }),
      {
        reason: "corrupt",
        message: /is of version 2, this program reads version 1; start the program that wrote it/,
      },
    );
  });
});
