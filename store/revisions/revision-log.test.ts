import assert from "node:assert/strict";
import { below, chance, Prng } from "../../base/os/random.ts";
import type { RevisionRow } from "./row-format.ts";
import { Host, points, row, rowsOf, told, whole } from "./testing/host.ts";

describe("store/revisions: the log", () => {
  it("reads rows back by revision and in order, from memory, from files, and after it was opened again", async () => {
    const host = await new Host().open();
    const twin: RevisionRow[] = [];
    for (let main = 2; main < 200; main++)
      for (let sub = 0; sub <= main % 3; sub++) {
        twin.push(row(main, sub, "v".repeat(main % 60) + main, sub === 2));
        host.log.append(twin.at(-1) as RevisionRow);
        if (main % 9 === 0) await host.flush();
      }
    const check = async () => {
      assert.deepEqual(await rowsOf(host.log), twin.map(told));
      for (const { main, sub, value } of twin)
        assert.deepEqual(Buffer.from(host.log.get(main, sub) ?? []), Buffer.from(value));
      assert.equal(host.log.get(1, 0), undefined);
      assert.equal(host.log.get(50, 7), undefined);
      assert.equal(host.log.get(500, 0), undefined);
      const range = { from: { main: 40, sub: 1 }, to: { main: 43, sub: 1 } };
      assert.deepEqual(
        (await rowsOf(host.log, range)).map((text) => text.split(/[t=]/)[0]),
        ["40.1", "41.0", "41.1", "41.2", "42.0", "43.0"],
      );
    };
    await check();
    await host.flush();
    await check();
    await host.reopen();
    await check();
    assert.ok(host.files().length > 5);
  });

  it("cuts off what stands behind the mark, and goes on from there", async () => {
    const host = await new Host().open();
    host.log.append(row(2));
    await host.flush();
    const marks = [...host.marks];
    host.log.append(row(3));
    await host.flush();
    host.marks.clear();
    for (const [key, value] of marks) host.marks.set(key, value);
    await host.reopen();
    assert.deepEqual(await rowsOf(host.log), ["2.0=value 2.0"]);
    host.log.append(row(3, 0, "another"));
    await host.flush();
    await host.reopen();
    assert.deepEqual(await rowsOf(host.log), ["2.0=value 2.0", "3.0=another"]);
  });

  it("removes files that the database does not name", async () => {
    const host = await new Host().open();
    host.log.append(row(2));
    await host.flush();
    await host.disk.open("/log/0000000009.rev", { create: true });
    await host.reopen();
    assert.deepEqual(host.files(), ["0000000001.rev"]);
  });

  it("names the file and the remedy when something before the mark is damaged, short or missing", async () => {
    const host = await new Host().open();
    for (let main = 2; main < 100; main++) host.log.append(row(main));
    await host.flush();
    const file = host.disk.files.get("/log/0000000001.rev");
    assert.ok(file !== undefined);
    const intact = Buffer.from(file.bytes);
    const refuses = async (detail: RegExp) => {
      await assert.rejects(
        async () => rowsOf((await host.open()).log),
        (error: Error & { reason?: string }) => {
          assert.equal(error.reason, "corrupt");
          assert.match(error.message, detail);
          assert.match(error.message, /^\/log\/0000000001\.rev: .*restore a snapshot/);
          return true;
        },
      );
      file.bytes = Buffer.from(intact);
    };
    file.bytes = intact.subarray(0, intact.length - 1);
    await refuses(/it holds \d+ bytes of the \d+ that were made durable/);
    for (const at of [0, 4, 9, 17, 40, 300]) {
      file.bytes[at] = (file.bytes[at] ?? 0) ^ 0x40;
      await refuses(/no block begins|is not what was written/);
    }
    host.disk.files.delete(file.path);
    await refuses(/which is missing/);
  });

  it("closes what it opened where one of the files is damaged", async () => {
    const host = await new Host().open();
    for (let main = 2; main < 200; main++) host.log.append(row(main));
    await host.flush();
    const last = host.files().at(-1);
    host.disk.files.delete(`/log/${last}`);
    const open = new Set<string>();
    for (const file of host.disk.files.values()) {
      const size = file.sizeBytes.bind(file);
      file.sizeBytes = () => {
        open.add(file.path);
        return size();
      };
      file.close = async () => {
        open.delete(file.path);
      };
    }
    await assert.rejects(host.open(), /which is missing/);
    assert.ok(host.files().length > 1);
    assert.deepEqual([...open], []);
  });

  it("shows gathered rows only once they joined", async () => {
    const host = await new Host().open();
    host.log.append(row(2));
    const stage = host.log.stage();
    for (let sub = 0; sub < 300; sub++) stage.append(row(3, sub, "x", true));
    assert.deepEqual(await rowsOf(host.log), ["2.0=value 2.0"]);
    await host.flush();
    stage.join();
    host.log.append(row(4));
    const all = await rowsOf(host.log);
    assert.deepEqual([all.length, all[1], all.at(-1)], [302, "3.0t=x", "4.0=value 4.0"]);
    await host.flush();
    await host.reopen();
    assert.deepEqual(await rowsOf(host.log), all);
  });

  it("refuses a row that is not behind the newest one, after it was opened again as well", async () => {
    const host = await new Host().open();
    host.log.append(row(7, 1));
    assert.throws(() => host.log.append(row(7, 1)), /must rise/);
    assert.throws(() => host.log.append(row(6, 9)), /must rise/);
    await host.flush();
    await host.reopen();
    assert.throws(() => host.log.append(row(7, 1)), /must rise/);
  });

  it("drops rows and gives their space back, while views keep what they saw", async () => {
    const host = await new Host().open();
    for (let main = 2; main < 300; main++) host.log.append(row(main));
    await host.flush();
    const before = host.log.view();
    const full = host.log.sizeBytes;
    const doomed = Array.from({ length: 250 }, (_, at) => [251 - at, 0] as const);
    await host.log.drop(points(...doomed));
    const living = Array.from({ length: 48 }, (_, at) => `${252 + at}.0=value ${252 + at}.0`);
    assert.deepEqual(await rowsOf(host.log), living);
    assert.ok(host.log.deadBytes > full / 2);
    await host.flush();
    await host.reopen();
    assert.deepEqual(await rowsOf(host.log), living);
    await host.log.rewrite("mostly");
    assert.deepEqual(await rowsOf(host.log), living);
    assert.ok(host.log.sizeBytes < full / 3, `${host.log.sizeBytes} of ${full}`);
    assert.equal(
      [...host.disk.files.values()].reduce((sum, { bytes }) => sum + bytes.length, 0),
      host.log.sizeBytes,
    );
    await host.reopen();
    assert.deepEqual(await rowsOf(host.log), living);
    let seen = 0;
    for await (const page of before.pages(whole, 10)) seen += page.length;
    assert.equal(seen, 298);
    await before.close();
  });

  it("is as it was where a rewrite finds no room, and rewrites when there is some", async () => {
    const host = await new Host().open();
    for (let main = 2; main < 300; main++) host.log.append(row(main));
    await host.flush();
    const doomed = Array.from({ length: 298 }, (_, at) => at + 2).filter((main) => main % 4 > 0);
    await host.log.drop(points(...doomed.map((main) => [main, 0] as const)));
    await host.flush();
    const files = host.files();
    const living = await rowsOf(host.log);
    const syncFolder = host.disk.syncFolder.bind(host.disk);
    const full = () => {
      throw Object.assign(new Error("no space left on device"), { code: "ENOSPC" });
    };
    const refuses = async () => {
      await assert.rejects(host.log.rewrite("mostly"), { reason: "no-space" });
      assert.deepEqual(host.files(), files);
      assert.deepEqual(await rowsOf(host.log), living);
    };
    host.disk.onWrite = full;
    await refuses();
    host.disk.onWrite = () => undefined;
    host.disk.syncFolder = async () => full();
    await refuses();
    host.disk.syncFolder = syncFolder;
    await host.log.rewrite("mostly");
    assert.ok(host.files().length < files.length);
    assert.deepEqual(await rowsOf(host.log), living);
  });

  it("has ended its reads when a walk ends, wherever that is, and ends with what a read ahead failed with", async () => {
    const host = await new Host().open();
    for (let main = 2; main < 2_000; main++) host.log.append(row(main, 0, "v".repeat(150)));
    await host.flush();
    await host.reopen();
    let reading = 0;
    let fails = Number.POSITIVE_INFINITY;
    for (const file of host.disk.files.values()) {
      const read = file.read.bind(file);
      file.read = async (...range) => {
        reading++;
        await new Promise(setImmediate);
        reading--;
        if (--fails < 0) throw new Error("a bad sector");
        return read(...range);
      };
    }
    const view = host.log.view();
    for await (const page of view.pages(whole, 3)) {
      assert.equal(page.length, 3);
      if (reading > 0) break;
    }
    assert.equal(reading, 0);
    fails = 3;
    await assert.rejects(
      view.visit(() => undefined),
      /a bad sector/,
    );
    await view.close();
  });

  it("leaves, of what a compaction drops, the newest rows when it is cut short, so that no deletion goes before its put", async () => {
    const host = await new Host().open();
    const doomed = Array.from({ length: 250 }, (_, at) => at + 2);
    for (const main of doomed) host.log.append(row(main, 0, "x", main > 100));
    await host.flush();
    const left: number[] = [];
    host.onSaved = async () => {
      await host.flush();
      const after = await host.copy();
      const rows = await rowsOf(after.log, whole, 1_000);
      left.push(rows.length);
      assert.deepEqual(
        rows.map((text) => Number.parseInt(text, 10)),
        doomed.slice(doomed.length - rows.length),
      );
    };
    await host.log.drop(points(...doomed.toReversed().map((main) => [main, 0] as const)));
    await host.saved;
    assert.ok(left.length > 3, `${left}`);
    assert.equal(left.at(-1), 0);
  });

  it("agrees with a plain list through random writes, drops, rewrites and restarts", async () => {
    for (let seed = 1; seed <= 20; seed++) {
      const random = new Prng(seed);
      const host = await new Host().open();
      let twin: RevisionRow[] = [];
      let main = 1;
      for (let step = 0; step < 300; step++) {
        const dice = below(random, 40);
        if (dice < 30) {
          main += 1 + below(random, 3);
          for (let sub = 0; sub <= below(random, 3); sub++) {
            const fresh = row(
              main,
              sub,
              "v".repeat(below(random, chance(random, 0.05) ? 900 : 50)),
              chance(random, 0.2),
            );
            twin.push(fresh);
            host.log.append(fresh);
          }
        } else if (dice < 34) await host.flush();
        else if (dice < 36) {
          const compact = below(random, main + 1);
          const gone = twin.filter((one) => one.main <= compact && chance(random, 0.7));
          await host.log.drop(points(...gone.map((one) => [one.main, one.sub] as const)));
          twin = twin.filter((one) => !gone.includes(one));
        } else if (dice === 36) await host.log.rewrite(chance(random, 0.5) ? "mostly" : "any");
        else if (dice === 37) {
          await host.flush();
          await host.reopen();
        } else {
          assert.deepEqual(
            await rowsOf(host.log, whole, 1 + below(random, 9)),
            twin.map(told),
            `seed ${seed}`,
          );
          for (const one of twin)
            assert.deepEqual(Buffer.from(host.log.get(one.main, one.sub) ?? []), Buffer.from(one.value));
        }
      }
    }
  });
});
