import assert from "node:assert/strict";
import { ManualClock, settle } from "../../../../client/testing/manual-clock.ts";
import { ApiRefusal } from "../ask-api.ts";
import { Sampler, samplerTimes } from "./sampler.ts";
import { UsageMemory } from "./usage-memory.ts";

const nodes = { items: [{ metadata: { name: "n" }, usage: { cpu: "1", memory: "1Gi" } }] };

describe("the sampler of what is used", () => {
  let clock: ManualClock;
  let memory: UsageMemory;
  let sampler: Sampler;
  let asked: string[];
  let list: (path: string) => Promise<unknown>;
  beforeEach(() => {
    clock = new ManualClock();
    memory = new UsageMemory();
    asked = [];
    list = async (path) => (path === "/nodes" ? nodes : { items: [] });
    sampler = new Sampler({
      clock,
      memory,
      namespace: "mine",
      list: (path) => {
        asked.push(path);
        return list(path);
      },
    });
  });
  afterEach(() => sampler.close());

  it("asks seldom while nobody looks, and leaves nothing that would wake when it ends", async () => {
    await clock.advance(samplerTimes.firstMs - 1);
    assert.deepEqual(asked, []);
    await clock.advance(1);
    assert.deepEqual(asked, ["/nodes", "/pods"]);
    await clock.advance(3 * samplerTimes.restMs);
    assert.equal(asked.length, 8);
    assert.equal(memory.node("n", 0).times.length, 4);
    sampler.close();
    assert.equal(clock.pending, 0);
  });

  it("asks at once for who looks, then often, and seldom again after a while", async () => {
    await sampler.look();
    assert.equal(memory.node("n", 0).times.length, 1);
    await sampler.look();
    assert.equal(asked.length, 2);
    await clock.advance(samplerTimes.lookedMs);
    const whileLooked = asked.length;
    assert.equal(whileLooked, 2 + (2 * samplerTimes.lookedMs) / samplerTimes.busyMs);
    await clock.advance(samplerTimes.restMs);
    assert.equal(asked.length, whileLooked + 2);
  });

  it("leaves a gap and says why where nobody answers", async () => {
    list = async () => {
      throw new Error("away");
    };
    await sampler.look();
    assert.equal(sampler.problem, "away");
    assert.deepEqual(memory.node("n", 0).series, []);
    list = async (path) => (path === "/nodes" ? nodes : {});
    await clock.advance(samplerTimes.busyMs);
    assert.equal(sampler.problem, "");
    assert.deepEqual(memory.nodes(0).total.cpu.length, 2);
    assert.equal(memory.nodes(0).total.cpu[0], null);
  });

  it("asks for the one namespace that its user may see where all are not for it", async () => {
    list = async (path) => {
      if (path === "/pods") throw new ApiRefusal(403, "no");
      return { items: [] };
    };
    await sampler.look();
    assert.equal(sampler.narrowedTo, "mine");
    assert.deepEqual(asked, ["/nodes", "/pods", "/namespaces/mine/pods"]);
    assert.equal(sampler.problem, "");
  });

  it("asks once at a time, and ends with an answer that is still to come", async () => {
    let answer: (value: unknown) => void = () => undefined;
    list = () => new Promise((resolve) => (answer = resolve));
    const looked = Promise.all([sampler.look(), sampler.look()]);
    await settle();
    assert.equal(asked.length, 2);
    sampler.close();
    answer({});
    list = async () => ({});
    await clock.advance(1);
    assert.equal(clock.pending, 0);
    void looked;
  });
});
