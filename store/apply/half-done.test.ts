import assert from "node:assert/strict";
import { utf8 } from "../../base/wire.ts";
import { rangeRequest, type TxnRequest, txnRequest } from "../../proto/etcd.ts";
import { LargeWorld } from "./fixtures/large-world.ts";

const all = { key: utf8("k"), rangeEnd: utf8("l") };
const everyKey = rangeRequest.decode(rangeRequest.encode({ ...all, keysOnly: true }));

/** Deletes, then reads. */
const deleteAndRead = (deleted: object): TxnRequest =>
  txnRequest.decode(
    txnRequest.encode({
      success: [{ requestDeleteRange: deleted }, { requestRange: { key: utf8("k19") } }],
    }),
  );

describe("store: a transaction that the disk lets down half way", () => {
  for (const [name, deleted] of [
    ["one that takes one turn", { key: utf8("k00") }],
    ["one that takes several", { key: utf8("k00"), rangeEnd: utf8("k19") }],
  ] as const)
    it(`is seen by nobody, and reaches no disk: ${name}`, async () => {
      const world = await LargeWorld.open();
      const { state } = world;
      const told: number[] = [];
      state.hub.watch(
        { ...all, startRevision: 0, prevKv: false, filters: [] },
        { ready: true, deliver: ({ revision }) => told.push(revision), compacted: () => assert.fail() },
      );
      const seen = () => {
        const { kvs, header } = state.reader.range(everyKey);
        return `${kvs.length} keys at ${header?.revision}, applied ${state.appliedIndex}`;
      };
      const before = seen();
      const { sizeBytes } = state.backend;
      const { backend } = state;
      const read = backend.revision.bind(backend);
      backend.revision = () => {
        throw new Error("EIO: i/o error, read");
      };
      const applying = (async () => await world.apply({ txn: deleteAndRead(deleted) }))();
      const failed = assert.rejects(applying, /EIO/);
      await world.result(undefined);
      await failed;
      backend.revision = read;
      assert.equal(seen(), before);
      await world.result(undefined);
      assert.deepEqual(told, []);
      assert.equal(state.backend.sizeBytes, sizeBytes);
    });
});
