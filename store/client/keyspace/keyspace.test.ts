import { deepStrictEqual, ok, rejects, strictEqual, throws } from "node:assert/strict";
import { openStore, type Store } from "../../embedded/open-store.ts";
import { CallError } from "../call-error.ts";
import type { Watch, WatchEvent } from "./api.ts";
import { bytes, json, ValueError } from "./codec.ts";

const compacted = (error: unknown) => error instanceof CallError && error.code === "COMPACTED";

describe("keys and values", () => {
  let store: Store<string>;
  beforeEach(async () => {
    store = await openStore();
  });
  afterEach(() => store.close());

  it("reads ranges by prefix and by bounds, sorted, limited, without values, counted, and of the past", async () => {
    for (const [key, value] of Object.entries({ a: "3", b1: "1", b2: "2", c: "0" }))
      await store.put(key, value);
    const then = await store.revision();
    await store.put("b3", "9");
    const keysOf = (page: { entries: readonly { key: string }[] }) =>
      page.entries.map(({ key }) => key).join();
    strictEqual(keysOf(await store.range({ prefix: "b" })), "b1,b2,b3");
    strictEqual(keysOf(await store.range({ prefix: "b" }, { revision: then })), "b1,b2");
    strictEqual(keysOf(await store.range({ from: "b2" })), "b2,b3,c");
    strictEqual(keysOf(await store.range({ from: "b", to: "b2" })), "b1");
    strictEqual(keysOf(await store.range({ prefix: "" }, { sortBy: "value" })), "c,b1,b2,a,b3");
    strictEqual(keysOf(await store.keys({ prefix: "" }, { order: "descending", limit: 2 })), "c,b3");
    strictEqual(keysOf(await store.keys({ prefix: "" }, { minModRevision: then })), "b3,c");
    strictEqual(await store.count({ prefix: "b" }), 3);
    const { count, more, revision } = await store.range({ prefix: "b" }, { limit: 1 });
    deepStrictEqual({ count, more, revision }, { count: 3, more: true, revision: then + 1 });
    const walked: string[] = [];
    for await (const { key } of store.entries({ prefix: "b" }, { pageSize: 2 })) walked.push(key);
    strictEqual(walked.join(), "b1,b2,b3");
  });

  it("refuses an empty key, and an empty end, which would mean another range", async () => {
    await rejects(store.put("", "x"), /must not be empty/);
    await rejects(store.range({ from: "a", to: "" }), /must not be empty/);
    await rejects(store.namespace("n/").get(""), /must not be empty/);
  });

  it("deletes, and answers what was there before", async () => {
    await store.put("a", "1");
    strictEqual((await store.put("a", "2", { previous: true })).previous?.value, "1");
    await store.put("b", "3");
    const { deleted, previous } = await store.delete({ prefix: "" }, { previous: true });
    deepStrictEqual([deleted, previous.map(({ value }) => value)], [2, ["2", "3"]]);
    strictEqual((await store.delete("a")).deleted, 0);
  });

  it("keeps a namespace apart in everything it does", async () => {
    const own = store.namespace("app/").namespace("x/");
    await store.put("app/y", "outside");
    await own.put("k", "inside");
    strictEqual((await store.get("app/x/k"))?.value, "inside");
    deepStrictEqual(
      (await own.range({ from: "" })).entries.map(({ key }) => key),
      ["k"],
    );
    strictEqual(Buffer.from((await own.get("k"))?.keyBytes ?? []).toString(), "k");
    const { results } = await own
      .txn()
      .if({ key: "k", value: "inside" })
      .do({ get: { prefix: "" } })
      .commit();
    strictEqual(results[0]?.entries[0]?.key, "k");
    const watch = own.watch({ prefix: "" });
    await watch.started;
    await store.put("app/z", "outside");
    await own.delete({ prefix: "" });
    for await (const { type, key } of watch) {
      deepStrictEqual([type, key], ["delete", "k"]);
      break;
    }
    strictEqual(await store.count({ prefix: "app/" }), 2);
    await using lock = await own.lock("l");
    ok((await store.keys({ prefix: "app/x/l/" })).count === 1 && lock.revision > 0);
  });

  it("writes and reads values by a codec, and names the key where one cannot", async () => {
    const numbers = store.namespace(
      "n/",
      json((value) => {
        if (typeof value !== "number") throw new TypeError(`${value} is not a number`);
        return value;
      }),
    );
    await numbers.put("a", 5);
    strictEqual((await numbers.get("a"))?.value, 5);
    await store.put("n/b", '"text"');
    await rejects(numbers.get("b"), (error: unknown) => {
      ok(error instanceof ValueError && error.key === "b" && error.revision > 0);
      strictEqual(error.message, 'the value of "b" cannot be read as json: text is not a number');
      return true;
    });
    await rejects(
      numbers.put("c", undefined as unknown as number),
      /the value of "c" cannot be written as json/,
    );
    await rejects(store.put("d", 5 as unknown as string), /a value of type number is not a string/);
    const raw = store.as(bytes);
    await raw.put("e", Uint8Array.of(0xff));
    await rejects(store.get("e"), /cannot be read as text/);
    deepStrictEqual((await raw.get("e"))?.value, Uint8Array.of(0xff));
    strictEqual((await store.keys("e")).count, 1);
  });

  it("changes a value however many do at once", async () => {
    const counter = store.as(json<number>());
    await Promise.all(Array.from({ length: 20 }, () => counter.update("n", (n = 0) => n + 1)));
    strictEqual((await counter.get("n"))?.value, 20);
    const left = await counter.update("n", () => undefined);
    deepStrictEqual([left.value, left.changed], [20, false]);
    await rejects(
      counter.update("n", () => {
        throw new Error("no");
      }),
      /^Error: no$/,
    );
  });

  describe("watches", () => {
    it("tell what was put and deleted, in order, with what was there before", async () => {
      const watch = store.watch({ prefix: "k" }, { previous: true });
      await watch.started;
      await store.put("k1", "a");
      await store
        .txn()
        .do({ put: "k1", value: "b" }, { put: "k2", value: "c" }, { put: "x", value: "" })
        .commit();
      await store.delete("k1");
      const told = await take(watch, 4);
      deepStrictEqual(
        told.map(({ type, key, entry, previous }) => [type, key, entry?.value, previous?.value]),
        [
          ["put", "k1", "a", undefined],
          ["put", "k1", "b", "a"],
          ["put", "k2", "c", undefined],
          ["delete", "k1", undefined, "b"],
        ],
      );
      strictEqual(told[1]?.revision, told[2]?.revision);
    });

    it("begin in the past, in batches that never part a revision", async () => {
      const { revision } = await store.put("a", "1");
      await store.txn().do({ put: "a", value: "2" }, { put: "b", value: "2" }).commit();
      const batches: string[] = [];
      const watch = store.watch({ prefix: "" }, { from: revision });
      for await (const batch of watch.batches()) {
        batches.push(...batch.events.map(({ key, revision: at }) => `${key}@${at - revision}`));
        if (batch.revision === revision + 1) break;
      }
      deepStrictEqual(batches, ["a@0", "a@1", "b@1"]);
      strictEqual(watch.nextRevision, revision + 2);
    });

    it("tell all that was changed before what the codec cannot read, and where that is", async () => {
      const { revision } = await store.put("n/1", "1");
      await store.txn().do({ put: "n/2", value: "2" }, { put: "n/3", value: "3" }).commit();
      await store.put("n/4", "no JSON");
      await store.put("n/5", "5");
      const numbers = store.namespace("n/", json<number>());
      const told: string[] = [];
      const watch = numbers.watch({ prefix: "" }, { from: revision });
      const reading = async () => {
        for await (const { key } of watch) told.push(key);
      };
      await rejects(reading, { name: "ValueError", key: "4" });
      strictEqual(watch.nextRevision, revision + 2);
      const inBatches = numbers.watch({ prefix: "" }, { from: revision });
      const readingBatches = async () => {
        for await (const { events, revision: at } of inBatches.batches())
          told.push(...events.map(({ key }) => key), `to ${at - revision}`);
      };
      await rejects(readingBatches, { name: "ValueError", key: "4" });
      deepStrictEqual(told, ["1", "2", "3", "1", "2", "3", "to 1"]);
      const rest = numbers.watch({ prefix: "" }, { from: inBatches.nextRevision + 1 });
      strictEqual((await take(rest, 1))[0]?.key, "5");
    });

    it("know where another goes on when the reader stops in the middle", async () => {
      const { revision } = await store.put("a", "1");
      for (const value of ["2", "3"]) await store.put("a", value);
      const watch = store.watch("a", { from: revision });
      await take(watch, 2);
      strictEqual(watch.nextRevision, revision + 2);
    });

    it("tell keys that are no text, also of what was deleted", async () => {
      const key = Uint8Array.of(255, 0, 254);
      const { revision } = await store.put(key, "1");
      await store.delete(key);
      const told = await take(
        store.namespace(Uint8Array.of(255)).watch({ prefix: "" }, { from: revision }),
        2,
      );
      deepStrictEqual(
        told.map(({ type, keyBytes }) => [type, ...keyBytes]),
        [
          ["put", 0, 254],
          ["delete", 0, 254],
        ],
      );
    });

    it("end at once when their reader is ended while it waits, and have one reader", async () => {
      const watch = store.watch("never");
      const events = watch[Symbol.asyncIterator]();
      const waiting = [events.next(), events.next()];
      throws(() => watch.batches(), /iterated over once/);
      await watch.started;
      deepStrictEqual(await events.return?.(undefined), { done: true, value: undefined });
      for (const next of waiting) strictEqual((await next).done, true);
      deepStrictEqual(await take(watch, 1), []);
    });

    it("say that history is gone, and never skip it", async () => {
      await store.put("a", "1");
      const { revision } = await store.put("a", "2");
      await store.compact(revision);
      await store.compact(revision);
      const watch = store.watch("a", { from: revision - 1 });
      await rejects(take(watch, 1), (error: unknown) => {
        ok(compacted(error) && (error as CallError).compactRevision === revision);
        return true;
      });
      await rejects(store.get("a", { revision: revision - 1 }), compacted);
    });

    it("end with their signal, with a break, with close and with the store", async () => {
      const end = new AbortController();
      const open = [store.watch("a", { signal: end.signal }), store.watch("a"), store.watch("a")] as const;
      await Promise.all(open.map(({ started }) => started));
      const ended = Promise.all(open.map((watch) => take(watch, 1)));
      end.abort();
      open[1].close();
      await store.close();
      deepStrictEqual(await ended, [[], [], []]);
      throws(() => store.watch("a"), /the store is closed/);
    });

    it("tell one type of events alone where asked to", async () => {
      const puts = store.watch("a", { only: "put", from: 1 });
      const deletes = store.watch("a", { only: "delete", from: 1 });
      await store.put("a", "1");
      await store.delete("a");
      await store.put("a", "2");
      deepStrictEqual(
        (await take(puts, 2)).map(({ entry }) => entry?.value),
        ["1", "2"],
      );
      strictEqual((await take(deletes, 1))[0]?.type, "delete");
    });
  });
});

/** So many events, or fewer where it ends before. */
async function take<V>(watch: Watch<V>, count: number): Promise<readonly WatchEvent<V>[]> {
  const events: WatchEvent<V>[] = [];
  for await (const event of watch) if (events.push(event) >= count) break;
  return events;
}
