import { deepStrictEqual, ok, rejects, strictEqual } from "node:assert/strict";
import fc from "fast-check";
import { CallError } from "../call-error.ts";
import type { Keyspace, Lock } from "./api.ts";
import { LeaseLostError } from "./lease.ts";
import { CuttableStore } from "./testing/cuttable-store.ts";

describe("a watch whose way is cut now and then", () => {
  let world: CuttableStore;
  let keys: Keyspace<string>;
  beforeEach(async () => {
    world = new CuttableStore();
    keys = await world.open();
  });
  afterEach(() => world.close());

  it("tells every change once and in order, whenever it is cut", async () => {
    const step = fc.constantFrom("put", "delete", "cut", "mend", "pass");
    await fc.assert(
      fc.asyncProperty(fc.array(step, { minLength: 5, maxLength: 40 }), async (steps) => {
        const watch = keys.watch("k");
        await watch.started;
        const written: string[] = [];
        for (const [n, what] of steps.entries()) {
          if (what === "put") written.push(`put ${(await world.direct.put("k", `${n}`)).revision}`);
          if (what === "delete" && (await world.direct.get("k")) !== undefined)
            written.push(`delete ${(await world.direct.delete("k")).revision}`);
          if (what === "cut") world.cut();
          if (what === "mend") world.mend();
          if (what === "pass") await world.pass(500);
        }
        world.mend();
        await world.direct.put("k", "last");
        const told: string[] = [];
        const reading = (async () => {
          for await (const event of watch) {
            if (event.entry?.value === "last") return;
            told.push(`${event.type} ${event.revision}`);
          }
        })();
        await world.pass(2_000); // until it is opened anew
        await reading;
        deepStrictEqual(told, written);
      }),
      { numRuns: 60 },
    );
  });

  for (const by of ["close", "its signal"])
    it(`tells nothing more once it was ended by ${by}, also of what came together`, async () => {
      const end = new AbortController();
      const watch = keys.watch({ prefix: "k" }, { signal: end.signal });
      await watch.started;
      await world.direct.txn().do({ put: "k1", value: "1" }, { put: "k2", value: "2" }).commit();
      const told: string[] = [];
      for await (const { key } of watch) {
        told.push(key);
        if (by === "close") watch.close();
        else end.abort();
      }
      deepStrictEqual(told, ["k1"]);
    });

  it("fails where what it missed was compacted meanwhile, and says from where there is history", async () => {
    const watch = keys.watch("k");
    await watch.started;
    world.cut();
    await world.direct.put("k", "missed");
    const { revision } = await world.direct.put("k", "there");
    await world.direct.compact(revision);
    world.mend();
    const reading = (async () => {
      for await (const { entry } of watch) ok(entry === undefined, "it skips");
    })();
    const told = rejects(reading, (error: unknown) => {
      ok(error instanceof CallError && error.code === "COMPACTED");
      strictEqual(error.compactRevision, revision);
      return true;
    });
    await world.pass(2_000);
    await told;
  });

  it("has the holder of a lock hear that it lost it, also when it heard nothing of that", async () => {
    const lock: Lock = await keys.lock("l", { ttlSeconds: 60 });
    const [held] = (await world.direct.keys({ prefix: "l/" })).entries;
    world.cut();
    await world.direct.delete(held?.key ?? "");
    await world.direct.compact((await world.direct.put("other", "")).revision);
    world.mend();
    await world.pass(2_000);
    ok(lock.signal.reason instanceof LeaseLostError);
    strictEqual(lock.signal.reason.message, "the key was deleted");
  });
});
