import assert from "node:assert/strict";
import { MetricsRegistry } from "../../../base/os/metrics.ts";
import { Prng } from "../../../base/os/random.ts";
import { ManualClock, settle } from "../../../client/testing/manual-clock.ts";
import { type Authenticated, AuthenticationError } from "./authenticator.ts";
import { keptVerdictMetrics, keptVerdicts } from "./kept-verdicts.ts";

describe("verdicts on tokens", () => {
  let clock: ManualClock;
  let meter: MetricsRegistry;
  let asked: string[];
  let answer: () => Promise<Authenticated | undefined>;
  beforeEach(() => {
    clock = new ManualClock();
    meter = new MetricsRegistry();
    asked = [];
    answer = async () => jane;
  });
  const jane: Authenticated = { user: { name: "jane", groups: [] }, audiences: ["api"] };
  const keeping = (keepMs = { known: 10_000, unknown: 0 }) =>
    keptVerdicts(
      (token, audiences) => {
        asked.push(`${token} ${audiences}`);
        return answer();
      },
      keepMs,
      { clock, random: new Prng(1), metrics: keptVerdictMetrics(meter) },
    );

  it("are used again by token and audiences, for a while", async () => {
    const known = keeping();
    for (let n = 0; n < 3; n++) assert.equal(await known("a", ["api"]), jane);
    await known("a", ["other"]);
    await known("a", undefined);
    await known("b", ["api"]);
    assert.deepEqual(asked, ["a api", "a other", "a undefined", "b api"]);
    await clock.advance(9_999);
    await known("a", ["api"]);
    assert.equal(asked.length, 4);
    await clock.advance(1);
    await known("a", ["api"]);
    assert.equal(asked.length, 5);
  });

  it("are not used once what they rest on has changed", async () => {
    const endsMs = clock.wallMs() + 5_000;
    answer = async () => ({ ...jane, holdsAt: (wallMs) => wallMs < endsMs });
    const known = keeping();
    await known("a", undefined);
    await clock.advance(4_999);
    await known("a", undefined);
    assert.equal(asked.length, 1);
    await clock.advance(1);
    await known("a", undefined);
    assert.equal(asked.length, 2);
  });

  it("that nobody is known are kept as long as is said, and failures never", async () => {
    answer = async () => undefined;
    const [forgetting, keepingAll] = [keeping(), keeping({ known: 1, unknown: 10_000 })];
    for (let n = 0; n < 2; n++) await forgetting("a", undefined);
    assert.equal(asked.length, 2);
    for (let n = 0; n < 2; n++) assert.equal(await keepingAll("b", undefined), undefined);
    assert.equal(asked.length, 3);
    answer = () => Promise.reject(new AuthenticationError("revoked"));
    for (let n = 0; n < 2; n++) await assert.rejects(keepingAll("c", undefined), /revoked/);
    assert.equal(asked.length, 5);
  });

  it("are waited for together by all who show the token at once", async () => {
    let say: (found: Authenticated) => void = () => undefined;
    answer = () => new Promise((resolve) => (say = resolve));
    const known = keeping();
    const all = Promise.all([known("a", undefined), known("a", undefined), known("a", undefined)]);
    await settle();
    assert.match(await meter.text(), /active_fetch_count\{status="in_flight"\} 1\n/);
    assert.match(await meter.text(), /active_fetch_count\{status="blocked"\} 3\n/);
    say(jane);
    assert.deepEqual(await all, [jane, jane, jane]);
    assert.equal(asked.length, 1);
    await known("a", undefined);
    const text = await meter.text();
    assert.match(text, /request_total\{status="hit"\} 1\n/);
    assert.match(text, /request_total\{status="miss"\} 3\n/);
    assert.match(text, /fetch_total\{status="ok"\} 1\n/);
    assert.match(text, /active_fetch_count\{status="blocked"\} 0\n/);
  });

  it("are bounded in number: the oldest go first", async () => {
    const known = keeping();
    for (let n = 0; n <= 16_384; n++) await known(`${n}`, undefined);
    asked = [];
    await known("1", undefined);
    assert.deepEqual(asked, []);
    await known("0", undefined);
    assert.equal(asked.length, 1);
  });
});
