import assert from "node:assert/strict";
import { below, Prng } from "../../base/os/random.ts";
import type { RevisionLogConfig } from "../revisions/log-config.ts";
import { revisionKey, tombstoneKey } from "../revisions/revision-key.ts";
import type { RevisionRow } from "../revisions/row-format.ts";
import { type Backend, bucketNames, type Pages, type Row, type SmallBucket } from "./backend.ts";
import type { BackendHome } from "./home.ts";
import type { BackendConfig } from "./layered-backend.ts";

export const smallRevisions: RevisionLogConfig = {
  segmentBytes: 3_000,
  blockBytes: 300,
  chunkBytes: 1_000,
  recentBytesMax: 2_000,
  cacheBytesMax: 1_000,
};

/** Small layers, so that a few hundred writes cross all the borders. */
export const suiteConfig: BackendConfig = {
  batchBytesMax: 2_000,
  batchRowsMax: 8,
  pendingBytesMax: 20_000,
  revisions: smallRevisions,
};

const smallBuckets = bucketNames.filter((name) => name !== "key");
export const revision = (main: number, value: string, sub = 0, deletion = false): RevisionRow => ({
  main,
  sub,
  deletion,
  value: bytes(value),
});
const bytes = (text: string): Uint8Array => Buffer.from(text, "latin1");
const texts = (rows: readonly Row[]): string[] =>
  rows.map(({ key, value }) => `${key}=${Buffer.from(value).toString("latin1")}`);

export async function allRows(pages: Pages): Promise<Row[]> {
  const out: Row[] = [];
  for await (const page of pages) {
    assert.ok(page.length > 0, "no empty pages");
    out.push(...page);
  }
  return out;
}

/** What every backend must do. `home` gives a fresh home for each test; opening it again is a clean restart. */
export function backendSuite(name: string, newHome: () => Promise<BackendHome>): void {
  describe(`store/backend: ${name}`, () => {
    it("reads what was written, before, during and after its flush", async () => {
      const backend = await (await newHome()).open();
      backend.put("auth", "a", bytes("1"));
      backend.put("meta", "a", bytes("2"));
      assert.equal(backend.get("lease", "a"), undefined);
      backend.commit();
      const flushed = backend.flush();
      assert.deepEqual(texts(await allRows(backend.pages("auth"))), ["a=1"]);
      await flushed;
      assert.deepEqual(backend.get("auth", "a"), Buffer.from("1"));
      assert.deepEqual(Buffer.from(backend.get("meta", "a") ?? []), Buffer.from("2"));
      backend.delete("auth", "a");
      assert.equal(backend.get("auth", "a"), undefined);
      backend.commit();
      await backend.flush();
      assert.equal(backend.get("auth", "a"), undefined);
      await backend.close();
    });

    it("keeps everything committed over a close", async () => {
      const home = await newHome();
      const before = await home.open();
      before.put("auth", "\u0000\u00ff", bytes("\u00fe"));
      before.put("auth", "", bytes(""));
      before.commit();
      await before.close();
      const after = await home.open();
      assert.deepEqual(texts(await allRows(after.pages("auth"))), ["=", "\u0000\u00ff=\u00fe"]);
      await after.close();
    });

    it("gives views that later writes do not touch", async () => {
      const backend = await (await newHome()).open();
      for (let i = 0; i < 40; i++) {
        backend.put("auth", `k${i % 10}`, bytes(`${i}`));
        backend.commit();
      }
      const view = backend.snapshot();
      const wanted = texts(await allRows(backend.pages("auth")));
      for (let i = 0; i < 10; i++) backend.delete("auth", `k${i}`);
      backend.put("auth", "k5x", bytes("new"));
      backend.commit();
      await backend.flush();
      assert.deepEqual(texts(await allRows(view.pages("auth"))), wanted);
      assert.deepEqual(texts(await allRows(backend.pages("auth"))), ["k5x=new"]);
      await view.close();
      await backend.close();
    });

    it("agrees with a plain map on random writes, ranges and page sizes", async () => {
      const random = new Prng(11);
      const home = await newHome();
      let backend: Backend = await home.open();
      const twin = new Map<string, string>();
      for (let step = 0; step < 400; step++) {
        const bucket = smallBuckets[below(random, smallBuckets.length)] as SmallBucket;
        const key = String.fromCharCode(
          ...Array.from({ length: below(random, 3) }, () => below(random, 4) * 85),
        );
        if (below(random, 3) === 0) {
          backend.delete(bucket, key);
          twin.delete(`${bucket}/${key}`);
        } else {
          backend.put(bucket, key, bytes(`${step}`));
          twin.set(`${bucket}/${key}`, `${step}`);
        }
        if (below(random, 3) === 0) backend.commit();
        if (step % 50 === 49) {
          backend.commit();
          if (step === 199) {
            await backend.close();
            backend = await home.open();
          }
          const from = String.fromCharCode(below(random, 4) * 85);
          const to = String.fromCharCode(below(random, 4) * 85);
          const expected = [...twin]
            .filter(([k]) => k.startsWith(`${bucket}/`))
            .map(([k, value]) => ({ key: k.slice(bucket.length + 1), value }))
            .filter(({ key }) => key >= from && key < to)
            .sort((a, b) => (a.key < b.key ? -1 : 1));
          const got = await allRows(backend.pages(bucket, { from, to }, 1 + below(random, 5)));
          assert.deepEqual(
            texts(got),
            expected.map(({ key, value }) => `${key}=${value}`),
          );
        }
      }
      await backend.close();
    });

    it("gives space back when asked", async () => {
      const backend = await (await newHome()).open();
      for (let round = 0; round < 20; round++) {
        backend.put("auth", `${round}`, bytes("x".repeat(10_000)));
        backend.commit();
      }
      await backend.defragment();
      const full = backend.sizeBytes;
      for (let round = 1; round < 20; round++) backend.delete("auth", `${round}`);
      backend.commit();
      await backend.defragment();
      assert.ok(
        backend.sizeBytes < full / 2 || backend.sizeBytes < 20_000,
        `${backend.sizeBytes} of ${full}`,
      );
      assert.equal((await allRows(backend.pages("auth"))).length, 1);
      await backend.close();
    });

    it("asks writers to wait when too much is pending, and lets them go on", async () => {
      const backend = await (await newHome()).open();
      for (let i = 0; backend.room() === undefined; i++) {
        assert.ok(i < 1_000, "room() never said to wait");
        backend.put("auth", `k${i}`, new Uint8Array(500));
        backend.commit();
      }
      await backend.room();
      assert.equal(backend.room(), undefined);
      assert.ok(backend.pendingBytes < suiteConfig.pendingBytesMax);
      await backend.close();
    });

    it("keeps revisions in order beside the other rows, in memory, on disk and over a restart", async () => {
      const home = await newHome();
      let backend = await home.open();
      for (let main = 2; main < 150; main++) {
        backend.append(revision(main, `v${main}`));
        if (main % 3 === 0) backend.append(revision(main, "", 1, true));
        backend.put("meta", "index", bytes(`${main}`));
        backend.commit();
        if (main === 75) await backend.flush();
      }
      const rows = texts(await allRows(backend.pages("key")));
      assert.equal(rows.length, 148 + 49);
      assert.equal(rows[1], `${revisionKey(3, 0)}=v3`);
      assert.equal(rows[2], `${tombstoneKey(3, 1)}=`);
      for (const range of [{}, { from: revisionKey(20, 0), to: revisionKey(22, 0) }])
        for (let opened = 0; opened < 2; opened++) {
          const wanted =
            range.from === undefined ? rows : rows.filter((row) => row >= range.from && row < range.to);
          assert.deepEqual(texts(await allRows(backend.pages("key", range, 7))), wanted);
          for (let main = 2; main < 150; main++)
            assert.equal(Buffer.from(backend.revision(main, 0) ?? []).toString(), `v${main}`);
          assert.equal(backend.revision(2, 1), undefined);
          await backend.close();
          backend = await home.open();
        }
      await backend.close();
    });

    it("takes revisions out that are dropped, but not out of views that were there before", async () => {
      const home = await newHome();
      let backend = await home.open();
      for (let main = 2; main < 100; main++) {
        backend.append(revision(main, `v${main}`));
        backend.commit();
      }
      const view = backend.snapshot();
      const full = backend.sizeBytes;
      const mains = Array.from({ length: 80 }, (_, at) => at + 2);
      assert.equal(await backend.drop({ mains, subs: mains.map(() => 0) }), true);
      assert.ok(backend.sizeInUseBytes < backend.sizeBytes);
      backend.reclaim();
      const left = Array.from({ length: 18 }, (_, at) => `${revisionKey(at + 82, 0)}=v${at + 82}`);
      assert.deepEqual(texts(await allRows(backend.pages("key"))), left);
      assert.equal((await allRows(view.pages("key", {}, 10))).length, 98);
      await view.close();
      await backend.defragment();
      assert.deepEqual(texts(await allRows(backend.pages("key"))), left);
      assert.ok(backend.sizeBytes < full, `${backend.sizeBytes} of ${full}`);
      await backend.close();
      backend = await home.open();
      assert.deepEqual(texts(await allRows(backend.pages("key"))), left);
      await backend.close();
    });

    it("gives back no more space once another has replaced it, whoever still has a view open", async () => {
      const backend = await (await newHome()).open();
      for (let main = 2; main < 100; main++) backend.append(revision(main, `v${main}`));
      backend.commit();
      await backend.flush();
      const mains = Array.from({ length: 90 }, (_, at) => at + 2);
      await backend.drop({ mains, subs: mains.map(() => 0) });
      await backend.flush();
      const view = backend.snapshot();
      const rewritten = backend.defragment();
      const retired = backend.retire();
      await rewritten;
      assert.ok(backend.sizeInUseBytes < backend.sizeBytes);
      assert.equal((await allRows(view.pages("key", {}, 10))).length, 8);
      await view.close();
      await retired;
    });

    it("puts a draft in the place of the database, and the old one stays readable until closed", async () => {
      const home = await newHome();
      const old = await home.open();
      old.put("auth", "old", bytes("1"));
      old.commit();
      await old.flush();
      const abandoned = await home.draft();
      abandoned.backend.put("auth", "abandoned", bytes("0"));
      abandoned.backend.commit();
      await abandoned.discard();
      const draft = await home.draft();
      draft.backend.put("auth", "new", bytes("2"));
      draft.backend.commit();
      await draft.backend.flush();
      await draft.adopt();
      assert.deepEqual(Buffer.from(old.get("auth", "old") ?? []).toString(), "1");
      await old.close();
      assert.deepEqual(texts(await allRows(draft.backend.pages("auth"))), ["new=2"]);
      await draft.backend.close();
      const again = await home.open();
      assert.deepEqual(texts(await allRows(again.pages("auth"))), ["new=2"]);
      await again.close();
    });
  });
}
