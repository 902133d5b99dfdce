import assert from "node:assert/strict";
import type { RevisionLog } from "./revision-log.ts";
import { Host, points, row, rowsOf } from "./testing/host.ts";

const compactRevision = -1;

async function* pagesOf(...pages: string[]): AsyncIterable<Uint8Array> {
  for (const page of pages) yield Buffer.from(page);
}

async function read(log: RevisionLog): Promise<string[]> {
  const pages: string[] = [];
  await log.readCheckpoint((bytes, start, end) =>
    pages.push(Buffer.from(bytes.subarray(start, end)).toString()),
  );
  return pages;
}

async function rowsBehind(log: RevisionLog, revision: number): Promise<string[]> {
  const view = log.view();
  const rows: string[] = [];
  await view.visitBehind(revision, ({ main, sub }) => rows.push(`${main}.${sub}`));
  await view.close();
  return rows;
}

async function filled(upTo: number): Promise<Host> {
  const host = await new Host().open();
  for (let main = 2; main <= upTo; main++) host.log.append(row(main));
  await host.flush();
  return host;
}

const isIndex = (name: string) => name.endsWith(".idx");

describe("store/revisions: checkpoints", () => {
  it("are read back, and the next one takes the place of the one before", async () => {
    const host = await filled(20);
    const of = { revision: 15, compactRevision, keys: 3 };
    assert.equal(await host.log.saveCheckpoint(of, pagesOf("one", "", "x".repeat(3_000_000), "two")), true);
    assert.deepEqual(await read(host.log), ["one", "", "x".repeat(3_000_000), "two"]);
    const second = { revision: 20, compactRevision: 7, keys: 4 };
    await host.log.saveCheckpoint(second, pagesOf("three"));
    await host.reopen();
    const { number, endBytes, ...kept } = host.log.checkpoint ?? assert.fail("it is gone");
    assert.deepEqual(kept, second);
    assert.deepEqual(await read(host.log), ["three"]);
    assert.deepEqual(host.files().filter(isIndex), [`000000000${number}.idx`]);
    assert.equal(endBytes, 13);
    host.log.append(row(21));
    await host.log.saveCheckpoint({ ...second, revision: 21 }, pagesOf("four"));
    await host.reopen();
    assert.deepEqual(await read(host.log), ["four"]);
  });

  it("count only once the database names them", async () => {
    const host = await filled(20);
    await host.log.saveCheckpoint({ revision: 10, compactRevision, keys: 0 }, pagesOf("one"));
    const before = new Map(host.marks);
    await host.log.saveCheckpoint({ revision: 20, compactRevision, keys: 0 }, pagesOf("two"));
    const cut = await host.copy();
    assert.deepEqual(await read(cut.log), ["two"]);
    host.marks.clear();
    for (const [key, value] of before) host.marks.set(key, value);
    await host.reopen();
    assert.equal(host.log.checkpoint, undefined);
    assert.deepEqual(host.files().filter(isIndex), []);
  });

  it("are refused where they are damaged, short or missing, and where rows that they tell of are not there", async () => {
    const host = await filled(20);
    await host.log.saveCheckpoint({ revision: 10, compactRevision, keys: 0 }, pagesOf("one", "two"));
    const file = host.disk.files.get(`/log/${host.files().find(isIndex)}`) ?? assert.fail("no file");
    const intact = Buffer.from(file.bytes);
    const refuses = async (problem: RegExp) => {
      await host.reopen();
      await assert.rejects(read(host.log), (error: Error) => {
        assert.equal(error.name, "CheckpointError");
        assert.match(error.message, problem);
        return true;
      });
      file.bytes = Buffer.from(intact);
    };
    for (let at = 0; at < intact.length; at++) {
      file.bytes[at] = (file.bytes[at] ?? 0) ^ 0x10;
      await refuses(/is not what was written|it ends within/);
    }
    for (const bytes of [0, 1, 8, 12, intact.length - 1]) {
      file.bytes = Buffer.from(intact.subarray(0, bytes));
      await refuses(/it ends within/);
    }
    host.disk.files.delete(file.path);
    await host.reopen();
    assert.equal(host.log.checkpoint, undefined);
    const ahead = await filled(20);
    await ahead.log.saveCheckpoint({ revision: 21, compactRevision, keys: 0 }, pagesOf("one"));
    await assert.rejects(read(ahead.log), /revision 21, which is not here/);
  });

  it("leave the one before in place where the disk is full or the log is stopped", async () => {
    const host = await filled(20);
    await host.log.saveCheckpoint({ revision: 10, compactRevision, keys: 0 }, pagesOf("one"));
    const files = host.files();
    host.disk.onWrite = () => {
      throw Object.assign(new Error("no space left on device"), { code: "ENOSPC" });
    };
    const save = () => host.log.saveCheckpoint({ revision: 20, compactRevision, keys: 0 }, pagesOf("two"));
    await assert.rejects(save, { reason: "no-space" });
    host.disk.onWrite = () => undefined;
    assert.deepEqual([host.files(), await read(host.log)], [files, ["one"]]);
    const stopped = host.log.saveCheckpoint(
      { revision: 20, compactRevision, keys: 0 },
      (async function* () {
        yield* pagesOf("two");
        void host.log.stop();
        yield* pagesOf("three");
      })(),
    );
    assert.equal(await stopped, false);
    assert.deepEqual([host.files(), await read(host.log)], [files, ["one"]]);
  });

  it("end when rows behind them are rewritten, and with rows before them they stay", async () => {
    const host = await filled(300);
    await host.log.saveCheckpoint({ revision: 150, compactRevision, keys: 0 }, pagesOf("one"));
    const doomed = (from: number, to: number) =>
      points(
        ...Array.from({ length: to - from }, (_, at) => [from + at, 0] as const).filter(
          ([main]) => main % 8 > 0,
        ),
      );
    await host.log.drop(doomed(2, 100));
    await host.log.rewrite("mostly");
    await host.reopen();
    assert.deepEqual(await read(host.log), ["one"]);
    await host.log.drop(doomed(100, 290));
    assert.equal((await rowsBehind(host.log, 150)).length, 150);
    await host.flush();
    await host.reopen();
    assert.deepEqual((await rowsBehind(host.log, 150)).slice(0, 3), ["151.0", "152.0", "153.0"]);
    assert.ok((await rowsOf(host.log)).length < 60);
    await host.log.rewrite("mostly");
    assert.equal(host.log.checkpoint, undefined);
    await host.reopen();
    assert.equal(host.log.checkpoint, undefined);
    assert.deepEqual(host.files().filter(isIndex), []);
  });
});

describe("store/revisions: sums of what was there when the log was opened", () => {
  const damage = (host: Host) => {
    const file = host.disk.files.get("/log/0000000001.rev") ?? assert.fail("no file");
    file.bytes[40] = (file.bytes[40] ?? 0) ^ 0x40;
  };

  it("are looked at when a row is read for the first time", async () => {
    const host = await filled(100);
    assert.ok(host.log.get(2, 0) !== undefined);
    await host.reopen();
    damage(host);
    assert.ok(host.log.get(99, 0) !== undefined);
    assert.throws(() => host.log.get(2, 0), { reason: "corrupt" });
    assert.throws(() => host.log.get(2, 0), { reason: "corrupt" });
  });

  it("are looked at whenever a block is read from the file, though it was right before", async () => {
    const host = await filled(100);
    await host.reopen();
    await host.log.check(() => Promise.resolve());
    damage(host);
    assert.throws(() => host.log.get(2, 0), { reason: "corrupt" });
  });

  it("are looked at in the background, each once", async () => {
    const host = await filled(100);
    await host.reopen();
    let turns = 0;
    const pause = async () => {
      turns++;
    };
    await host.log.check(pause);
    assert.ok(turns > 0);
    turns = 0;
    await host.log.check(pause);
    assert.equal(turns, 0);
    await host.reopen();
    damage(host);
    await assert.rejects(host.log.check(pause), { reason: "corrupt" });
  });
});
