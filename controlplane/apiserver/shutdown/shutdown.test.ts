import assert from "node:assert/strict";
import type { Clock } from "../../../base/os/clock.ts";
import { requestTimeoutMs } from "../filters/request-timeout.ts";
import { type ShutdownConfig, shutdownAtOnce } from "./flags.ts";
import { type Guest, Shutdown } from "./shutdown.ts";

/** A clock that goes on when told. */
class HandClock implements Clock {
  #nowMs = 0;
  readonly #due = new Set<{ readonly atMs: number; readonly fire: () => void }>();
  monotonicMs = () => this.#nowMs;
  wallMs = () => this.#nowMs;
  after(delayMs: number, fire: () => void): () => void {
    const timer = { atMs: this.#nowMs + delayMs, fire };
    this.#due.add(timer);
    return () => void this.#due.delete(timer);
  }
  /** Lets what is due happen, and what follows from it. */
  async pass(ms: number): Promise<void> {
    const untilMs = this.#nowMs + ms;
    for (;;) {
      await new Promise((resolve) => setImmediate(resolve));
      const next = [...this.#due].sort((a, b) => a.atMs - b.atMs)[0];
      if (next === undefined || next.atMs > untilMs) break;
      this.#due.delete(next);
      this.#nowMs = next.atMs;
      next.fire();
    }
    this.#nowMs = untilMs;
  }
}

describe("the stages of an API server's end", () => {
  const build = (config: Partial<ShutdownConfig>, uint32 = 2 ** 32 - 1) => {
    const clock = new HandClock();
    const shutdown = new Shutdown(
      { ...shutdownAtOnce, ...config },
      { clock, random: { uint32: () => uint32 } },
    );
    const seen: string[] = [];
    const enter = (kind: Guest["kind"], name: string, headersSent = false) => {
      const response = { headersSent, shouldKeepAlive: true };
      const leave = shutdown.enter({
        kind,
        response,
        end: () => {
          seen.push(`${name} ends`);
          leave();
        },
      });
      return { response, leave };
    };
    const run = () => {
      const stages = {
        withdraw: async () => void seen.push("withdrawn"),
        stopListening: () => void seen.push("closed"),
      };
      return shutdown.run(stages).then(() => void seen.push("over"));
    };
    return { clock, shutdown, seen, enter, run };
  };

  it("serves as before during the delay, then closes, ends what lasts, and waits for short requests", async () => {
    const { clock, shutdown, seen, enter, run } = build({ delayMs: 5000 });
    const short = enter("short", "short");
    enter("watch", "watch", true);
    enter("lasting", "session", true);
    const running = run();
    await clock.pass(4999);
    assert.deepEqual([shutdown.isAnnounced, shutdown.draining.aborted, seen], [true, false, ["withdrawn"]]);
    assert.equal(shutdown.refusal("/api/v1/pods", "kubectl"), undefined);
    await clock.pass(1);
    assert.deepEqual(seen, ["withdrawn", "closed", "session ends", "watch ends"]);
    assert.equal(short.response.shouldKeepAlive, false);
    assert.equal(shutdown.refusal("/api/v1/pods", "kubectl")?.error.code, 503);
    short.leave();
    await running;
    assert.equal(seen.at(-1), "over");
  });

  it("with Retry-After closes the port after the last short request, and lets probes in without waiting for them", async () => {
    const { clock, shutdown, seen, enter, run } = build({ sendsRetryAfter: true });
    const short = enter("short", "short");
    const running = run();
    await clock.pass(0);
    assert.deepEqual(seen, ["withdrawn"]);
    const late = shutdown.refusal("/api/v1/pods", "kubectl");
    assert.deepEqual([late?.error.code, late?.retryAfterSeconds], [429, 5]);
    for (const path of ["/readyz", "/livez/etcd", "/healthz", "/metrics"])
      assert.equal(shutdown.refusal(path, "kubectl"), undefined);
    assert.equal(shutdown.refusal("/api", "kube-apiserver/v1.36.3"), undefined);
    const probe = enter("short", "probe");
    short.leave();
    await running;
    assert.deepEqual([seen, probe.response.shouldKeepAlive], [["withdrawn", "closed", "over"], false]);
  });

  it("cuts short requests that take longer than any may", async () => {
    const { clock, seen, enter, run } = build({});
    enter("short", "slow");
    const running = run();
    await clock.pass(requestTimeoutMs - 1);
    assert.deepEqual(seen, ["withdrawn", "closed"]);
    await clock.pass(1);
    await running;
    assert.deepEqual(seen.slice(2), ["slow ends", "over"]);
  });

  it("spreads the ends of watches over their grace, 200 a second at least", async () => {
    const { clock, seen, enter, run } = build({ watchGraceMs: 10_000 });
    for (let n = 0; n < 30; n++) enter("watch", "watch", true);
    const running = run();
    const ended = () => seen.filter((what) => what === "watch ends").length;
    await clock.pass(0);
    assert.equal(ended(), 10);
    await clock.pass(50);
    assert.equal(ended(), 20);
    await clock.pass(50);
    await running;
    assert.equal(ended(), 30);
  });

  it("does not wait for ever for a store that does not take the endpoint away", async () => {
    const { clock, shutdown } = build({});
    let closed = false;
    const running = shutdown.run({
      withdraw: () => new Promise(() => {}),
      stopListening: () => {
        closed = true;
      },
    });
    await clock.pass(2000);
    await running;
    assert.ok(closed);
  });

  it("ends the connections of as many answers as the chance says", () => {
    assert.equal(
      build({ goawayChance: 0.02 }, 0.01 * 2 ** 32).enter("short", "a").response.shouldKeepAlive,
      false,
    );
    assert.equal(
      build({ goawayChance: 0.02 }, 0.03 * 2 ** 32).enter("short", "a").response.shouldKeepAlive,
      true,
    );
    assert.equal(build({}, 0).enter("short", "a").response.shouldKeepAlive, true);
  });
});
