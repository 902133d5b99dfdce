import assert from "node:assert/strict";
import { RateLimiter } from "./rate-limiter.ts";

describe("rates of requests", () => {
  const limits = { owner: "ns/web", requests: [{ perSecond: 2, atOnce: 3 }], except: [] };

  it("are bounded for each client: so many at once, and so many a second then", () => {
    const limiter = new RateLimiter();
    const asked = (client: string, nowMs: number, times: number) =>
      Array.from({ length: times }, () => limiter.admits(client, limits, nowMs)).filter(Boolean).length;
    assert.equal(asked("a", 0, 10), 3);
    assert.equal(asked("b", 0, 1), 1, "another client");
    assert.equal(asked("a", 499, 10), 0);
    assert.equal(asked("a", 500, 10), 1, "what was refused does not count");
    assert.equal(asked("a", 60_000, 10), 3, "no more than at once are saved");
  });

  it("hold together, and for each Ingress apart", () => {
    const limiter = new RateLimiter();
    const both = {
      ...limits,
      requests: [
        { perSecond: 100, atOnce: 100 },
        { perSecond: 1 / 60, atOnce: 2 },
      ],
    };
    const asked = [1, 2, 3].map(() => limiter.admits("a", both, 0));
    assert.deepEqual(asked, [true, true, false]);
    assert.equal(limiter.admits("a", { ...both, owner: "ns/other" }, 0), true);
  });

  it("are forgotten of clients that are too many", () => {
    const limiter = new RateLimiter();
    for (let at = 0; at < 60_000; at++) limiter.admits(`client ${at}`, limits, 0);
    assert.ok(limiter.remembered <= 50_000, String(limiter.remembered));
  });
});
