import { strict as assert } from "node:assert";
import { ManualClock, settle } from "../../client/testing/manual-clock.ts";
import type { Container, Probe } from "../../client/types.ts";
import { RuntimeError } from "../runtime/seam.ts";
import { SimulatedRuntime } from "../runtime/simulated/runtime.ts";
import { Prober } from "./prober.ts";

const exec = (kind: string, more: Partial<Probe> = {}): Probe => ({ exec: { command: [kind] }, ...more });
const container = (more: Partial<Container>): Container => ({ name: "c", image: "i", ...more });

describe("Prober", () => {
  let clock: ManualClock;
  let runtime: SimulatedRuntime;
  let prober: Prober;
  /** Seconds at which each kind was tried. */
  let tried: [string, number][];
  /** Kinds that fail. */
  let failing: Set<string>;
  let changes: string[];
  let unhealthy: string[];

  beforeEach(() => {
    clock = new ManualClock();
    runtime = new SimulatedRuntime(clock);
    tried = [];
    failing = new Set();
    changes = [];
    unhealthy = [];
    runtime.onExec = (_id, [kind = ""]) => {
      tried.push([kind, clock.monotonicMs() / 1000]);
      return failing.has(kind) ? 1 : 0;
    };
    prober = new Prober(
      { runtime, clock, random: { uint32: () => 2 ** 31 } },
      {
        onChange: (uid) => changes.push(uid),
        onTrouble: (_uid, _name, { reason, message }) => unhealthy.push(`${reason}: ${message}`),
      },
    );
  });
  afterEach(() => {
    prober.stop();
    assert.equal(clock.pending, 0, "a timer was left behind");
  });
  const watch = (
    more: Partial<Container>,
    kept?: { started: boolean; ready: boolean },
    startedAtMs?: number,
  ) => prober.watch("p", "id", container(more), "10.0.0.1", kept, startedAtMs);
  const timesOf = (kind: string) => tried.filter(([one]) => one === kind).map(([, at]) => at);

  it("counts a container without probes as started and ready", () => {
    watch({});
    assert.deepEqual([prober.isStarted("id"), prober.isReady("id"), clock.pending], [true, true, 0]);
  });

  it("gives a command the container's variables whose values stand in the pod", async () => {
    const env = [
      { name: "A", value: "x" },
      { name: "B", valueFrom: { fieldRef: { fieldPath: "metadata.name" } } },
    ];
    watch({ env, livenessProbe: exec("$(A) $(B) $(C) $$(A)") });
    await clock.advance(0);
    assert.deepEqual(
      tried.map(([command]) => command),
      ["x  $(C) $(A)"],
    );
  });

  it("counts an unknown container as neither", () => {
    assert.deepEqual([prober.isStarted("id"), prober.isReady("id")], [false, false]);
  });

  it("keeps its verdict where the runtime cannot run the command, and says so", async () => {
    watch({ livenessProbe: exec("live", { periodSeconds: 1, failureThreshold: 2 }) });
    runtime.onExec = () => {
      throw new RuntimeError("the container runtime is down");
    };
    await clock.advance(10_000);
    assert.ok(unhealthy.length >= 5);
    assert.equal(prober.failureOf("id"), undefined);
    runtime.onExec = () => 1;
    await clock.advance(3_000);
    assert.equal(prober.failureOf("id")?.kind, "liveness");
  });

  it("waits for the initial delay, then keeps the period", async () => {
    watch({ readinessProbe: exec("ready", { initialDelaySeconds: 3, periodSeconds: 2 }) });
    await clock.advance(8_000);
    assert.deepEqual(timesOf("ready"), [3, 5, 7]);
  });

  it("counts the initial delay from the container's start", async () => {
    await clock.advance(10_000);
    const startedAtMs = clock.wallMs() - 2_000;
    watch({ readinessProbe: exec("ready", { initialDelaySeconds: 3 }) }, undefined, startedAtMs);
    await clock.advance(1_500);
    assert.deepEqual(timesOf("ready"), [11]);
  });

  it("tells of readiness once, not at each success", async () => {
    watch({ readinessProbe: exec("ready", { periodSeconds: 1 }) });
    assert.equal(prober.isReady("id"), false);
    await clock.advance(5_000);
    assert.equal(prober.isReady("id"), true);
    assert.deepEqual(changes, ["p"]);
  });

  it("needs as many results in a row as the thresholds say", async () => {
    const readinessProbe = exec("ready", { periodSeconds: 1, successThreshold: 2, failureThreshold: 3 });
    watch({ readinessProbe });
    await clock.advance(500);
    assert.equal(prober.isReady("id"), false, "one success is not enough");
    await clock.advance(1_000);
    assert.equal(prober.isReady("id"), true);
    failing.add("ready");
    await clock.advance(2_000);
    assert.equal(prober.isReady("id"), true, "two failures are not enough");
    failing.clear();
    await clock.advance(1_000);
    failing.add("ready");
    await clock.advance(2_000);
    assert.equal(prober.isReady("id"), true, "a success between begins the count anew");
    await clock.advance(1_000);
    assert.equal(prober.isReady("id"), false);
    assert.deepEqual(changes, ["p", "p"]);
    assert.equal(unhealthy.length, 5);
  });

  it("holds liveness and readiness back until the startup probe passed", async () => {
    failing.add("start");
    watch({
      startupProbe: exec("start", { periodSeconds: 1, failureThreshold: 10 }),
      livenessProbe: exec("live", { periodSeconds: 1 }),
      readinessProbe: exec("ready", { periodSeconds: 1 }),
    });
    await clock.advance(2_500);
    assert.deepEqual([timesOf("live"), timesOf("ready")], [[], []]);
    assert.equal(prober.isStarted("id"), false);
    failing.clear();
    await clock.advance(1_000);
    assert.equal(prober.isStarted("id"), true);
    assert.equal(prober.isReady("id"), true);
    await clock.advance(3_000);
    assert.deepEqual(timesOf("start"), [0, 1, 2, 3], "never again once it passed");
  });

  it("tells a failed liveness once, with why, and probes no more", async () => {
    failing.add("live");
    watch({ livenessProbe: exec("live", { periodSeconds: 1, failureThreshold: 2 }) });
    await clock.advance(10_000);
    assert.deepEqual(prober.failureOf("id"), { kind: "liveness" });
    assert.deepEqual([timesOf("live"), changes], [[0, 1], ["p"]]);
  });

  it("kills what does not start in time", async () => {
    failing.add("start");
    watch({ startupProbe: exec("start", { periodSeconds: 1, failureThreshold: 3 }) });
    await clock.advance(10_000);
    assert.deepEqual(prober.failureOf("id"), { kind: "startup" });
  });

  it("never has two tries of one probe at once", async () => {
    let open = 0;
    let most = 0;
    let tries = 0;
    runtime.execSync = async () => {
      tries++;
      most = Math.max(most, ++open);
      await new Promise<void>((resolve) => clock.after(2_500, resolve));
      open--;
      return { exitCode: 0, stdout: Buffer.alloc(0), stderr: Buffer.alloc(0), timedOut: false };
    };
    watch({ readinessProbe: exec("ready", { periodSeconds: 1, timeoutSeconds: 5 }) });
    await clock.advance(9_000);
    assert.equal(most, 1);
    assert.equal(tries, 4, "a slow one is tried again as soon as it ended");
    prober.stop();
    await clock.advance(10_000);
  });

  it("hands on the timeout and takes one for a failure", async () => {
    let givenMs = 0;
    runtime.execSync = async (_id: string, _command: readonly string[], timeoutMs?: number) => {
      givenMs = timeoutMs ?? 0;
      return { exitCode: 0, stdout: Buffer.alloc(0), stderr: Buffer.alloc(0), timedOut: true };
    };
    watch({ readinessProbe: exec("ready", { timeoutSeconds: 4 }) });
    await clock.advance(1);
    assert.deepEqual(
      [givenMs, prober.isReady("id"), unhealthy],
      [4_000, false, ['Unhealthy: Readiness probe failed: command timed out: "ready" timed out after 4s']],
    );
  });

  it("keeps what was reported before the agent restarted, and spreads the first tries", async () => {
    watch({ readinessProbe: exec("ready", { periodSeconds: 10 }) }, { started: true, ready: true });
    assert.equal(prober.isReady("id"), true);
    await clock.advance(4_999);
    assert.deepEqual(tried, []);
    await clock.advance(1);
    assert.deepEqual(timesOf("ready"), [5]);
    assert.deepEqual(changes, []);
  });

  it("probes a container whose status was reported before it was watched", async () => {
    // Its first status said started: false, since the prober did not know it yet.
    watch({ readinessProbe: exec("ready", { periodSeconds: 1 }) }, { started: false, ready: false });
    assert.equal(prober.isStarted("id"), true);
    await clock.advance(1_000);
    assert.equal(prober.isReady("id"), true);
  });

  it("drops the answer of a container that went meanwhile", async () => {
    let answer = () => {};
    runtime.execSync = async () => {
      await new Promise<void>((resolve) => {
        answer = resolve;
      });
      return { exitCode: 1, stdout: Buffer.alloc(0), stderr: Buffer.alloc(0), timedOut: false };
    };
    watch({ livenessProbe: exec("live", { failureThreshold: 1 }) });
    await clock.advance(0);
    await clock.advance(1);
    prober.keepOnly("p", new Set());
    answer();
    await settle();
    assert.deepEqual([changes, unhealthy, prober.failureOf("id")], [[], [], undefined]);
  });
});
