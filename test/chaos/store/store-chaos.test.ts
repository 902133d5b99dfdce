import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { fileURLToPath } from "node:url";
import { judge, type SeenCall } from "./register-clients.ts";
import { timeline } from "./timeline.ts";

const program = fileURLToPath(new URL("run.ts", import.meta.url));

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

  it("holds through every trouble once: no lost or wrong answer, and equal histories", async function () {
    this.timeout(600_000);
    const child = spawn(process.execPath, ["--import", "tsx", program, "--once", "--seed", "1"], {
      stdio: "inherit",
    });
    assert.deepEqual(await once(child, "exit"), [0, null]);
  });
});
