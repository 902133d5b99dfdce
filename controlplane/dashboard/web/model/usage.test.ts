import assert from "node:assert/strict";
import { amountText, axisSteps } from "./chart-amounts.ts";
import { lineStyle } from "./line-style.ts";
import { linesOf, pointText, sparkPath, subjectOf, tablePoints, topOf, type UsageAnswer } from "./usage.ts";

const answer = (
  times: readonly number[],
  cpu: readonly (number | null)[],
  more: Partial<UsageAnswer> = {},
): UsageAnswer => ({
  source: "memory",
  notes: [],
  ranges: [],
  gapSeconds: 60,
  times,
  series: [{ name: "c", cpu, memory: cpu }],
  total: { name: "", cpu, memory: cpu },
  count: 1,
  ...more,
});
const container = (name: string, limits: object, requests: object = {}) => ({
  name,
  resources: { limits, requests },
});
const object = (spec: object, more: object = {}) =>
  ({ metadata: { name: "x", namespace: "a" }, spec, ...more }) as never;

describe("amounts as people read them", () => {
  it("are in thousandths of a core or cores, and in binary bytes", () => {
    const cpu = [0, 0.00001, 0.0001, 0.0123, 0.25, 0.9999, 1, 1.5, 12.34, 1234].map((one) =>
      amountText("cpu", one),
    );
    assert.deepEqual(cpu, ["0", "<0.1m", "0.1m", "12.3m", "250m", "1", "1", "1.5", "12.3", "1234"]);
    const memory = [0, 1, 1023, 1024, 1536, 2 ** 20, 1.5 * 2 ** 30, 2 ** 50, 2 ** 61].map((one) =>
      amountText("memory", one),
    );
    assert.deepEqual(memory, ["0", "1", "1023", "1Ki", "1.5Ki", "1Mi", "1.5Gi", "1Pi", "2048Pi"]);
  });

  it("stand on an axis as round ones", () => {
    for (const step of axisSteps("memory").filter((one) => one >= 2 ** 20))
      assert.match(amountText("memory", step), /^(1|2|4|8|16|32|64|128|256|512)[MGTP]i$/);
    for (const step of axisSteps("cpu")) assert.match(amountText("cpu", step), /^0?\.?[125]0*m?$/);
  });
});

describe("whose use a page shows", () => {
  it("is a pod's containers, each with its own marks", () => {
    const one = subjectOf(
      "core/pods",
      object({ containers: [container("c", { cpu: "1", memory: "1Gi" }, { cpu: "100m" })] }),
    );
    assert.deepEqual(one?.query, { of: "pod", namespace: "a", name: "x" });
    assert.deepEqual(one?.marks.cpu, [
      { label: "requested", value: 0.1 },
      { label: "limit", value: 1 },
    ]);
    const two = subjectOf(
      "core/pods",
      object({ containers: [container("c", { memory: "1Gi" }), container("d", {})] }),
    );
    assert.deepEqual(two?.marks.memory, [{ label: "c limit", value: 2 ** 30 }]);
  });

  it("is the pods of a workload, with the marks of as many as are wanted", () => {
    const template = {
      spec: { containers: [container("c", { cpu: "1" }, { memory: "1Mi" }), container("d", { cpu: "2" })] },
    };
    const selector = {
      matchLabels: { b: "1", a: "2" },
      matchExpressions: [{ key: "c", operator: "In", values: ["x", "y"] }],
    };
    const subject = subjectOf("apps/deployments", object({ replicas: 3, selector, template }));
    assert.deepEqual(subject?.query, { of: "pods", namespace: "a", selector: "a=2,b=1,c in (x,y)" });
    assert.deepEqual(subject?.marks, {
      cpu: [{ label: "limit", value: 9 }],
      memory: [{ label: "requested", value: 3 * 2 ** 20 }],
    });
    assert.deepEqual(
      subjectOf("apps/deployments", object({ replicas: 0, selector, template }))?.marks.cpu,
      [],
    );
  });

  it("is nothing of what runs no pods, and odd objects do no harm", () => {
    assert.equal(subjectOf("core/services", object({ selector: { a: "b" } })), undefined);
    assert.equal(subjectOf("apps/deployments", object({})), undefined);
    assert.deepEqual(
      subjectOf("core/pods", object({ containers: [container("c", { cpu: "much" })] }))?.marks.cpu,
      [],
    );
    assert.deepEqual(
      subjectOf("core/nodes", object({}, { status: { allocatable: { cpu: "2" } } }))?.marks.cpu,
      [{ label: "allocatable", value: 2 }],
    );
  });
});

describe("the lines of a chart", () => {
  it("have a sum where there are several", () => {
    const one = answer([0, 15], [1, 2]);
    assert.deepEqual(
      linesOf(one, "cpu", "container").lines.map(({ name }) => name),
      ["c"],
    );
    const two = { ...one, count: 2 };
    assert.deepEqual(
      linesOf(two, "cpu", "container").lines.map(({ name }) => name),
      ["whole pod", "c"],
    );
    assert.equal(linesOf({ ...two, count: 30 }, "cpu", "pod").lines[0]?.name, "all pods (30)");
  });

  it("have a gap where points are far apart", () => {
    const { times, lines } = linesOf(answer([0, 15, 200, 215], [1, 2, 3, 4]), "cpu", "container");
    assert.deepEqual(times, [0, 15, 107.5, 200, 215]);
    assert.deepEqual(lines[0]?.values, [1, 2, null, 3, 4]);
    assert.equal(linesOf(answer([0, 60], [1, 2]), "cpu", "container").times.length, 2);
  });

  it("are as high as what is used and the marks near it", () => {
    const lines = linesOf(answer([0, 15], [1, 2]), "cpu", "container");
    assert.equal(topOf(lines, [{ label: "limit", value: 8 }]), 8 * 1.08);
    assert.equal(topOf(lines, [{ label: "limit", value: 8.1 }]), 2 * 1.08);
    assert.equal(topOf({ times: [], lines: [] }, []), 1);
  });

  it("are told apart by pattern and colour", () => {
    const styles = Array.from({ length: 13 }, (_, at) => lineStyle(at));
    assert.equal(new Set(styles.map((one) => JSON.stringify(one))).size, 13);
    for (const [at, { pattern }] of styles.entries())
      assert.notDeepEqual(pattern, styles[at + 1]?.pattern, "neighbours have patterns of their own");
  });

  it("can be read point by point, in a table and in a small drawing", () => {
    const lines = linesOf(answer([0, 15, 30, 45], [1, null, 0.002, 4]), "cpu", "container");
    assert.equal(pointText(lines, 1, "cpu"), "c not measured");
    assert.equal(pointText(lines, 2, "cpu"), "c 2m");
    assert.deepEqual(tablePoints(lines, 2), [3, 1]);
    assert.deepEqual(tablePoints(lines, 60), [3, 2, 1, 0]);
    assert.equal(sparkPath(lines, { width: 45, height: 12, top: 4 }), "M0.0 8.5M30.0 11.0L45.0 1.0");
  });
});
