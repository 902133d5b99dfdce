import assert from "node:assert/strict";
import { Turns } from "../../base/slices.ts";
import { text, utf8 } from "../../base/wire.ts";
import { type RangeRequest, type RangeResponse, rangeRequest, rangeResponse } from "../../proto/etcd.ts";
import type { RangeAnswer } from "../mvcc/range.ts";
import { sliceLimits } from "../mvcc/read.ts";
import { largeAnswer } from "../rpc/kv/repeated-answer.ts";
import { LargeWorld } from "./fixtures/large-world.ts";

const everything = (given: Partial<RangeRequest> = {}): RangeRequest => ({
  ...rangeRequest.decode(rangeRequest.encode({ key: utf8("k"), rangeEnd: utf8("l") })),
  ...given,
});
/** What a client reads of the answer. */
function told(answer: RangeAnswer): RangeResponse {
  const { packed = [] } = answer;
  return rangeResponse.decode(Buffer.concat([rangeResponse.encode(answer), ...packed]));
}
const texts = ({ kvs }: RangeResponse) =>
  kvs.map(({ key, value, modRevision }) => `${text(key)}=${text(value)}@${modRevision}`);

describe("store: large reads", () => {
  it("pause, and see the revision at which they began through writes, deletions and a compaction", async () => {
    const world = await LargeWorld.open();
    const { reader } = world.state;
    const before = reader.range(everything());
    const read = reader.storedRange(everything());
    assert.ok(read instanceof Promise, "it took one slice only");
    world.put("k10", "changed");
    world.put("k105", "new");
    world.apply({ deleteRange: { key: utf8("k15"), rangeEnd: utf8("k17") } });
    await world.turn();
    world.apply({ compaction: { revision: reader.revision } });
    // By now the compaction would be over: it takes one slice and two pauses.
    for (let turn = 0; turn < 10; turn++) await new Promise(setImmediate);
    const answer = await world.result(read);
    assert.deepEqual(told(answer), before);
    const now = await world.result(reader.storedRange(everything()));
    assert.deepEqual([now.header.revision, now.count], [reader.revision, 19]);
    await world.state.close();
  });

  it("answer every kind of request as reads without a pause do", async () => {
    const world = await LargeWorld.open();
    const { reader } = world.state;
    world.apply({ leaseGrant: { id: 7n, ttl: 100 } });
    world.put("k03", "leased", 7n);
    world.put("k04", "z");
    world.apply({ deleteRange: { key: utf8("k08"), rangeEnd: utf8("") } });
    const sorts = (["KEY", "VERSION", "CREATE", "MOD", "VALUE"] as const).flatMap((sortTarget) =>
      (["NONE", "ASCEND", "DESCEND"] as const).map((sortOrder) => ({ sortTarget, sortOrder })),
    );
    const filters = [{}, { minModRevision: 30 }, { maxModRevision: 35 }, { minCreateRevision: 5, limit: 4 }];
    for (const sort of sorts)
      for (const filter of filters)
        for (const flags of [
          {},
          { keysOnly: true },
          { keysOnly: true, limit: 5 },
          { keysOnly: true, revision: 30 },
          { countOnly: true },
          { limit: 5 },
          { revision: 30 },
        ]) {
          const request = everything({ ...sort, ...filter, ...flags });
          const read = reader.storedRange(request);
          assert.ok(read instanceof Promise);
          const answer = told(await world.result(read));
          const name = JSON.stringify({ ...sort, ...filter, ...flags });
          assert.deepEqual(answer, reader.range(request), name);
        }
    await world.state.close();
  });

  it("begin anew where a snapshot replaces the state meanwhile", async () => {
    const world = await LargeWorld.open();
    const { state } = world;
    const read = state.reader.storedRange(everything({ keysOnly: true, limit: 30 }));
    world.put("k50", "later");
    const { index, term, chunks } = state.snapshot();
    await state.restore({ index, term, conf: { voters: [], learners: [] } }, chunks);
    assert.equal((await world.result(read)).count, 21);
    await state.close();
  });

  it("end with an error when the member stops", async () => {
    const world = await LargeWorld.open();
    const read = world.state.reader.storedRange(everything());
    const refused = assert.rejects(Promise.resolve(read), { code: "STOPPED" });
    const closing = world.state.close();
    while (await world.turn());
    await Promise.all([refused, closing]);
  });

  it("read no values for keysOnly", async () => {
    const world = await LargeWorld.open();
    const { state } = world;
    world.put("k03", "1");
    let gets = 0;
    const { get } = state.backend;
    Object.assign(state.backend, {
      get(...given: Parameters<typeof get>) {
        gets++;
        return get.apply(state.backend, given);
      },
    });
    const answer = await world.result(state.reader.storedRange(everything({ keysOnly: true })));
    assert.equal(gets, 0);
    assert.deepEqual(texts(told(answer)).slice(2, 5), ["k02=@24", "k03=@42", "k04=@26"]);
    await world.state.close();
  });

  it("put a large answer together in slices", async () => {
    const world = await LargeWorld.open(sliceLimits);
    for (let at = 0; at < 2 * sliceLimits.keysMax + 10; at++)
      world.put(`k${at}`, "v".repeat((at % 300) * 20));
    const answer = await world.result(world.state.reader.storedRange(everything()));
    const { kvs, ...rest } = answer;
    const large = largeAnswer({
      head: rangeResponse.encode({ header: rest.header }),
      field: 2,
      values: kvs,
      tail: rangeResponse.encode({ count: rest.count, more: true }),
    });
    assert.ok(large);
    let turns = 0;
    const bytes = await new Turns((run) => {
      turns++;
      setImmediate(run);
    }).run(large);
    assert.ok(turns > 0, "it took one slice only");
    assert.deepEqual(
      rangeResponse.decode(bytes),
      rangeResponse.decode(rangeResponse.encode({ ...answer, more: true })),
    );
    await world.state.close();
  });
});
