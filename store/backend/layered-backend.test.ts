import assert from "node:assert/strict";
import { randomBytes } from "node:crypto";
import { cp, mkdir, mkdtemp, readdir, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { deferred } from "../../base/deferred.ts";
import { failpoint } from "../../base/failpoints/failpoint.ts";
import { type Disk, systemDisk } from "../../base/os/disk.ts";
import { Prng } from "../../base/os/random.ts";
import { RevisionLog } from "../revisions/revision-log.ts";
import { type Backend, BackendError } from "./backend.ts";
import { allRows, backendSuite, revision, suiteConfig } from "./backend-suite.ts";
import { LevelHome } from "./home.ts";
import { type BackendFaults, LayeredBackend } from "./layered-backend.ts";
import { LevelBase } from "./level-base.ts";
import { MemoryBase } from "./memory-base.ts";
import { MemoryDisk } from "./memory-disk.ts";
import { MemoryHome } from "./memory-home.ts";

const failLoudly = (error: BackendError) => {
  throw error;
};

let folder = "";
let count = 0;
before(async () => {
  folder = await mkdtemp(join(tmpdir(), "pintle-backend-"));
});
after(() => rm(folder, { recursive: true, force: true }));

const levelHome = (path: string) =>
  new LevelHome(path, suiteConfig, { disk: systemDisk, onFailure: failLoudly });

backendSuite("memory", async () => new MemoryHome(suiteConfig, { onFailure: failLoudly }));
backendSuite("level", async () => levelHome(join(folder, `db${count++}`)));

/** The disk of this machine, which for new files may have no room left. */
class FullableDisk {
  isFull = false;
  readonly door: Disk = {
    ...systemDisk,
    open: async (path, options) => {
      if (this.isFull && options?.create)
        throw Object.assign(new Error("ENOSPC: no space left on device"), { code: "ENOSPC" });
      return systemDisk.open(path, options);
    },
  };
}

/** Some groups, the first twenty of them flushed, then a power cut. Each group's rows hold its number. */
async function afterPowerCut(
  seed: number,
  faults: BackendFaults,
): Promise<{ index: number; rows: string[] }> {
  const events = { onFailure: failLoudly, faults };
  const home = new MemoryHome(suiteConfig, events, () => new Promise<void>(setImmediate));
  const backend = await home.open();
  for (let group = 1; group <= 60 + seed; group++) {
    for (const row of rowsOf(group)) backend.put("auth", row, Buffer.from(`${group}`));
    backend.put("meta", "index", Buffer.from(`${group}`));
    backend.commit();
    if (group === 20) await backend.flush();
    if (group % 10 === 0) await new Promise(setImmediate);
  }
  home.crash(new Prng(seed));
  const after = await home.open();
  const index = Number(Buffer.from(after.get("meta", "index") ?? []).toString());
  const rows = (await allRows(after.pages("auth"))).map(({ key, value }) => `${key}=${Buffer.from(value)}`);
  return { index, rows };
}

const rowsOf = (group: number) => [0, 1, 2].map((row) => `${group % 60}-${row}`);

/** What the rows hold once the groups up to `index` were written. */
function rowsAt(index: number): string[] {
  const rows = new Map<string, number>();
  for (let group = 1; group <= index; group++) for (const row of rowsOf(group)) rows.set(row, group);
  return [...rows].map(([row, group]) => `${row}=${group}`).sort();
}

describe("store/backend: crashes and faults", () => {
  it("holds whole groups only after a power cut, a prefix of them, and all that were flushed", async () => {
    for (let seed = 1; seed <= 40; seed++) {
      const { index, rows } = await afterPowerCut(seed, {});
      assert.ok(index >= 20 && index <= 60 + seed, `seed ${seed}: index ${index}`);
      assert.deepEqual(rows, rowsAt(index), `seed ${seed}, index ${index}`);
    }
  });

  it("loses a layer in the middle to a power cut where only the last one is synced", async () => {
    let divergent = 0;
    for (let seed = 1; seed <= 40; seed++) {
      const { index, rows } = await afterPowerCut(seed, { syncOnlyLastLayer: true });
      if (`${rows}` !== `${rowsAt(index)}`) divergent++;
    }
    assert.ok(divergent > 0);
  });

  it("refuses a database of LevelDB whose log lost a batch in the middle, which LevelDB itself passes over", async () => {
    const path = join(folder, "lost");
    const base = await LevelBase.open(path, systemDisk);
    for (let round = 0; round < 20; round++)
      await base.write([[[`k${round}`, randomBytes(50_000)]]], { sync: true });
    // A copy is what a machine finds that lost power now.
    const after = join(folder, "lost-after");
    await cp(path, after, { recursive: true });
    await base.close();
    const whole = await LevelBase.open(after, systemDisk);
    assert.ok(whole.get("k19"));
    await whole.close();
    await rm(after, { recursive: true });

    const again = await LevelBase.open(path, systemDisk);
    for (let round = 20; round < 40; round++)
      await again.write([[[`k${round}`, randomBytes(50_000)]]], { sync: true });
    await cp(path, after, { recursive: true });
    await again.close();
    const log = join(after, (await readdir(after)).filter((name) => name.endsWith(".log")).at(-1) ?? "");
    const bytes = await readFile(log);
    bytes.fill(0, 400_000, 401_000);
    await writeFile(log, bytes);
    await assert.rejects(LevelBase.open(after, systemDisk), {
      reason: "corrupt",
      message:
        /lost-after: the database is damaged \(its log has lost batch 2\d, but holds batch 40\); restore a snapshot/,
    });
    await assert.rejects(LevelBase.open(after, systemDisk), { reason: "corrupt" });
  });

  it("makes the name of every new log of LevelDB durable before a write is", async () => {
    const path = join(folder, "names");
    await mkdir(path);
    let synced = new Set<string>();
    const disk: Disk = {
      ...systemDisk,
      syncFolder: async (at) => {
        assert.equal(at, path);
        synced = new Set(await readdir(at));
      },
    };
    const base = await LevelBase.open(path, disk);
    const logs = new Set<string>();
    const megabyte = Buffer.alloc(1024 * 1024);
    for (let i = 0; logs.size < 3; i++) {
      await base.write([[[`k${i}`, megabyte]]], { sync: true });
      for (const name of await readdir(path)) {
        if (!name.endsWith(".log")) continue;
        logs.add(name);
        assert.ok(synced.has(name), name);
      }
    }
    await base.close();
  });

  for (const megabytes of [2, 12, 60])
    it(`gives back ${megabytes} MB of LevelDB's in the first defragmentation after they were deleted`, async function () {
      this.timeout(180_000);
      const backend = await levelHome(join(folder, `garbage${megabytes}`)).open();
      const rounds = megabytes * 20;
      for (let round = 0; round < rounds; round++) {
        backend.put("auth", `k${round}`, randomBytes(50_000));
        backend.commit();
        await backend.room();
      }
      await backend.flush();
      for (let round = 1; round < rounds; round++) backend.delete("auth", `k${round}`);
      backend.commit();
      await backend.defragment();
      assert.ok(backend.sizeBytes < 200_000, `${backend.sizeBytes} bytes`);
      assert.deepEqual(
        (await allRows(backend.pages("auth"))).map(({ key }) => key),
        ["k0"],
      );
      await backend.close();
    });

  it("shows what was gathered over many turns only once it joined a group, and then pages it in pieces", async () => {
    const backend = await levelHome(join(folder, "gathered")).open();
    const count = async () => (await allRows(backend.pages("key"))).length;
    backend.append(revision(2, "1"));
    const stage = backend.stage();
    for (let sub = 0; sub < 5_000; sub++) stage.append(revision(3, "2", sub));
    backend.put("meta", "index", Buffer.from("1"));
    backend.commit();
    assert.equal(await count(), 1);
    await backend.flush();
    stage.join();
    assert.throws(() => backend.snapshot(), /within a group/);
    backend.put("meta", "index", Buffer.from("2"));
    backend.commit();
    const view = backend.snapshot();
    backend.append(revision(4, "3"));
    backend.commit();
    for await (const page of view.pages("key", {}, 100)) assert.ok(page.length <= 100);
    assert.equal((await allRows(view.pages("key", {}, 100))).length, 5_001);
    assert.equal(await count(), 5_002);
    await view.close();
    await backend.close();
    const again = await levelHome(join(folder, "gathered")).open();
    assert.equal((await allRows(again.pages("key"))).length, 5_002);
    await again.close();
  });

  it("keeps serving and reports once when a flush fails", async () => {
    const failed = deferred<BackendError>();
    let reports = 0;
    const base = new MemoryBase(new MemoryDisk(), () =>
      Promise.reject(new BackendError("no-space", "the disk is full")),
    );
    const log = new RevisionLog(
      suiteConfig.revisions,
      { folder: "/revisions", disk: systemDisk, pause: () => Promise.resolve() },
      { segments: [], nextNumber: 1, last: { main: 0, sub: 0 }, checkpoint: undefined },
    );
    const backend = await LayeredBackend.over({ base, log }, suiteConfig, {
      onFailure: (error) => {
        reports++;
        failed.resolve(error);
      },
    });
    backend.put("auth", "a", Buffer.from("1"));
    backend.put("auth", "b", Buffer.alloc(suiteConfig.pendingBytesMax));
    backend.commit();
    await assert.rejects(backend.room() ?? Promise.resolve(), { reason: "no-space" });
    await assert.rejects(backend.room() ?? Promise.resolve(), { reason: "no-space" });
    await assert.rejects(backend.flush(), { name: "BackendError", reason: "no-space" });
    assert.equal((await failed.promise).reason, "no-space");
    await assert.rejects(backend.flush(), { reason: "no-space" });
    assert.equal(reports, 1);
    assert.equal(Buffer.from(backend.get("auth", "a") ?? []).toString(), "1");
  });

  it("fails where a revision is damaged, whoever reads it", async () => {
    const reads: readonly ((backend: Backend) => unknown)[] = [
      (backend) => backend.revision(2, 0),
      (backend) => allRows(backend.pages("key")),
      (backend) => backend.check(() => Promise.resolve()),
    ];
    for (const [at, read] of reads.entries()) {
      const path = join(folder, `damaged${at}`);
      const first = await levelHome(path).open();
      for (let main = 2; main < 100; main++) first.append(revision(main, "v".repeat(100)));
      first.commit();
      await first.close();
      const failures: BackendError[] = [];
      const home = new LevelHome(path, suiteConfig, {
        disk: systemDisk,
        onFailure: (error) => failures.push(error),
      });
      const backend = await home.open();
      const file = await systemDisk.open(join(path, "000001", "revisions", "0000000001.rev"));
      await file.write(50, [Buffer.from("rot")]);
      await file.close();
      await (async () => read(backend))().catch(() => undefined);
      assert.deepEqual(
        failures.map(({ reason }) => reason),
        ["corrupt"],
      );
      await backend.retire();
    }
  });

  it("goes on when the disk has no room to rewrite revisions, and gives their space back when it has", async () => {
    const disk = new FullableDisk();
    const failures: BackendError[] = [];
    const home = new LevelHome(join(folder, "reclaim"), suiteConfig, {
      disk: disk.door,
      onFailure: failLoudly,
      onUpkeepFailed: (error) => failures.push(error),
    });
    const backend = await home.open();
    for (let main = 2; main < 500; main++) {
      backend.append(revision(main, "v".repeat(100)));
      backend.commit();
      await backend.room();
    }
    await backend.flush();
    const mains = Array.from({ length: 498 }, (_, at) => at + 2).filter((main) => main % 4 > 0);
    const full = backend.sizeBytes;
    await backend.drop({ mains, subs: mains.map(() => 0) });
    await backend.flush();
    disk.isFull = true;
    backend.reclaim();
    await backend.drop({ mains: [], subs: [] }); // which waits for the rewrite
    assert.deepEqual(
      failures.map(({ reason }) => reason),
      ["no-space"],
    );
    disk.isFull = false;
    backend.append(revision(500, "more"));
    backend.commit();
    await backend.flush();
    assert.ok(backend.sizeBytes >= full);
    backend.reclaim();
    await backend.drop({ mains: [], subs: [] });
    assert.ok(backend.sizeBytes < full / 2, `${backend.sizeBytes} of ${full}`);
    assert.equal((await allRows(backend.pages("key"))).length, 499 - mains.length);
    assert.equal(failures.length, 1);
    await backend.close();
  });

  it("goes on when the disk has no room for a draft, of which nothing stays", async () => {
    const disk = new FullableDisk();
    const path = join(folder, "no-draft");
    const home = new LevelHome(path, suiteConfig, { disk: disk.door, onFailure: failLoudly });
    const backend = await home.open();
    const draft = await home.draft();
    disk.isFull = true;
    draft.backend.append(revision(2, "x"));
    draft.backend.commit();
    await assert.rejects(draft.backend.flush(), { reason: "no-space" });
    await draft.discard();
    assert.deepEqual((await readdir(path)).sort(), ["000001", "current"]);
    disk.isFull = false;
    backend.append(revision(2, "y"));
    backend.commit();
    await backend.close();
    assert.equal((await allRows((await home.open()).pages("key"))).length, 1);
  });

  it("fails with a draft that was adopted", async () => {
    const disk = new FullableDisk();
    const failed = deferred<BackendError>();
    const home = new LevelHome(join(folder, "adopted"), suiteConfig, {
      disk: disk.door,
      onFailure: failed.resolve,
    });
    await (await home.open()).close();
    const { backend, adopt } = await home.draft();
    await adopt();
    disk.isFull = true;
    backend.append(revision(2, "x"));
    backend.commit();
    await assert.rejects(backend.flush(), { reason: "no-space" });
    assert.equal((await failed.promise).reason, "no-space");
  });

  it("removes a replaced database only when it is durable which one replaced it", async () => {
    const path = join(folder, "replaced");
    const first = await levelHome(path).open();
    const draft = await levelHome(path).draft();
    await first.close();
    await draft.backend.close();
    await writeFile(join(path, "current"), "000002\n"); // as by a life that ended before it synced the folder
    const steps: string[] = [];
    const disk: Disk = {
      ...systemDisk,
      syncFolder: async (of) => {
        if (of === path) steps.push("sync");
        await systemDisk.syncFolder(of);
      },
      remove: async (what) => {
        if (what.startsWith(path)) steps.push(`remove${what.slice(path.length)}`);
        await systemDisk.remove(what);
      },
    };
    const home = new LevelHome(path, suiteConfig, { disk, onFailure: failLoudly });
    await (await home.open()).close();
    assert.deepEqual(steps.slice(0, 2), ["sync", "remove/000001"]);
  });

  it("passes etcd's failpoints around the end of a transaction with each group that has effects, however small", async () => {
    const backend = await new MemoryHome(suiteConfig, { onFailure: failLoudly }).open();
    const points = [failpoint("beforeWritebackBuf"), failpoint("afterWritebackBuf")];
    for (const point of points) point.arm("return");
    try {
      for (const value of ["1", "2"]) {
        backend.put("meta", "index", Buffer.from(value));
        backend.commit();
      }
      const passed = () => points.map((point) => point.terms?.count);
      assert.deepEqual(passed(), [2, 2]);
      backend.stamp("meta", "index", Buffer.from("3"));
      backend.commit();
      assert.deepEqual(passed(), [2, 2]);
      assert.equal(String(backend.get("meta", "index")), "3");
    } finally {
      for (const point of points) point.disarm();
      await backend.close();
    }
  });

  it("refuses to end a layer within a group", async () => {
    const backend = await new MemoryHome(suiteConfig, { onFailure: failLoudly }).open();
    backend.put("auth", "a", Buffer.from("1"));
    assert.throws(() => backend.snapshot(), /within a group/);
  });

  it("names the path and the remedy when the database is in use", async () => {
    const path = join(folder, "locked");
    const first = await levelHome(path).open();
    await assert.rejects(levelHome(path).open(), (error: unknown) => {
      assert.ok(error instanceof BackendError);
      assert.equal(error.reason, "locked");
      assert.match(error.message, /locked\/000001: the database is in use by another process; stop that one/);
      return true;
    });
    await first.close();
  });

  it("names the path and the remedy when the database is damaged", async () => {
    const path = join(folder, "damaged");
    const first = await levelHome(path).open();
    first.put("auth", "a", Buffer.from("1"));
    first.commit();
    await first.close();
    const db = join(path, "000001");
    for (const name of await readdir(db))
      if (name.startsWith("MANIFEST")) await writeFile(join(db, name), "junk");
    await assert.rejects(levelHome(path).open(), (error: unknown) => {
      assert.ok(error instanceof BackendError);
      assert.equal(error.reason, "corrupt");
      assert.match(error.message, /damaged\/000001: the database is damaged .*restore a snapshot/);
      return true;
    });
    await writeFile(join(path, "current"), "junk");
    await assert.rejects(levelHome(path).open(), /current: does not name a database/);
    await rm(db, { recursive: true });
    await writeFile(join(path, "current"), "000001\n");
    await assert.rejects(levelHome(path).open(), /000001: the database is missing/);
  });
});
