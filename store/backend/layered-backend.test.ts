import assert from "node:assert/strict";
import { mkdtemp, readdir, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { deferred } from "../../base/deferred.ts";
import { systemDisk } from "../../base/os/disk.ts";
import { BackendError } from "./backend.ts";
import { allRows, backendSuite, suiteConfig } from "./backend-suite.ts";
import { LevelHome, MemoryHome } from "./home.ts";
import { LayeredBackend } from "./layered-backend.ts";
import { MemoryBase, MemoryDisk } from "./memory-base.ts";

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

describe("store/backend: crashes and faults", () => {
  it("holds whole groups only after a crash, a prefix of them, and all that were flushed", async () => {
    for (let keep = 0; keep < 6; keep++) {
      const home = new MemoryHome(suiteConfig, { onFailure: failLoudly });
      const backend = await home.open();
      for (let group = 1; group <= 60; group++) {
        for (let row = 0; row < 3; row++) backend.put("key", `${group % 7}-${row}`, Buffer.from(`${group}`));
        backend.put("meta", "index", Buffer.from(`${group}`));
        backend.commit();
        if (group === 20) await backend.flush();
        if (group % 5 === 0) await new Promise(setImmediate);
      }
      home.crash(keep);
      const after = await home.open();
      const index = Number(Buffer.from(after.get("meta", "index") ?? []).toString());
      assert.ok(index >= 20 && index <= 60, `index ${index}`);
      for (const { key, value } of await allRows(after.pages("key"))) {
        const newest = index - ((index - Number(key.split("-")[0]) + 7) % 7);
        assert.equal(Buffer.from(value).toString(), `${newest}`, `key ${key} at index ${index}`);
      }
    }
  });

  it("keeps serving and reports once when a flush fails", async () => {
    const failed = deferred<BackendError>();
    let reports = 0;
    const base = new MemoryBase(new MemoryDisk(), () =>
      Promise.reject(new BackendError("no-space", "the disk is full")),
    );
    const backend = await LayeredBackend.over(base, suiteConfig, {
      onFailure: (error) => {
        reports++;
        failed.resolve(error);
      },
    });
    backend.put("key", "a", Buffer.from("1"));
    backend.commit();
    await assert.rejects(backend.flush(), { name: "BackendError", reason: "no-space" });
    assert.equal((await failed.promise).reason, "no-space");
    await assert.rejects(backend.flush(), { reason: "no-space" });
    assert.equal(reports, 1);
    assert.equal(Buffer.from(backend.get("key", "a") ?? []).toString(), "1");
  });

  it("refuses to end a layer within a group", async () => {
    const backend = await new MemoryHome(suiteConfig, { onFailure: failLoudly }).open();
    backend.put("key", "a", Buffer.from("1"));
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
    first.put("key", "a", Buffer.from("1"));
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
