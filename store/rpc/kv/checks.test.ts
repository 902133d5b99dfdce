import assert from "node:assert/strict";
import type { Encodable } from "../../../base/protobuf.ts";
import { utf8 } from "../../../base/wire.ts";
import { type RequestOp, type TxnRequest, txnRequest } from "../../../proto/etcd.ts";
import { StoreError } from "../../errors.ts";
import { checkTxn } from "./checks.ts";
import { checkIntervals } from "./intervals.ts";

type Op = Encodable<RequestOp>;
const put = (key: string): Op => ({ requestPut: { key: utf8(key) } });
const del = (key: string, rangeEnd = ""): Op => ({
  requestDeleteRange: { key: utf8(key), rangeEnd: utf8(rangeEnd) },
});
const nested = (success: readonly Op[], failure: readonly Op[] = []): Op => ({
  requestTxn: { success, failure },
});
const txn = (success: readonly Op[]): TxnRequest => txnRequest.decode(txnRequest.encode({ success }));

function refusal(act: () => void): string | undefined {
  try {
    act();
    return undefined;
  } catch (error) {
    assert.ok(error instanceof StoreError);
    return error.code;
  }
}

describe("checks of transactions", () => {
  const rows: readonly (readonly [string, readonly Op[], string | undefined])[] = [
    ["a key put twice", [put("a"), put("a")], "DUPLICATE_KEY"],
    ["two keys", [put("a"), put("b")], undefined],
    ["put and deleted", [put("a"), del("a")], "DUPLICATE_KEY"],
    ["put within a deleted range", [put("b"), del("a", "c")], "DUPLICATE_KEY"],
    ["put at the end of a deleted range", [put("c"), del("a", "c")], undefined],
    ["put after the start of an open range", [put("z"), del("a", "\0")], "DUPLICATE_KEY"],
    ["deleted twice", [del("a"), del("a", "c")], undefined],
    ["put in both branches of a nested one", [nested([put("a")], [put("a")])], undefined],
    ["put in a nested one and outside", [nested([], [put("a")]), put("a")], "DUPLICATE_KEY"],
    ["put in two nested ones", [nested([put("a")]), nested([], [put("a")])], "DUPLICATE_KEY"],
    ["deleted in a nested one, put outside", [nested([del("a", "c")]), put("b")], "DUPLICATE_KEY"],
    ["deleted outside, put in a nested one", [nested([put("b")]), del("a", "c")], "DUPLICATE_KEY"],
  ];
  for (const [name, ops, code] of rows) {
    it(`checkIntervals: ${name}: ${code ?? "fine"}`, () => {
      assert.equal(
        refusal(() => checkIntervals(txn(ops).success)),
        code,
      );
    });
  }

  it("checkTxn counts the operations of each level against what the levels above leave", () => {
    const many = (count: number) => Array.from({ length: count }, (_, i) => put(`k${i}`));
    assert.equal(
      refusal(() => checkTxn(txn(many(128)), 128)),
      undefined,
    );
    assert.equal(
      refusal(() => checkTxn(txn(many(129)), 128)),
      "TOO_MANY_OPS",
    );
    assert.equal(
      refusal(() => checkTxn(txn([nested(many(127))]), 128)),
      undefined,
    );
    assert.equal(
      refusal(() => checkTxn(txn([nested(many(128))]), 128)),
      "TOO_MANY_OPS",
    );
  });

  it("checkTxn refuses an empty operation and an empty key", () => {
    assert.equal(
      refusal(() => checkTxn(txn([{}]), 128)),
      "KEY_NOT_FOUND",
    );
    assert.equal(
      refusal(() => checkTxn(txn([put("")]), 128)),
      "EMPTY_KEY",
    );
  });
});
