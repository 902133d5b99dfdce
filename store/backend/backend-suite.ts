import assert from "node:assert/strict";
import { below, Prng } from "../../base/os/random.ts";
import { type Backend, type Bucket, bucketNames, type Pages, type Row } from "./backend.ts";
import type { BackendHome } from "./home.ts";
import type { BackendConfig } from "./layered-backend.ts";

/** Small layers, so that a few hundred writes cross all the borders. */
export const suiteConfig: BackendConfig = { batchBytesMax: 2_000, batchRowsMax: 8, pendingBytesMax: 20_000 };

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
      backend.put("key", "a", bytes("1"));
      backend.put("meta", "a", bytes("2"));
      assert.equal(backend.get("lease", "a"), undefined);
      backend.commit();
      const flushed = backend.flush();
      assert.deepEqual(texts(await allRows(backend.pages("key"))), ["a=1"]);
      await flushed;
      assert.deepEqual(backend.get("key", "a"), Buffer.from("1"));
      assert.deepEqual(Buffer.from(backend.get("meta", "a") ?? []), Buffer.from("2"));
      backend.delete("key", "a");
      assert.equal(backend.get("key", "a"), undefined);
      backend.commit();
      await backend.flush();
      assert.equal(backend.get("key", "a"), undefined);
      await backend.close();
    });

    it("keeps everything committed over a close", async () => {
      const home = await newHome();
      const before = await home.open();
      before.put("key", "\u0000\u00ff", bytes("\u00fe"));
      before.put("key", "", bytes(""));
      before.commit();
      await before.close();
      const after = await home.open();
      assert.deepEqual(texts(await allRows(after.pages("key"))), ["=", "\u0000\u00ff=\u00fe"]);
      await after.close();
    });

    it("gives views that later writes do not touch", async () => {
      const backend = await (await newHome()).open();
      for (let i = 0; i < 40; i++) {
        backend.put("key", `k${i % 10}`, bytes(`${i}`));
        backend.commit();
      }
      const view = backend.snapshot();
      const wanted = texts(await allRows(backend.pages("key")));
      for (let i = 0; i < 10; i++) backend.delete("key", `k${i}`);
      backend.put("key", "k5x", bytes("new"));
      backend.commit();
      await backend.flush();
      assert.deepEqual(texts(await allRows(view.pages("key"))), wanted);
      assert.deepEqual(texts(await allRows(backend.pages("key"))), ["k5x=new"]);
      await view.close();
      await backend.close();
    });

    it("agrees with a plain map on random writes, ranges and page sizes", async () => {
      const random = new Prng(11);
      const home = await newHome();
      let backend: Backend = await home.open();
      const twin = new Map<string, string>();
      for (let step = 0; step < 400; step++) {
        const bucket = bucketNames[below(random, bucketNames.length)] as Bucket;
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
        backend.put("key", `${round}`, bytes("x".repeat(10_000)));
        backend.commit();
      }
      await backend.defragment();
      const full = backend.sizeBytes;
      for (let round = 1; round < 20; round++) backend.delete("key", `${round}`);
      backend.commit();
      await backend.defragment();
      assert.ok(
        backend.sizeBytes < full / 2 || backend.sizeBytes < 20_000,
        `${backend.sizeBytes} of ${full}`,
      );
      assert.equal((await allRows(backend.pages("key"))).length, 1);
      await backend.close();
    });

    it("asks writers to wait when too much is pending, and lets them go on", async () => {
      const backend = await (await newHome()).open();
      for (let i = 0; backend.room() === undefined; i++) {
        assert.ok(i < 1_000, "room() never said to wait");
        backend.put("key", `k${i}`, new Uint8Array(500));
        backend.commit();
      }
      await backend.room();
      assert.equal(backend.room(), undefined);
      assert.ok(backend.pendingBytes < suiteConfig.pendingBytesMax);
      await backend.close();
    });

    it("puts a draft in the place of the database, and the old one stays readable until closed", async () => {
      const home = await newHome();
      const old = await home.open();
      old.put("key", "old", bytes("1"));
      old.commit();
      await old.flush();
      const abandoned = await home.draft();
      abandoned.backend.put("key", "abandoned", bytes("0"));
      abandoned.backend.commit();
      await abandoned.discard();
      const draft = await home.draft();
      draft.backend.put("key", "new", bytes("2"));
      draft.backend.commit();
      await draft.backend.flush();
      await draft.adopt();
      assert.deepEqual(Buffer.from(old.get("key", "old") ?? []).toString(), "1");
      await old.close();
      assert.deepEqual(texts(await allRows(draft.backend.pages("key"))), ["new=2"]);
      await draft.backend.close();
      const again = await home.open();
      assert.deepEqual(texts(await allRows(again.pages("key"))), ["new=2"]);
      await again.close();
    });
  });
}
