import assert from "node:assert/strict";
import fc from "fast-check";
import { latin1Bytes } from "../../base/wire.ts";
import { propertyMs, runs } from "../../test/fuzz/runs.ts";
import { type Backend, bucketNames } from "../backend/backend.ts";
import { allRows } from "../backend/backend-suite.ts";
import { backendDefaults } from "../backend/layered-backend.ts";
import { MemoryHome } from "../backend/memory-home.ts";
import { MemoryDisk } from "../wal/fixtures/memory-disk.ts";
import { boltSnapshot } from "./bolt-file.ts";
import { branchPage, bucketHead, fnv64a, leafPage, metaPage, pageBytes } from "./bolt-pages.ts";
import { BoltFile } from "./bolt-reader.ts";

const failLoudly = (error: Error) => {
  throw error;
};

/** Rows in several buckets, some larger than a page, some buckets empty. */
async function sampleBackend(rows: number): Promise<Backend> {
  const backend = await new MemoryHome(backendDefaults, { onFailure: failLoudly }).open();
  for (let main = 2; main < rows + 2; main++)
    backend.append({
      main,
      sub: 0,
      deletion: false,
      value: Buffer.alloc(main % 97 === 0 ? 9_000 : main % 300, main),
    });
  for (let at = 0; at < rows / 3; at++) backend.put("lease", `lease-${at}`, Buffer.from(`value ${at}`));
  backend.put("meta", "term", Buffer.from("12345678"));
  backend.commit();
  return backend;
}

async function fileOf(backend: Backend): Promise<Buffer> {
  const chunks: Uint8Array[] = [];
  for await (const chunk of boltSnapshot(backend.snapshot()).chunks) chunks.push(chunk);
  return Buffer.concat(chunks).subarray(0, -32);
}

async function onDisk(bytes: Uint8Array) {
  const disk = new MemoryDisk();
  const file = await disk.open("/db", { create: true });
  await file.write(0, [bytes]);
  return file;
}

/** Reads all; answers each bucket's rows. */
async function readAll(bytes: Uint8Array) {
  const buckets: Record<string, { key: string; value: Uint8Array }[]> = {};
  const bolt = await BoltFile.open(await onDisk(bytes));
  for await (const { bucket, rows } of bolt.rows()) {
    buckets[bucket] ??= [];
    buckets[bucket].push(...rows.map(({ key, value }) => ({ key, value })));
  }
  return buckets;
}

describe("store/snapshot: reading a bbolt file", () => {
  it("finds every row of every bucket in order, whatever the size of rows and trees", async () => {
    for (const rows of [0, 1, 40, 4_000]) {
      const backend = await sampleBackend(rows);
      const found = await readAll(await fileOf(backend));
      assert.deepEqual(Object.keys(found), [...bucketNames].sort());
      for (const bucket of bucketNames) {
        const wanted = (await allRows(backend.pages(bucket))).map(({ key, value }) => ({
          key,
          value: Buffer.from(value),
        }));
        assert.deepEqual(
          found[bucket]?.map(({ key, value }) => ({ key, value: Buffer.from(value) })),
          wanted,
          bucket,
        );
      }
    }
  });

  it("takes the older description where a crash has torn the newer one, and refuses a file without any", async () => {
    const bytes = await fileOf(await sampleBackend(10));
    for (const at of [0, pageBytes]) {
      const torn = Buffer.from(bytes);
      torn.fill(0xff, at + 30, at + 60);
      assert.equal((await readAll(torn)).key?.length, 10);
      torn.fill(0xff, pageBytes - at + 30, pageBytes - at + 60);
      await refused(torn, /neither of its meta pages is whole/);
    }
    await refused(bytes.subarray(0, bytes.length - pageBytes), /is cut short/);
    await refused(Buffer.from("no database"), /no bbolt database/);
  });

  it("refuses trees that no bbolt writes, each by what is wrong with it", async () => {
    const key = (text: string) => latin1Bytes(text);
    const row = (text: string) => ({ key: key(text), value: key("value") });
    await refused(tree([branchPage(4, [{ key: key("a"), page: 4 }])]), /two ways to page 4/);
    await refused(
      tree([
        branchPage(4, [
          { key: key("a"), page: 5 },
          { key: key("b"), page: 5 },
        ]),
        leafPage(5, []),
      ]),
      /two ways to page 5/,
    );
    await refused(tree([branchPage(4, [{ key: key("a"), page: 99 }])]), /page 99, which does not exist/);
    await refused(tree([branchPage(4, [{ key: key("a"), page: 0 }])]), /page 0, which does not exist/);
    await refused(tree([leafPage(5, [row("a")])]), /page 4 says that it is page 5/);
    await refused(tree([leafPage(4, [row("b"), row("a")])]), /not behind the one before it/);
    await refused(
      tree([branchPage(4, [{ key: key("b"), page: 5 }]), leafPage(5, [row("a")])]),
      /its parent says are elsewhere/,
    );
    const pair = [
      { key: key("a"), page: 5 },
      { key: key("c"), page: 6 },
    ];
    await refused(
      tree([branchPage(4, pair), leafPage(5, [row("d")]), leafPage(6, [row("e")])]),
      /its parent says are elsewhere/,
    );
    await refused(tree([branchPage(4, [])]), /a branch without children/);
    await refused(
      tree([metaPage(0, { root: 3, freelist: 2, pages: 5, transaction: 1 })]),
      /page 4 says that it is page 0/,
    );
    await refused(
      tree([leafPage(4, [{ key: key("a"), value: bucketHead(4), isBucket: true }])]),
      /a bucket within the bucket/,
    );
    const long = leafPage(4, [row("a")]);
    Buffer.from(long.buffer).writeUInt32LE(1 << 20, long.byteOffset + 12);
    await refused(tree([long]), /page 4 claims 4294971392 bytes/);
    Buffer.from(long.buffer).writeUInt32LE(1, long.byteOffset + 12);
    await refused(tree([long]), /page 5, which does not exist/);
    const many = leafPage(4, [row("a")]);
    Buffer.from(many.buffer).writeUInt16LE(60_000, many.byteOffset + 10);
    await refused(tree([many]), /claims 60000 elements/);
    const far = leafPage(4, [row("a")]);
    Buffer.from(far.buffer).writeUInt32LE(0xffff_ffff, far.byteOffset + 16 + 12);
    await refused(tree([far]), /reaches beyond it/);
  });

  it("comes to an end with whatever bytes it is given: rows, or a BoltError", async () => {
    const whole = await fileOf(await sampleBackend(300));
    const change = fc.record({
      at: fc.nat(whole.length - 8),
      bytes: fc.uint8Array({ minLength: 1, maxLength: 8 }),
    });
    await fc.assert(
      fc.asyncProperty(
        fc.array(change, { minLength: 1, maxLength: 30 }),
        fc.nat(whole.length),
        async (changes, cut) => {
          const spoilt = Buffer.from(whole);
          for (const { at, bytes } of changes) spoilt.set(bytes, at);
          if (cut % 10 === 0) mendMeta(spoilt);
          try {
            await readAll(cut % 7 === 0 ? spoilt.subarray(0, cut) : spoilt);
          } catch (error) {
            assert.ok(error instanceof Error && error.name === "BoltError", String(error));
          }
        },
      ),
      runs(150),
    );
  }).timeout(propertyMs);
});

async function refused(bytes: Uint8Array, reason: RegExp): Promise<void> {
  await assert.rejects(readAll(bytes), { name: "BoltError", message: reason });
}

/** A file with one bucket, whose root is page 4; the pages given follow from there. */
function tree(pages: readonly Uint8Array[]): Buffer {
  const root = leafPage(3, [{ key: latin1Bytes("bucket"), value: bucketHead(4), isBucket: true }]);
  const body = Buffer.concat([root, ...pages]);
  const count = 3 + body.length / pageBytes;
  const meta = (id: 0 | 1) => metaPage(id, { root: 3, freelist: 2, pages: count, transaction: id });
  return Buffer.concat([meta(0), meta(1), Buffer.alloc(pageBytes), body]);
}

/** So that what else was changed is read. */
function mendMeta(bytes: Buffer): void {
  for (const at of [16, pageBytes + 16]) bytes.writeBigUInt64LE(fnv64a(bytes.subarray(at, at + 56)), at + 56);
}
