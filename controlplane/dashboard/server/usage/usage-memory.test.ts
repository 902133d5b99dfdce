import assert from "node:assert/strict";
import { parseSelector } from "../../../../base/label-selector.ts";
import { amountCode, amountOf, amountTable } from "./amount-code.ts";
import { type PodAmounts, readNodeMetrics, readPodMetrics } from "./read-metrics.ts";
import { memoryLimits, seriesBytes, UsageMemory } from "./usage-memory.ts";

const startMs = Date.UTC(2026, 0, 1);
const stepMs = 15_000;
const pod = (name: string, cpu: number, memory: number, more: Partial<PodAmounts> = {}): PodAmounts => ({
  namespace: "a",
  name,
  labels: { app: name.split("-")[0] ?? "" },
  containers: [{ name: "c", cpu, memory }],
  ...more,
});
const close = (told: number | null | undefined, meant: number) =>
  assert.ok(Math.abs((told ?? Number.NaN) - meant) <= meant * 0.0005, `${told} for ${meant}`);

describe("amounts in two bytes", () => {
  it("are right within four hundredths of a percent, from a thousandth of a core to petabytes", () => {
    for (let amount = 0.001; amount < 1e16; amount *= 1.37) {
      close(amountOf(amountCode(amount)), amount);
      close(amountTable()[amountCode(amount)], amount);
    }
    assert.equal(amountOf(amountCode(0)), 0);
  });

  it("are none for what is no amount", () => {
    for (const none of [Number.NaN, -1, Number.NEGATIVE_INFINITY])
      assert.equal(amountOf(amountCode(none)), undefined);
    assert.ok(Number.isFinite(amountOf(amountCode(Number.POSITIVE_INFINITY))));
  });
});

describe("the memory of what was used", () => {
  let memory: UsageMemory;
  beforeEach(() => {
    memory = new UsageMemory();
  });

  it("tells containers, pods and sums by time, and shows what was not measured as a gap", () => {
    const two = [
      { name: "c", cpu: 1, memory: 100 },
      { name: "d", cpu: 2, memory: 50 },
    ];
    memory.take(startMs, {
      nodes: [{ name: "n", cpu: 3, memory: 7 }],
      pods: [pod("web-1", 0, 0, { containers: two })],
    });
    memory.take(startMs + stepMs, { nodes: [], pods: [pod("web-2", 4, 30)] });
    memory.take(startMs + 2 * stepMs, {
      nodes: [],
      pods: [pod("web-1", 0, 0, { containers: two }), pod("db-1", 9, 9)],
    });
    const { times, series, total, count } = memory.pods("a", parseSelector("app=web"), startMs);
    assert.deepEqual(
      times,
      [0, 1, 2].map((at) => (startMs + at * stepMs) / 1000),
    );
    assert.deepEqual(
      series.map(({ name }) => name),
      ["web-1", "web-2"],
    );
    assert.equal(count, 2);
    close(series[0]?.cpu[0], 3);
    assert.equal(series[0]?.cpu[1], null);
    assert.deepEqual([series[1]?.memory[0], series[1]?.memory[2]], [null, null]);
    for (const [at, cpu] of [3, 4, 3].entries()) close(total.cpu[at], cpu);
    assert.deepEqual(
      memory.pod("a", "web-1", startMs).series.map(({ name }) => name),
      ["c", "d"],
    );
    close(memory.node("n", startMs).total.memory[0], 7);
    assert.deepEqual(memory.node("n", startMs + stepMs).series, []);
    assert.deepEqual(memory.pods("b", [], startMs).series, []);
  });

  it("holds two hours and no more, however long it runs", () => {
    const rounds = 3 * memoryLimits.columns + 7;
    for (let at = 0; at < rounds; at++)
      memory.take(startMs + at * stepMs, {
        nodes: [{ name: "n", cpu: at, memory: at }],
        pods: at === 0 ? [pod("gone", 1, 1)] : [],
      });
    const { times, total } = memory.node("n", 0);
    assert.equal(times.length, memoryLimits.columns);
    close(total.cpu[0], rounds - memoryLimits.columns);
    close(total.cpu.at(-1), rounds - 1);
    assert.equal(memory.seriesCount, 1);
  });

  it("forgets what is older than two hours where rounds were rare", () => {
    memory.take(startMs, { nodes: [], pods: [pod("gone", 1, 1)] });
    memory.take(startMs + memoryLimits.spanMs + 1, { nodes: [], pods: [] });
    assert.equal(memory.seriesCount, 0);
  });

  it("never shows a value of a round before in the place of one that is missing", () => {
    for (let at = 0; at < memoryLimits.columns + 1; at++)
      memory.take(startMs + at * stepMs, {
        nodes: at === 0 || at === memoryLimits.columns - 1 ? [{ name: "n", cpu: 1, memory: 1 }] : [],
        pods: [],
      });
    const { total } = memory.node("n", 0);
    assert.equal(total.cpu.filter((one) => one !== null).length, 1);
  });

  it("keeps no more series than its bound, says so, and takes new ones when old ones have gone", () => {
    const many = Array.from({ length: memoryLimits.seriesMost + 5 }, (_, at) => pod(`p-${at}`, 1, 1));
    memory.take(startMs, { nodes: [], pods: many });
    assert.equal(memory.seriesCount, memoryLimits.seriesMost);
    assert.equal(memory.isFull, true);
    assert.ok(memory.seriesCount * seriesBytes <= 32 * 1024 * 1024);
    memory.take(startMs + memoryLimits.spanMs + 1, { nodes: [], pods: [pod("new", 1, 1)] });
    assert.equal(memory.seriesCount, 1);
    assert.equal(memory.isFull, false);
  });

  it("begins anew when the clock is set back", () => {
    memory.take(startMs, { nodes: [{ name: "n", cpu: 1, memory: 1 }], pods: [] });
    memory.take(startMs - 1, { nodes: [{ name: "n", cpu: 2, memory: 2 }], pods: [] });
    assert.equal(memory.node("n", 0).times.length, 1);
  });

  it("tells the largest twelve of many, and the sum of all", () => {
    memory.take(startMs, {
      nodes: [],
      pods: Array.from({ length: 40 }, (_, at) => pod(`web-${at}`, 1, at + 1)),
    });
    const { series, total, count } = memory.pods("a", [], 0);
    assert.equal(count, 40);
    assert.deepEqual(
      series.map(({ name }) => Number(name.slice(4))).sort((a, b) => a - b),
      Array.from({ length: 12 }, (_, at) => at + 28),
    );
    close(total.cpu[0], 40);
  });
});

describe("lists of metrics.k8s.io", () => {
  it("are read, and what is no measurement is left out", () => {
    const usage = { cpu: "250m", memory: "10Mi" };
    assert.deepEqual(readNodeMetrics({ items: [{ metadata: { name: "n" }, usage }] }), [
      { name: "n", cpu: 0.25, memory: 10 * 2 ** 20 },
    ]);
    const metadata = { name: "p", namespace: "a", labels: { x: "y" } };
    assert.deepEqual(readPodMetrics({ items: [{ metadata, containers: [{ name: "c", usage }] }] }), [
      {
        namespace: "a",
        name: "p",
        labels: { x: "y" },
        containers: [{ name: "c", cpu: 0.25, memory: 10 * 2 ** 20 }],
      },
    ]);
    for (const odd of [
      null,
      5,
      "x",
      [],
      {},
      { items: 5 },
      { items: [null, 5, [], {}, { metadata: 5, usage: 5, containers: 5 }] },
    ]) {
      assert.deepEqual(readNodeMetrics(odd), []);
      assert.deepEqual(readPodMetrics(odd), []);
    }
    for (const odd of [
      { cpu: 5, memory: "1" },
      { cpu: "-1", memory: "1" },
      { cpu: "1", memory: "much" },
      null,
    ]) {
      assert.deepEqual(readNodeMetrics({ items: [{ metadata: { name: "n" }, usage: odd }] }), []);
      assert.deepEqual(
        readPodMetrics({ items: [{ metadata, containers: [{ name: "c", usage: odd }] }] })[0]?.containers,
        [],
      );
    }
    assert.deepEqual(
      readPodMetrics({ items: [{ metadata: { ...metadata, labels: { x: 1 } }, containers: [] }] })[0]?.labels,
      {},
    );
  });
});
