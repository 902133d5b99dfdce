import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { randomBytes } from "node:crypto";
import { once } from "node:events";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { systemClock } from "../../../base/os/clock.ts";
import { systemRandom } from "../../../base/os/random.ts";
import { CallError } from "../../../store/client/call-error.ts";
import { openStoreClient } from "../../../store/client/open-client.ts";
import { startStoreProcesses } from "../../integration/etcd-processes.ts";
import { chaos } from "./chaos.ts";
import { startCompacting } from "./compacting-client.ts";
import { damageLog } from "./damage-log.ts";
import { judge, type SeenCall } from "./register-clients.ts";
import { timeline } from "./timeline.ts";
import { verdictOf } from "./verdict.ts";

const program = fileURLToPath(new URL("run.ts", import.meta.url));

const pintle = fileURLToPath(new URL("../../../bin/pintle", import.meta.url));

const call = (given: Partial<SeenCall>): SeenCall => ({
  key: "a",
  op: { leaves: [undefined] },
  startMs: 0,
  endMs: 1,
  toldMs: 1,
  isAnswered: true,
  ...given,
});

describe("chaos of the store", () => {
  it("sees a read that no order explains, and allows for writes of which nobody knows", () => {
    const read = (found: string) =>
      call({ op: { leaves: [undefined], found }, startMs: 5, endMs: 6, toldMs: 6 });
    const lost = call({ op: { leaves: ["1"] }, endMs: Number.POSITIVE_INFINITY, isAnswered: false });
    assert.deepEqual(judge([lost, read("1")]), { broken: [], undecided: [] });
    assert.deepEqual(judge([call({ op: { leaves: ["1"] } }), read("")]), { broken: ["a"], undecided: [] });
    assert.deepEqual(judge([call({ op: { leaves: ["1"] } }), read("2")]), { broken: ["a"], undecided: [] });
  });

  it("draws calls and troubles along one time", () => {
    const picture = timeline(
      [call({}), call({ toldMs: 900, isAnswered: false })],
      [{ name: "a < b", fromMs: 100, toMs: 200 }],
    );
    assert.match(picture, /^<svg .*<\/svg>\n$/s);
    assert.match(picture, />a &lt; b</);
    assert.equal(picture.match(/<rect /g)?.length, 5);
  });

  it("counts what was answered and done, and how long nobody was answered", () => {
    const calls = [
      call({}),
      call({ op: { leaves: ["1"] }, toldMs: 200 }),
      call({ toldMs: 900, isAnswered: false }),
    ];
    const spans = [
      { name: "early", fromMs: 10, toMs: 20 },
      { name: "late", fromMs: 300, toMs: 400 },
      { name: "late", fromMs: 500, toMs: 600 },
    ];
    const { problems, summary } = verdictOf(calls, spans, []);
    assert.deepEqual(problems, []);
    assert.deepEqual(summary.split("\n"), [
      "2 calls answered: 1 writes and 1 reads; 1 without an answer",
      "an order explains all answers: 1 of 1 keys",
      "longest silence 700 ms, with late",
      "3 troubles: 1 × early, 2 × late",
    ]);
    const dead = [...calls, call({ startMs: 120_300, toldMs: 123_300, isAnswered: false })];
    assert.deepEqual(verdictOf(dead, spans, ["first"]).problems, [
      "first",
      "nobody was answered for 123100 ms",
    ]);
  });

  it("drops history while members are written to", async function () {
    this.timeout(60_000);
    const processes = await startStoreProcesses(1, [process.execPath, pintle, "store"]);
    const { endpoints } = processes;
    const client = openStoreClient({ endpoints }, { clock: systemClock, random: systemRandom });
    const compacting = startCompacting(endpoints, { keptRevisions: 10, everyMs: 10 });
    try {
      const { revision } = await client.put("a", "first");
      const history = (async () => {
        for (;;) {
          await client.put("a", "more");
          await client.get("a", { revision });
        }
      })();
      await assert.rejects(history, (error) => error instanceof CallError && error.code === "COMPACTED");
      await compacting.stop();
      assert.ok(compacting.done() > 0);
    } finally {
      await compacting.stop();
      client.close();
      await processes.stop();
    }
  });

  it("turns over one bit of what a log holds, and says where", () => {
    const folder = mkdtempSync(join(tmpdir(), "pintle-damage-"));
    try {
      const before = Buffer.concat([randomBytes(1_000), Buffer.of(1), Buffer.alloc(1_000)]);
      writeFileSync(join(folder, "0.wal"), before);
      const where = damageLog(folder, systemRandom);
      const after = readFileSync(join(folder, "0.wal"));
      const turned = [...after.keys()].filter((at) => after[at] !== before[at]);
      assert.deepEqual(
        [`0.wal at byte ${turned[0]}`, turned.length, after.length],
        [where, 1, before.length],
      );
      assert.ok((turned[0] as number) <= 1_000);
    } finally {
      rmSync(folder, { recursive: true });
    }
  });

  it("misses a member that ended by itself before it takes another one", async function () {
    this.timeout(120_000);
    let rounds = 0;
    const { problems } = await chaos(systemRandom, {
      troubles: { "end one": ({ processes }) => processes.kill(1) },
      isOver: () => rounds++ > 0,
      pause: async () => undefined,
      tell: () => undefined,
    });
    assert.deepEqual(problems, ["end one: m1 ended"]);
  });

  it("holds through every trouble once: no lost or wrong answer, and equal histories", async function () {
    this.timeout(600_000);
    const child = spawn(process.execPath, ["--import", "tsx", program, "--once", "--seed", "1"], {
      stdio: "inherit",
    });
    assert.deepEqual(await once(child, "exit"), [0, null]);
  });
});
