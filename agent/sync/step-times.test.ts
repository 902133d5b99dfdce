import assert from "node:assert/strict";
import { ManualClock } from "../../client/testing/manual-clock.ts";
import { StepTimer } from "./step-times.ts";

describe("agent/sync/step-times", () => {
  it("tells how long each step took, also of one that failed; the first makes the pod", async () => {
    const clock = new ManualClock();
    const told: unknown[] = [];
    const stepTimes = { observe: (...one: unknown[]) => void told.push(one) };
    const timer = new StepTimer({ os: { clock }, stepTimes });
    const step = async (ms: number) => {
      await clock.advance(ms);
      return ms;
    };
    assert.equal(await timer.time(() => step(2_000)), 2_000);
    await assert.rejects(
      timer.time(async () => {
        await step(500);
        throw new Error("no");
      }),
    );
    assert.deepEqual(told, [
      [{ operation_type: "create" }, 2],
      [{ operation_type: "sync" }, 0.5],
    ]);
  });
});
