import assert from "node:assert/strict";
import { deferred } from "../../../base/deferred.ts";
import { silentLog } from "../../../base/os/log.ts";
import { ManualClock, settle } from "../../../client/testing/manual-clock.ts";
import type { KubeObject } from "../../../client/types.ts";
import { testNode } from "../reach/testing.ts";
import { askedAtOnceMax, failureSharedMs, NodeUsages, sharedMs } from "./node-usages.ts";
import type { NodeUsage } from "./read-summary.ts";

const node = (name: string) => testNode(name, 10250, "10.0.0.1") as unknown as KubeObject;
const nothing: NodeUsage = { node: undefined, pods: new Map() };
const { signal } = new AbortController();

describe("nodes that are asked for their use", () => {
  let clock: ManualClock;
  let asked: string[];
  let ask: (name: string) => Promise<NodeUsage>;
  let usages: NodeUsages;
  beforeEach(() => {
    clock = new ManualClock();
    asked = [];
    ask = async () => nothing;
    usages = new NodeUsages({
      ask: ({ metadata: { name } }) => {
        asked.push(name);
        return ask(name);
      },
      clock,
      log: silentLog,
    });
  });
  afterEach(() => usages.close());

  it("are asked once, whoever wants to know within five seconds, and forgotten then", async () => {
    const [one] = await Promise.all([
      usages.of([node("a")], signal),
      usages.of([node("a"), node("b")], signal),
    ]);
    assert.deepEqual([...one.keys()], ["a"]);
    assert.deepEqual(asked.sort(), ["a", "b"]);
    await usages.of([node("a")], signal);
    assert.equal(asked.length, 2);
    await clock.advance(sharedMs);
    await usages.of([node("a")], signal);
    assert.equal(asked.length, 3);
    await clock.advance(2 * sharedMs);
    assert.equal(clock.pending, 0);
  });

  it("are left out where they do not answer, which is everybody's answer for a second", async () => {
    ask = async (name) => {
      if (name === "a") throw new Error("refused");
      return nothing;
    };
    for (let times = 0; times < 2; times++)
      assert.deepEqual([...(await usages.of([node("a"), node("b")], signal)).keys()], ["b"]);
    assert.equal(asked.length, 2);
    ask = async () => nothing;
    await clock.advance(failureSharedMs);
    assert.deepEqual([...(await usages.of([node("a"), node("b")], signal)).keys()].sort(), ["a", "b"]);
    assert.deepEqual(asked.slice(2), ["a"]);
  });

  it("are not asked where nobody can: those without an address, and those nobody has heard of for long", async () => {
    const simulated = { ...node("a"), status: {} } as KubeObject;
    const lost = node("b") as KubeObject & { status: object };
    const conditions = [{ type: "Ready", status: "Unknown" }];
    await usages.of([simulated, { ...lost, status: { ...lost.status, conditions } }], signal);
    assert.deepEqual(asked, []);
  });

  it("are asked so many at once, however many questions there are, and no more once the asker is gone", async () => {
    const answer = deferred<NodeUsage>();
    ask = () => answer.promise;
    const gone = new AbortController();
    const all = (prefix: string) =>
      Array.from({ length: askedAtOnceMax + 50 }, (_, i) => node(`${prefix}${i}`));
    const first = usages.of(all("a"), signal);
    const second = usages.of(all("b"), gone.signal);
    await settle();
    assert.equal(asked.length, askedAtOnceMax);
    gone.abort(new Error("gone"));
    answer.resolve(nothing);
    await assert.rejects(second, /gone/);
    assert.equal((await first).size, askedAtOnceMax + 50);
    assert.ok(asked.length <= 2 * askedAtOnceMax + 50, String(asked.length));
  });
});
