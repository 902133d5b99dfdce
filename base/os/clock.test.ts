import assert from "node:assert/strict";
import { sleep, systemClock } from "./clock.ts";

describe("base/os/clock", () => {
  it("does not fire at once what is due in months", async () => {
    let fired = false;
    const cancels = [2 ** 31, 1e12, Number.MAX_SAFE_INTEGER].map((delayMs) =>
      systemClock.after(delayMs, () => {
        fired = true;
      }),
    );
    await sleep(systemClock, 20);
    assert.equal(fired, false);
    for (const cancel of cancels) cancel();
  });
});
