import assert from "node:assert/strict";
import { Cancellation } from "./cancellation.ts";

describe("a cancellation", () => {
  it("aborts the signal that somebody has asked for", () => {
    const cancellation = new Cancellation();
    const { signal } = cancellation;
    assert.equal(signal.aborted, false);
    cancellation.cancel(new Error("too late"));
    assert.match(String(signal.reason), /too late/);
    assert.equal(cancellation.signal, signal);
  });

  it("hands out an aborted signal afterwards, with the first reason", () => {
    const cancellation = new Cancellation();
    assert.equal(cancellation.reason, undefined);
    cancellation.cancel(new Error("too late"));
    cancellation.cancel(new Error("gone"));
    assert.equal(cancellation.isCancelled, true);
    assert.equal(cancellation.signal.aborted, true);
    assert.equal(cancellation.signal.reason, cancellation.reason);
    assert.match(String(cancellation.reason), /too late/);
  });
});
