import assert from "node:assert/strict";
import { atOnce, type Sliced, Turns } from "./slices.ts";

function* work(name: string, slices: number, did: string[]): Sliced<string> {
  for (let at = 1; at <= slices; at++) {
    did.push(`${name}${at}`);
    if (at < slices) yield;
  }
  return name;
}

describe("base/slices", () => {
  it("does work at once", () => {
    const did: string[] = [];
    assert.equal(atOnce(work("a", 3, did)), "a");
    assert.deepEqual(did, ["a1", "a2", "a3"]);
  });

  it("gives one slice a turn, whoever's it is, in the order of asking", async () => {
    const did: string[] = [];
    const deferred: (() => void)[] = [];
    const turns = new Turns((run) => deferred.push(run));
    const all = Promise.all([turns.run(work("a", 3, did)), turns.run(work("b", 3, did))]);
    const turn = async () => {
      assert.equal(deferred.length, 1);
      deferred.pop()?.();
      await new Promise(setImmediate);
    };
    assert.deepEqual(did, ["a1", "b1"]);
    await turn();
    assert.deepEqual(did, ["a1", "b1", "a2"]);
    await turn();
    await turn();
    await turn();
    assert.deepEqual(did, ["a1", "b1", "a2", "b2", "a3", "b3"]);
    assert.deepEqual(await all, ["a", "b"]);
    assert.equal(deferred.length, 0);
  });
});
