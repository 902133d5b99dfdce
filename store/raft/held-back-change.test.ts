import assert from "node:assert/strict";
import { oneMember } from "./fixtures/one-member.ts";
import { message } from "./message.ts";
import type { Entry } from "./types.ts";

describe("a change of the configuration", () => {
  it("takes effect only when it is on disk that it is committed, and what follows it waits", () => {
    const node = oneMember({ conf: { voters: [1n, 2n], learners: [] } });
    const entries = (["normal", "confChange", "normal"] as const).map(
      (type, at): Entry => ({ term: 1, index: at + 1, type, data: Buffer.from("x") }),
    );
    node.step(message(2n, { type: "append", to: 1n, term: 1, index: 0, logTerm: 0, entries, commit: 0 }));
    const first = node.ready();
    node.persisted(3, 1);
    assert.equal(first.hardState, undefined);

    node.step(message(2n, { type: "heartbeat", to: 1n, term: 1, commit: 3 }));
    const busy = node.ready({ isDiskBusy: true });
    assert.deepEqual(
      busy.committedEntries.map(({ index }) => index),
      [1],
    );
    node.applied(1);
    assert.equal(
      node.hasReady({ isDiskBusy: true }),
      false,
      "there is nothing to do but to wait for the disk",
    );

    const writing = node.ready();
    assert.deepEqual(writing.hardState, { term: 1, vote: 0n, commit: 3 });
    assert.equal(writing.sync, true);
    assert.deepEqual(writing.committedEntries, []);
    assert.equal(node.hasReady(), false);

    node.persisted(0, 0);
    assert.deepEqual(
      node.ready().committedEntries.map(({ index }) => index),
      [2, 3],
    );
  });
});
