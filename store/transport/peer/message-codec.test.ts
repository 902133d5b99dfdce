import assert from "node:assert/strict";
import fc from "fast-check";
import { raftMessage } from "../../../proto/raft.ts";
import { message } from "../../raft/message.ts";
import type { Entry, Message } from "../../raft/types.ts";
import { decodeMessage, encodeMessage, MessageEncoder } from "./message-codec.ts";

const id = fc.bigInt({ min: 0n, max: 2n ** 64n - 1n });
const number = fc.maxSafeNat();
const bytes = fc.uint8Array({ maxLength: 300 });
const entry: fc.Arbitrary<Entry> = fc.record({
  term: number,
  index: number,
  type: fc.constantFrom("normal" as const, "confChange" as const),
  data: bytes,
  content: fc.constant(undefined),
});
const anyMessage: fc.Arbitrary<Message> = fc
  .record({
    type: fc.constantFrom("append" as const, "propose" as const, "heartbeat" as const, "vote" as const),
    to: id,
    term: number,
    logTerm: number,
    index: number,
    entries: fc.array(entry, { maxLength: 5 }),
    commit: number,
    reject: fc.boolean(),
    rejectHint: number,
    context: bytes,
  })
  .map((parts) => message(5n, parts));

const said = (one: Message) => ({
  ...one,
  context: Buffer.from(one.context),
  entries: one.entries.map((entry) => ({ ...entry, data: Buffer.from(entry.data) })),
});

describe("store/transport/peer: messages", () => {
  it("are the bytes that the table of raftpb.Message reads", () => {
    fc.assert(
      fc.property(anyMessage, (given) => {
        const wire = raftMessage.decode(encodeMessage(given));
        assert.deepEqual(
          wire.entries.map(({ type, term, index, data }) => ({
            type: type === "NORMAL" ? "normal" : "confChange",
            term,
            index,
            data: Buffer.from(data ?? []),
          })),
          said(given).entries.map(({ type, term, index, data }) => ({ type, term, index, data })),
        );
        const head = ({
          to,
          from,
          term,
          logTerm,
          index,
          commit,
          reject,
          rejectHint,
        }: typeof wire | Message) => ({
          to,
          from,
          term,
          logTerm,
          index,
          commit,
          reject,
          rejectHint,
        });
        assert.deepEqual(head(wire), head(given));
        assert.deepEqual(said(decodeMessage(encodeMessage(given))), said(given));
      }),
    );
  });

  it("are read from the table's own bytes alike, fields in the definition's order", () => {
    fc.assert(
      fc.property(anyMessage, (given) => {
        const table = raftMessage.encode(raftMessage.decode(encodeMessage(given)));
        assert.deepEqual(said(decodeMessage(table)), said(given));
      }),
    );
  });

  it("that are cut or changed are refused, or read as a message", () => {
    const damaged = fc.tuple(anyMessage, fc.nat(), fc.integer({ min: 0, max: 255 }));
    fc.assert(
      fc.property(damaged, ([given, at, byte]) => {
        const whole = Buffer.from(encodeMessage(given));
        const cut = whole.subarray(0, at % whole.length);
        const changed = Buffer.from(whole);
        changed[at % whole.length] = byte;
        for (const one of [cut, changed]) {
          try {
            for (const { data } of decodeMessage(one).entries) assert.ok(data.length <= one.length);
          } catch (error) {
            assert.ok(error instanceof Error && !(error instanceof RangeError), String(error));
          }
        }
      }),
    );
  });

  it("to several peers with the same entries share these entries' bytes", () => {
    const encoder = new MessageEncoder();
    const entries: Entry[] = [{ term: 1, index: 1, type: "normal", data: Buffer.from("x") }];
    const [a, b] = [2n, 3n].map((to) => encoder.encode(message(1n, { type: "append", to, entries })));
    assert.equal(a?.entries, b?.entries);
    const other = encoder.encode(message(1n, { type: "append", to: 3n, entries: [...entries] }));
    assert.notEqual(other.entries, b?.entries);
    assert.deepEqual(other.entries, b?.entries);
  });
});
