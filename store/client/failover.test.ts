import assert from "node:assert/strict";
import type { GrpcStatus } from "../../base/grpc/status.ts";
import { systemClock } from "../../base/os/clock.ts";
import { Prng } from "../../base/os/random.ts";
import { ManualClock } from "../driver/fixtures/rig.ts";
import { type StoreErrorCode, storeErrors } from "../errors.ts";
import { CallError } from "./call-error.ts";
import { EndpointRing, parseEndpoint } from "./endpoints.ts";
import { mayRetry, withFailover } from "./failover.ts";

const failure = (code: StoreErrorCode) => {
  const { status, message } = storeErrors[code];
  return new CallError(status, message);
};

describe("sending a call a second time", () => {
  it("is right for a write only when the answer says that it was not and will not be taken", () => {
    for (const code of ["NO_LEADER", "LEADER_CHANGED", "PROPOSAL_DROPPED"] as const)
      assert.equal(mayRetry(failure(code), "write"), true, code);
    for (const code of ["TIMEOUT", "TIMEOUT_LEADER_FAIL", "STOPPED", "TIMEOUT_LEADER_TRANSFER"] as const)
      assert.equal(mayRetry(failure(code), "write"), false, code);
    for (const status of ["UNAVAILABLE", "UNKNOWN", "DEADLINE_EXCEEDED"] as GrpcStatus[])
      assert.equal(mayRetry(new CallError(status, "the connection broke"), "write"), false, status);
    assert.equal(mayRetry(new CallError("UNAVAILABLE", "refused", { sent: false }), "write"), true);
  });

  it("takes a write to the next member when a leader that hands over dropped it", async () => {
    const ring = new EndpointRing(["a:1", "b:1"].map((url) => parseEndpoint(url)));
    const asked: string[] = [];
    const parts = { ring, clock: systemClock, random: new Prng(1) };
    const answer = await withFailover(parts, { effect: "write", timeoutMs: 60_000 }, async ({ url }) => {
      asked.push(url);
      if (asked.length < 4) throw failure("PROPOSAL_DROPPED");
      return "taken";
    });
    assert.equal(answer, "taken");
    assert.deepEqual(asked, ["a:1", "b:1", "a:1", "b:1"]);
  });

  it("leaves each member a share of the time to connect, and the last one all that is left", async () => {
    const clock = new ManualClock();
    const ring = new EndpointRing(["a:1", "b:1", "c:1"].map((url) => parseEndpoint(url)));
    const shares: number[] = [];
    const call = { effect: "write", timeoutMs: 9_000 } as const;
    await assert.rejects(
      withFailover({ ring, clock, random: new Prng(1) }, call, async (_, { timeoutMs, connectWithinMs }) => {
        shares.push(connectWithinMs);
        clock.jump(connectWithinMs);
        const status = connectWithinMs < timeoutMs ? "UNAVAILABLE" : "DEADLINE_EXCEEDED";
        throw new CallError(status, "nobody is there", { sent: false });
      }),
      { status: "DEADLINE_EXCEEDED" },
    );
    assert.deepEqual(shares, [3_000, 3_000, 3_000]);
  });

  it("goes elsewhere with the call after one that got no answer in time, be it a write", async () => {
    const ring = new EndpointRing(["a:1", "b:1"].map((url) => parseEndpoint(url)));
    const parts = { ring, clock: systemClock, random: new Prng(1) };
    const late = new CallError("DEADLINE_EXCEEDED", "the call's time is over");
    await assert.rejects(
      withFailover(parts, { effect: "write", timeoutMs: 9_000 }, () => Promise.reject(late)),
      late,
    );
    assert.equal(ring.current.url, "b:1");
  });

  it("ends with its client, also while it waits for another round", async () => {
    const closing = new AbortController();
    const clock = new ManualClock();
    const ring = new EndpointRing([parseEndpoint("a:1")]);
    const parts = { ring, clock, random: new Prng(1), closing: closing.signal };
    let asked = 0;
    const gone = new CallError("UNAVAILABLE", "nobody is there", { sent: false });
    const call = withFailover(parts, { effect: "read", timeoutMs: 9_000 }, async () => {
      asked += 1;
      throw gone;
    });
    const isOver = { status: "UNAVAILABLE", sent: false, message: "it is over" };
    const ended = assert.rejects(call, isOver);
    await new Promise(setImmediate);
    closing.abort(new Error("it is over"));
    await ended;
    await assert.rejects(
      withFailover(parts, { effect: "read", timeoutMs: 9_000 }, async () => asked++),
      isOver,
    );
    assert.equal(asked, 1);
  });
});
