import assert from "node:assert/strict";
import type { ChangeBatch, Storage } from "./storage.ts";
import { StorageError } from "./storage.ts";

const bytes = (text: string) => new TextEncoder().encode(text);
const text = (value: Uint8Array | undefined) => value && new TextDecoder().decode(value);

/** What every Storage must do. `open` gives one whose keys under `/registry/suite-N/` are untouched. */
export function storageSuite(name: string, open: () => Promise<{ storage: Storage; prefix: string }>): void {
  describe(`storage: ${name}`, () => {
    let storage: Storage;
    let prefix: string;
    beforeEach(async () => {
      ({ storage, prefix } = await open());
    });
    afterEach(() => storage.close());

    const create = (key: string, value: string) =>
      storage.commit({
        compare: [{ key: prefix + key, modRevision: 0 }],
        writes: [{ type: "put", key: prefix + key, value: bytes(value) }],
      });

    it("creates once, and tells a second creator what stands there", async () => {
      const first = await create("a", "1");
      assert.ok(first.ok);
      const second = await create("a", "2");
      assert.ok(!second.ok);
      assert.equal(text(second.current[0]?.value), "1");
      assert.equal(second.current[0]?.modRevision, first.revision);
      const { entry, revision } = await storage.get(`${prefix}a`);
      assert.equal(text(entry?.value), "1");
      assert.equal(revision, first.revision);
    });

    it("updates only on the revision it was told", async () => {
      const { revision } = await create("a", "1");
      const update = (modRevision: number, value: string) =>
        storage.commit({
          compare: [{ key: `${prefix}a`, modRevision }],
          writes: [{ type: "put", key: `${prefix}a`, value: bytes(value) }],
        });
      assert.ok((await update(revision, "2")).ok);
      assert.ok(!(await update(revision, "3")).ok);
      assert.equal(text((await storage.get(`${prefix}a`)).entry?.value), "2");
    });

    it("writes all keys of a transaction in one revision, or none", async () => {
      const done = await storage.commit({
        compare: [],
        writes: ["a", "b"].map((key) => ({ type: "put", key: prefix + key, value: bytes(key) })),
      });
      const { entries } = await storage.list(prefix);
      assert.deepEqual(
        entries.map((entry) => [entry.key.slice(prefix.length), entry.modRevision]),
        [
          ["a", done.revision],
          ["b", done.revision],
        ],
      );
      const refused = await storage.commit({
        compare: [
          { key: `${prefix}c`, modRevision: 0 },
          { key: `${prefix}b`, modRevision: 0 },
        ],
        writes: [{ type: "put", key: `${prefix}c`, value: bytes("c") }],
      });
      assert.ok(!refused.ok);
      assert.deepEqual(
        refused.current.map((entry) => entry?.modRevision),
        [undefined, done.revision],
      );
      assert.equal((await storage.get(`${prefix}c`)).entry, undefined);
    });

    it("lists by key, in pages, and as of an older revision", async () => {
      for (const key of ["b", "a", "c"]) await create(key, key);
      const before = await storage.revision();
      await storage.commit({ compare: [], writes: [{ type: "delete", key: `${prefix}b` }] });
      const keys = async (options: Parameters<Storage["list"]>[1]) => {
        const { entries, count } = await storage.list(prefix, options);
        return [entries.map((entry) => entry.key.slice(prefix.length)).join(""), count];
      };
      assert.deepEqual(await keys({}), ["ac", 2]);
      assert.deepEqual(await keys({ revision: before }), ["abc", 3]);
      assert.deepEqual(await keys({ revision: before, limit: 2 }), ["ab", 3]);
      assert.deepEqual(await keys({ revision: before, startKey: `${prefix}b` }), ["bc", 2]);
      await assert.rejects(
        storage.list(prefix, { revision: before + 1000 }),
        (error) => error instanceof StorageError && error.code === "future",
      );
    });

    it("refuses to list or watch what was compacted", async () => {
      const { revision } = await create("a", "1");
      await create("b", "2");
      const now = (await create("c", "3")).revision;
      await storage.compact(now);
      await storage.compact(now);
      const compacted = (error: unknown) => error instanceof StorageError && error.code === "compacted";
      await assert.rejects(storage.list(prefix, { revision }), compacted);
      await assert.rejects(async () => {
        for await (const _ of storage.watch(prefix, revision, new AbortController().signal)) break;
      }, compacted);
    });

    it("watches history and what follows, revision by revision", async () => {
      const start = (await create("a", "1")).revision;
      await storage.commit({
        compare: [],
        writes: [
          { type: "put", key: `${prefix}b`, value: bytes("2") },
          { type: "delete", key: `${prefix}a` },
        ],
      });
      const abort = new AbortController();
      const seen: ChangeBatch[] = [];
      for await (const batch of storage.watch(prefix, start, abort.signal)) {
        seen.push(batch);
        if (seen.length === 2) await create("c", "3");
        if (seen.length === 3) abort.abort();
      }
      const short = seen.map((batch) => [
        batch.revision - start,
        batch.changes
          .map((change) => `${change.type} ${change.key.slice(prefix.length)}`)
          .sort()
          .join(", "),
      ]);
      assert.deepEqual(short, [
        [0, "put a"],
        [1, "delete a, put b"],
        [2, "put c"],
      ]);
    });

    it("drops what has a time to live and is not written again", async () => {
      const { revision } = await storage.commit({
        compare: [],
        writes: [{ type: "put", key: `${prefix}mortal`, value: bytes("x"), ttlSeconds: 1 }],
      });
      const abort = new AbortController();
      for await (const { changes } of storage.watch(`${prefix}mortal`, revision, abort.signal))
        if (changes[0]?.type === "delete") abort.abort();
      assert.equal((await storage.get(`${prefix}mortal`)).entry, undefined);
    });
  });
}
