import assert from "node:assert/strict";
import { failpoint } from "../../base/failpoints/failpoint.ts";
import { text, utf8 } from "../../base/wire.ts";
import { type RangeRequest, rangeRequest } from "../../proto/etcd.ts";
import { event } from "../../proto/mvcc.ts";
import type { TxnAnswer } from "../mvcc/branch.ts";
import type { DeleteRangeAnswer } from "../mvcc/delete-range.ts";
import { LargeWorld } from "./fixtures/large-world.ts";
import type { State } from "./state.ts";

const everything: RangeRequest = rangeRequest.decode(
  rangeRequest.encode({ key: utf8("k"), rangeEnd: utf8("l") }),
);
const all = { key: utf8("k"), rangeEnd: utf8("l") };
const seen = (state: State) => {
  const { count, header } = state.reader.range(everything);
  return `${count} keys at ${header?.revision}, applied ${state.appliedIndex}`;
};

describe("store: large writes", () => {
  it("take several turns, in which everybody sees the state before, and then all of it at once", async () => {
    const world = await LargeWorld.open();
    const { state } = world;
    const batches: { revision: number; keys: string[] }[] = [];
    state.hub.watch(
      { ...all, startRevision: 0, prevKv: false, filters: [] },
      {
        ready: true,
        deliver: ({ revision, events }) =>
          batches.push({ revision, keys: events.map((one) => text(event.decode(one).kv?.key ?? utf8(""))) }),
        compacted: () => assert.fail(),
      },
    );
    const before = seen(state);
    const { hash } = await state.hashKv(0);
    const applying = world.apply({ deleteRange: { ...all, prevKv: true } });
    assert.ok(applying, "it took one turn only");
    let turns = 0;
    for (; state.appliedIndex < 41; turns++) {
      assert.equal(seen(state), before);
      assert.equal((await state.hashKv(0)).hash, hash);
      assert.equal((await state.flush()).index, 40);
      assert.deepEqual([batches.length, world.results.length], [0, 40]);
      await world.turn();
    }
    assert.ok(turns > 10, `${turns} turns`);
    await applying;
    assert.equal(seen(state), "0 keys at 42, applied 41");
    const result = world.results.at(-1);
    assert.ok(result?.ok);
    const answer = result.response as DeleteRangeAnswer;
    assert.deepEqual([answer.deleted, answer.prevKvs.length], [20, 20]);
    await world.result(undefined);
    assert.deepEqual(
      batches.map(({ revision, keys }) => [revision, keys.length, new Set(keys).size]),
      [[42, 20, 20]],
    );
    await state.close();
  });

  it("and small ones, too, let others go on where a failpoint holds them", async () => {
    const world = await LargeWorld.open();
    const { state } = world;
    const before = seen(state);
    const point = failpoint("beforeApplyOneEntryNormal");
    point.arm("return");
    try {
      const applying = world.apply({ put: { key: utf8("k"), value: utf8("v") } });
      assert.ok(applying, "it took one turn only");
      assert.equal(seen(state), before);
      await applying;
      assert.equal(seen(state), "21 keys at 42, applied 41");
      assert.equal(point.terms?.count, 1);
    } finally {
      point.disarm();
    }
    await state.close();
  });

  it("leave the state that applying them at once leaves", async () => {
    const hashes: number[] = [];
    for (const slices of [
      undefined,
      { keysMax: 1_000, valuesMax: 1_000, valueBytesMax: 1e6, changesMax: 1_000 },
    ]) {
      const world = await LargeWorld.open(slices);
      world.apply({ leaseGrant: { id: 7n, ttl: 100 } });
      for (let at = 0; at < 8; at++) world.put(`k0${at}`, "leased", 7n);
      const put = (key: string) => ({ requestPut: { key: utf8(key), value: utf8("x") } });
      const txn = {
        success: [
          put("k30"),
          { requestRange: all },
          { requestDeleteRange: { key: utf8("k05"), rangeEnd: utf8("k20"), prevKv: true } },
          put("k40"),
        ],
      };
      await world.result(world.apply({ txn }));
      const result = world.results.at(-1);
      assert.ok(result?.ok);
      const [, range, deleted] = (result.response as TxnAnswer).responses;
      assert.ok(range && "responseRange" in range && deleted && "responseDeleteRange" in deleted);
      assert.deepEqual(
        [
          range.responseRange.count,
          deleted.responseDeleteRange.deleted,
          deleted.responseDeleteRange.prevKvs.length,
        ],
        [21, 15, 15],
      );
      await world.result(world.apply({ leaseRevoke: { id: 7n } }));
      assert.equal(seen(world.state), "2 keys at 51, applied 51");
      assert.equal(world.state.lessor.exists(7n), false);
      hashes.push((await world.state.hashKv(0)).hash);
      await world.state.close();
    }
    assert.equal(hashes[0], hashes[1]);
  });

  it("are done again, from their beginning, after a crash within them", async () => {
    for (let turns = 0; turns < 20; turns++) {
      const world = await LargeWorld.open();
      world.apply({ deleteRange: { ...all, prevKv: false } });
      for (let turn = 0; turn < turns; turn++) await world.turn();
      void world.state.flush();
      await new Promise(setImmediate);
      world.home.kill();
      const again = await LargeWorld.over(world.home);
      assert.ok([0, 40, 41].includes(again.state.appliedIndex), `applied ${again.state.appliedIndex}`);
      assert.equal(again.state.reader.range(everything).count, again.state.appliedIndex === 40 ? 20 : 0);
      await again.result(again.state.apply(world.log));
      assert.equal(seen(again.state), "0 keys at 42, applied 41");
      await again.state.close();
    }
  });

  it("leave what follows them to be handed in again", async () => {
    const world = await LargeWorld.open();
    const { state } = world;
    const entries = [
      world.entry({ put: { key: utf8("k20"), value: utf8("") } }),
      world.entry({ deleteRange: { ...all, prevKv: false } }),
      world.entry({ put: { key: utf8("k21"), value: utf8("") } }),
    ];
    const applying = state.apply(entries);
    assert.equal(seen(state), "21 keys at 42, applied 41");
    await world.result(applying);
    assert.equal(seen(state), "0 keys at 43, applied 42");
    assert.equal(state.apply(entries), undefined);
    assert.equal(seen(state), "1 keys at 44, applied 43");
    await state.close();
  });
});
