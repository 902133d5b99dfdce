import assert from "node:assert/strict";
import type { GrpcStatus } from "../../base/grpc/status.ts";
import { systemClock } from "../../base/os/clock.ts";
import { Prng } from "../../base/os/random.ts";
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
});
