import assert from "node:assert/strict";
import type { Clock } from "../../base/os/clock.ts";
import { type Meanwhile, paced } from "./paced.ts";

const pace = { bytesPerSecond: 1_000_000, workPerSecond: 100 };
const chunkBytes = 10_000;

/** How long it takes to take all of `chunks`, each of which takes a millisecond itself. */
async function tookMs(count: number, at: (ms: number) => { work: number; pressed?: true }): Promise<number> {
  let nowMs = 0;
  const clock: Clock = {
    monotonicMs: () => nowMs,
    wallMs: () => nowMs,
    after: (delayMs, fire) => {
      assert.ok(delayMs <= 100, `waits ${delayMs} ms at a stretch`);
      nowMs += delayMs;
      queueMicrotask(fire);
      return () => undefined;
    },
  };
  const meanwhile: Meanwhile = {
    clock,
    work: () => at(nowMs).work,
    isPressed: () => at(nowMs).pressed === true,
  };
  async function* chunks() {
    for (let n = 0; n < count; n++) yield new Uint8Array(chunkBytes);
  }
  let taken = 0;
  for await (const chunk of paced(chunks(), pace, meanwhile)) {
    nowMs += 1;
    taken += chunk.length;
  }
  assert.equal(taken, count * chunkBytes);
  return nowMs;
}

describe("store/driver: the pace of a snapshot", () => {
  it("is kept while there is other work", async () => {
    const ms = await tookMs(500, (nowMs) => ({ work: nowMs })); // a thousand a second
    assert.ok(ms >= 4_990 && ms <= 5_010, `${ms} ms`);
  });

  it("is that of who takes it while there is none, but for the time it takes to know", async () => {
    const ms = await tookMs(500, (nowMs) => ({ work: nowMs / 20 }));
    assert.ok(ms >= 500 && ms <= 600, `${ms} ms`);
  });

  it("changes when other work begins and ends", async () => {
    const ms = await tookMs(500, (nowMs) => ({ work: Math.min(Math.max(0, nowMs - 200), 1_000) * 10 }));
    assert.ok(ms >= 1_300 && ms <= 1_600, `${ms} ms`); // some 300 chunks before and after, a hundred within
  });

  it("is left when the end must come soon", async () => {
    const ms = await tookMs(500, (nowMs) => ({ work: nowMs, ...(nowMs > 1_000 && { pressed: true }) }));
    assert.ok(ms >= 1_390 && ms <= 1_410, `${ms} ms`);
  });

  it("keeps no one waiting long for a large chunk", async () => {
    const large = async function* () {
      yield new Uint8Array(50 * 1024 * 1024);
    };
    let waitedMs = 0;
    const clock: Clock = {
      monotonicMs: () => waitedMs,
      wallMs: () => waitedMs,
      after: (delayMs, fire) => {
        waitedMs += delayMs;
        queueMicrotask(fire);
        return () => undefined;
      },
    };
    for await (const _ of paced(large(), pace, { clock, work: () => 1, isPressed: () => false }));
    assert.equal(waitedMs, 100);
  });
});
