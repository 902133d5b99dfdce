import assert from "node:assert/strict";
import fc from "fast-check";
import type { Clock } from "../base/os/clock.ts";
import { sleep } from "../base/os/clock.ts";
import { silentLog } from "../base/os/log.ts";
import { below, chance, Prng } from "../base/os/random.ts";
import { ConnectionError } from "./api-error.ts";
import { claim, decide, defaultElectionTimes, electionTimesProblems, observe, release } from "./election.ts";
import { type ElectionDeps, LeaderElector } from "./leader-election.ts";
import { resources } from "./resources.ts";
import { FakeApi } from "./testing/fake-api.ts";
import { ManualClock, settle } from "./testing/manual-clock.ts";

const times = { leaseDurationMs: 3_000, renewDeadlineMs: 2_000, retryPeriodMs: 500 };
/** A quarter of what lies between the deadlines before the lease's end. */
const takeoverAfterMs = 2_750;

/** A clock that began at another time, shows another date, and runs a little fast or slow. */
function skewed(clock: ManualClock, options: { offsetMs: number; rate: number }): Clock {
  return {
    monotonicMs: () => clock.monotonicMs() * options.rate + options.offsetMs,
    wallMs: () => clock.wallMs() * options.rate - 1000 * options.offsetMs,
    after: (delayMs, fire) => clock.after(delayMs / options.rate, fire),
  };
}

interface Candidate {
  readonly identity: string;
  readonly elector: LeaderElector;
  readonly stop: AbortController;
  readonly done: Promise<void>;
}

describe("client/leader-election", () => {
  it("never has two leaders, whatever the network and the clocks do, and has one soon after they behave", async () => {
    await fc.assert(
      fc.asyncProperty(fc.integer(), fc.integer({ min: 2, max: 3 }), async (seed, count) => {
        const random = new Prng(seed);
        const clock = new ManualClock();
        const api = new FakeApi();
        let trouble = true;
        api.intercept = async () => {
          if (!trouble) return undefined;
          await sleep(clock, below(random, chance(random, 0.1) ? 2_500 : 50));
          if (chance(random, 0.15)) throw new ConnectionError("lost on the way", { neverSent: true });
          if (!chance(random, 0.15))
            return { after: () => sleep(clock, below(random, chance(random, 0.1) ? 1_900 : 50)) };
          const after = async () => {
            await sleep(clock, below(random, 3_000));
            throw new ConnectionError("the answer was lost", { neverSent: false });
          };
          return { after };
        };
        const cutOff = new Set<string>();
        const through = async <T>(identity: string, call: () => Promise<T>): Promise<T> => {
          if (trouble && cutOff.has(identity)) throw new ConnectionError("cut off", { neverSent: true });
          return call();
        };
        const working = new Set<string>();
        const start = (identity: string): Candidate => {
          const own = skewed(clock, { offsetMs: below(random, 1e6), rate: 0.95 + below(random, 100) / 1000 });
          const stop = new AbortController();
          const onStartedLeading = (signal: AbortSignal) => {
            working.add(identity);
            return new Promise<void>((resolve) => {
              signal.addEventListener("abort", () => {
                working.delete(identity);
                resolve();
              });
            });
          };
          const client: ElectionDeps["client"] = {
            get: (resource, ref) => through(identity, () => api.get(resource, ref)),
            create: (resource, object) => through(identity, () => api.create(resource, object)),
            update: (resource, object) => through(identity, () => api.update(resource, object)),
            watch: (resource, options, signal) => api.watch(resource, options, signal),
          };
          const deps = { client, clock: own, random, log: silentLog };
          const elector = new LeaderElector({ name: "l", identity, times, onStartedLeading }, deps);
          return { identity, elector, stop, done: elector.run(stop.signal) };
        };
        let candidates = Array.from({ length: count }, (_, i) => start(`c${i}`));
        const check = () => {
          const leaders = candidates.filter(({ elector }) => elector.isLeader).length;
          assert.ok(leaders <= 1, `${leaders} leaders at ${clock.monotonicMs()}`);
          assert.ok(working.size <= 1, `at work: ${[...working]}`);
        };
        for (let tick = 0; tick < 300; tick++) {
          await clock.advance(below(random, 200));
          check();
          if (chance(random, 0.05)) for (const { identity } of candidates) cutOff.delete(identity);
          if (chance(random, 0.05))
            for (const { identity, elector } of candidates) if (elector.isLeader) cutOff.add(identity);
          if (chance(random, 0.02)) {
            const [first, ...rest] = candidates;
            first?.stop.abort(new Error("stopped"));
            await clock.advance(10_000);
            await first?.done;
            candidates = [...rest, start(`r${tick}`)];
          }
        }
        trouble = false;
        await clock.advance(10_000);
        check();
        assert.equal(candidates.filter(({ elector }) => elector.isLeader).length, 1);
        for (const { stop } of candidates) stop.abort(new Error("stopped"));
        await clock.advance(10_000);
        await Promise.all(candidates.map(({ done }) => done));
        assert.equal(clock.pending, 0);
      }),
      { numRuns: 30 },
    );
  });

  it("gives the lease up on a clean stop: the next, which watches, takes it at once", async () => {
    const clock = new ManualClock();
    const api = new FakeApi();
    const random = new Prng(1);
    const run = (identity: string) => {
      const stop = new AbortController();
      const elector = new LeaderElector(
        {
          name: "l",
          identity,
          times,
          onStartedLeading: (signal) =>
            new Promise((resolve) => signal.addEventListener("abort", () => resolve(), { once: true })),
        },
        { client: api, clock, random, log: silentLog },
      );
      return { elector, stop, done: elector.run(stop.signal) };
    };
    const first = run("first");
    await clock.advance(100);
    const second = run("second");
    await clock.advance(5_000);
    assert.deepEqual([first.elector.isLeader, second.elector.isLeader], [true, false]);
    first.stop.abort(new Error("stopped"));
    await first.done;
    await settle();
    assert.equal(second.elector.isLeader, true);
    assert.equal(api.all(resources.leases)[0]?.spec?.leaseTransitions, 1);
    second.stop.abort(new Error("stopped"));
    await settle();
    await second.done;
  });

  it("takes over before a dead leader's lease has run out, at the moment that is safe, without asking meanwhile", async () => {
    const clock = new ManualClock();
    const api = new FakeApi();
    let firstIsCut = false;
    let renewedMs = 0;
    let requests = 0;
    const start = (identity: string, seed: number) => {
      const guard = async <T>(call: () => Promise<T>): Promise<T> => {
        if (identity === "first" && firstIsCut) throw new ConnectionError("dead", { neverSent: true });
        if (identity === "first") renewedMs = clock.monotonicMs();
        return call();
      };
      const client: ElectionDeps["client"] = {
        get: (resource, ref) => {
          requests++;
          return api.get(resource, ref);
        },
        create: (resource, object) => guard(() => api.create(resource, object)),
        update: (resource, object) => guard(() => api.update(resource, object)),
        watch: (resource, options, signal) => api.watch(resource, options, signal),
      };
      const onStartedLeading = (signal: AbortSignal) =>
        new Promise<void>((resolve) => signal.addEventListener("abort", () => resolve(), { once: true }));
      const deps = { client, clock, random: new Prng(seed), log: silentLog };
      const elector = new LeaderElector({ name: "l", identity, times, onStartedLeading }, deps);
      const stop = new AbortController();
      return { elector, stop, done: elector.run(stop.signal) };
    };
    const first = start("first", 1);
    await clock.advance(10);
    const second = start("second", 2);
    await clock.advance(2_345);
    firstIsCut = true;
    const asked = requests;
    await clock.advance(renewedMs + takeoverAfterMs - clock.monotonicMs() - 1);
    assert.deepEqual([first.elector.isLeader, second.elector.isLeader], [false, false]);
    assert.equal(requests, asked, "who waits asks nothing");
    await clock.advance(5);
    assert.equal(second.elector.isLeader, true);
    for (const { stop, done } of [first, second]) {
      stop.abort(new Error("stopped"));
      await clock.advance(3_000);
      await done;
    }
    assert.equal(clock.pending, 0);
  });

  it("waits for a leader whose lease somebody deleted", async () => {
    const clock = new ManualClock();
    const api = new FakeApi();
    const start = (identity: string, client: ElectionDeps["client"]) => {
      const onStartedLeading = (signal: AbortSignal) =>
        new Promise<void>((resolve) => signal.addEventListener("abort", () => resolve(), { once: true }));
      const deps = { client, clock, random: new Prng(1), log: silentLog };
      const elector = new LeaderElector({ name: "l", identity, times, onStartedLeading }, deps);
      const stop = new AbortController();
      return { elector, stop, done: elector.run(stop.signal) };
    };
    let cut = false;
    const cuttable = async <T>(call: () => Promise<T>): Promise<T> => {
      if (cut) throw new ConnectionError("cut off", { neverSent: true });
      return call();
    };
    const first = start("first", {
      get: (resource, ref) => cuttable(() => api.get(resource, ref)),
      create: (resource, object) => cuttable(() => api.create(resource, object)),
      update: (resource, object) => cuttable(() => api.update(resource, object)),
      watch: (resource, options, signal) => api.watch(resource, options, signal),
    });
    await clock.advance(100);
    const second = start("second", api);
    await clock.advance(100);
    cut = true;
    await api.delete(resources.leases, { name: "l", namespace: "kube-system" });
    for (let tick = 0; tick < 40; tick++) {
      await clock.advance(100);
      assert.ok(!(first.elector.isLeader && second.elector.isLeader), "two lead");
    }
    assert.equal(second.elector.isLeader, true);
    cut = false;
    for (const { stop, done } of [first, second]) {
      stop.abort(new Error("stopped"));
      await clock.advance(3_000);
      await done;
    }
  });

  it("gives the lease up although the stop cut off a renewal that was written", async () => {
    const clock = new ManualClock();
    const api = new FakeApi();
    const onStartedLeading = (signal: AbortSignal) =>
      new Promise<void>((resolve) => signal.addEventListener("abort", () => resolve(), { once: true }));
    const stop = new AbortController();
    let renewals = 0;
    const client: ElectionDeps["client"] = {
      get: (resource, ref) => api.get(resource, ref),
      create: (resource, object) => api.create(resource, object),
      update: async (resource, object) => {
        const written = await api.update(resource, object);
        if (renewals++ > 0) return written;
        stop.abort(new Error("stopped"));
        throw stop.signal.reason; // as a request does whose signal aborts before the answer
      },
      watch: (resource, options, signal) => api.watch(resource, options, signal),
    };
    const deps = { client, clock, random: new Prng(1), log: silentLog };
    const elector = new LeaderElector({ name: "l", identity: "x", times, onStartedLeading }, deps);
    const done = elector.run(stop.signal);
    await clock.advance(1_000);
    await done;
    assert.equal(renewals, 2);
    assert.equal(api.all(resources.leases)[0]?.spec?.holderIdentity, "");
  });

  it("counts its term from before the renewal left, not from the late answer", async () => {
    const clock = new ManualClock();
    const api = new FakeApi();
    api.intercept = async ({ verb }) =>
      verb === "create" ? { after: () => sleep(clock, 1_500) } : undefined;
    const onStartedLeading = (signal: AbortSignal) =>
      new Promise<void>((resolve) => signal.addEventListener("abort", () => resolve(), { once: true }));
    const deps = { client: api, clock, random: new Prng(1), log: silentLog };
    const elector = new LeaderElector({ name: "l", identity: "x", times, onStartedLeading }, deps);
    const stop = new AbortController();
    const done = elector.run(stop.signal);
    await clock.advance(1_500);
    assert.equal(elector.isLeader, true);
    api.intercept = async () => {
      throw new ConnectionError("away", { neverSent: true });
    };
    await clock.advance(499);
    assert.equal(elector.isLeader, true);
    await clock.advance(1);
    assert.equal(elector.isLeader, false);
    stop.abort(new Error("stopped"));
    await done;
  });

  it("reports the failure of the leader's work", async () => {
    const clock = new ManualClock();
    const elector = new LeaderElector(
      {
        name: "l",
        identity: "x",
        times,
        onStartedLeading: async () => {
          throw new Error("no such luck");
        },
      },
      { client: new FakeApi(), clock, random: new Prng(1), log: silentLog },
    );
    const done = elector.run(new AbortController().signal);
    done.catch(() => undefined);
    await clock.advance(1_000);
    await assert.rejects(done, /no such luck/);
    assert.equal(elector.isLeader, false);
  });

  it("decides by what changed locally, not by the times in the record", () => {
    const spec = claim(undefined, "other", times, { wallMs: Date.UTC(2030, 1, 1), isRenewal: false });
    const seen = observe(undefined, { spec, resourceVersion: "1" }, 1_000);
    assert.deepEqual(decide(seen, "me", times, 3_749), { action: "wait", holder: "other" });
    assert.deepEqual(decide(seen, "me", times, 3_750), { action: "write", resourceVersion: "1" });
    const longer = observe(
      undefined,
      { spec: { ...spec, leaseDurationSeconds: 4 }, resourceVersion: "1" },
      0,
    );
    assert.deepEqual(decide(longer, "me", times, 3_999), { action: "wait", holder: "other" });
    const same = observe(seen, { spec, resourceVersion: "1" }, 3_000);
    assert.equal(same.sinceMs, 1_000);
    const renewed = observe(seen, { spec, resourceVersion: "2" }, 3_000);
    assert.deepEqual(decide(renewed, "me", times, 4_000), { action: "wait", holder: "other" });
    const released = observe(seen, { spec: release(spec, 0), resourceVersion: "3" }, 3_000);
    assert.equal(decide(released, "me", times, 3_000).action, "write");
    assert.equal(decide(undefined, "me", times, 0).action, "create");
  });

  it("refuses times under which two could lead", () => {
    assert.deepEqual(electionTimesProblems(defaultElectionTimes), []);
    assert.equal(
      electionTimesProblems({ leaseDurationMs: 10_000, renewDeadlineMs: 10_000, retryPeriodMs: 1 }).length,
      1,
    );
    assert.equal(
      electionTimesProblems({ leaseDurationMs: 1_500, renewDeadlineMs: 1_000, retryPeriodMs: 900 }).length,
      2,
    );
  });
});
