import { strict as assert } from "node:assert";
import { mkdtemp, readdir, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { ManualClock } from "../../../client/testing/manual-clock.ts";
import type { ContainerState, RuntimeContainer } from "../seam.ts";
import { sandboxConfig } from "../suite-configs.ts";
import { KnownPods } from "./known.ts";
import { rotateLogs } from "./log-rotation.ts";
import { StopTimers } from "./stop-timers.ts";

const config = sandboxConfig("p");
const running: ContainerState = { phase: "running", startedAtMs: 1 };
const exited: ContainerState = {
  phase: "exited",
  startedAtMs: 1,
  finishedAtMs: 2,
  exitCode: 3,
  signal: 0,
  reason: "Error",
  message: "",
};
const container = (id: string, state: ContainerState): RuntimeContainer => ({
  id,
  sandboxId: "s",
  pod: config.pod,
  name: "c",
  attempt: 0,
  image: "i",
  imageId: "i",
  logPath: "/l",
  annotations: {},
  createdAtMs: 1,
  state,
});

describe("what a runtime is known to have", () => {
  let known: KnownPods;
  let heard: string[];
  beforeEach(() => {
    known = new KnownPods();
    heard = [];
    known.subscribe(({ kind, id }) => heard.push(`${kind} ${id}`));
  });

  it("goes one way, whatever order answers come in, and an end is told of once", () => {
    known.takeContainer(container("a", { phase: "created" }));
    known.takeContainer(container("a", running));
    known.takeContainer(container("a", { phase: "created" }));
    assert.equal(known.container("a")?.state.phase, "running");
    known.takeContainer(container("a", exited));
    known.takeContainer(container("a", running));
    known.takeContainer(container("a", exited));
    assert.equal(known.container("a")?.state.phase, "exited");
    assert.deepEqual(heard, ["container-exited a"]);
  });

  it("does not tell of ends that were there before", () => {
    known.takeContainer(container("a", exited));
    assert.deepEqual(heard, []);
  });

  it("keeps what came after a question was asked, and loses the rest that its answer lacks", () => {
    known.question();
    known.takeContainer(container("old", running));
    const question = known.question();
    known.takeContainer(container("new", running));
    known.keepOnly(question, new Set());
    assert.deepEqual(
      known.containers().map(({ id }) => id),
      ["new"],
    );
    assert.deepEqual(heard, ["container-exited old"]);
  });

  it("tells of a sandbox that ended, once", () => {
    const sandbox = { id: "s", config, createdAtMs: 1, isReady: true, podIp: "10.0.0.1" };
    known.takeSandbox(sandbox);
    known.takeSandbox({ ...sandbox, isReady: false, podIp: "" });
    known.takeSandbox(sandbox);
    assert.deepEqual([known.sandbox("s")?.isReady, known.sandbox("s")?.podIp], [false, "10.0.0.1"]);
    assert.deepEqual(heard, ["sandbox-ended s"]);
  });
});

describe("stopping by a runtime", () => {
  const rig = () => {
    const clock = new ManualClock();
    const done: string[] = [];
    let isOver = false;
    const order = (graceSeconds: number, signal?: AbortSignal) => ({
      graceSeconds,
      signal,
      ask: async () => void done.push("ask"),
      kill: async () => {
        done.push("kill");
        isOver = true;
      },
      isOver: () => isOver,
    });
    return { clock, done, order, stops: new StopTimers(clock) };
  };

  it("asks once, and kills at the sooner end", async () => {
    const { clock, done, order, stops } = rig();
    const all = [stops.stop("a", order(600)), stops.stop("a", order(2)), stops.stop("a", order(900))];
    await clock.advance(1_999);
    assert.deepEqual(done, ["ask"]);
    await clock.advance(1);
    await Promise.all(all);
    assert.deepEqual(done, ["ask", "kill"]);
  });

  it("kills no more once nobody waits", async () => {
    const { clock, done, order, stops } = rig();
    const abort = new AbortController();
    const stopping = stops.stop("a", order(2, abort.signal));
    abort.abort(new Error("enough"));
    await assert.rejects(stopping, /enough/);
    await clock.advance(10_000);
    assert.deepEqual(done, ["ask"]);
  });

  it("says so when killing does not end it", async () => {
    const { clock, order, stops } = rig();
    const stuck = { ...order(0), kill: () => Promise.reject(new Error("no")), isOver: () => false };
    const stopping = stops.stop("a", stuck);
    stopping.catch(() => undefined); // heard below
    await clock.advance(0);
    await assert.rejects(stopping, /container a does not end/);
  });
});

describe("logs that a runtime writes", () => {
  it("are renamed once they are long, the oldest dropped, and taken back where no other can be begun", async () => {
    const dir = await mkdtemp(join(tmpdir(), "pintle-rotate-"));
    const log = join(dir, "0.log");
    const limits = { logBytesMost: 4, filesMost: 3 };
    const files = async () =>
      Promise.all(
        (await readdir(dir)).sort().map(async (name) => `${name} ${await readFile(join(dir, name), "utf8")}`),
      );
    try {
      await rotateLogs(log, () => assert.fail(), limits);
      for (const text of ["one!", "two!", "three"]) {
        await writeFile(log, text);
        await rotateLogs(log, async () => writeFile(log, ""), limits);
      }
      assert.deepEqual(await files(), ["0.log ", "0.log.1 three", "0.log.2 two!"]);
      await writeFile(log, "abc");
      await rotateLogs(log, () => assert.fail("it is short"), limits);
      await writeFile(log, "four!");
      await assert.rejects(
        rotateLogs(log, () => Promise.reject(new Error("gone")), limits),
        /gone/,
      );
      assert.deepEqual(await files(), ["0.log four!", "0.log.2 three"]);
      // Fewer are to be kept than there are.
      await rotateLogs(log, async () => writeFile(log, ""), { ...limits, filesMost: 2 });
      assert.deepEqual(await files(), ["0.log ", "0.log.1 four!"]);
    } finally {
      await rm(dir, { recursive: true });
    }
  });
});
