import assert from "node:assert/strict";
import fc from "fast-check";
import type { KubeObject } from "../../../../client/types.ts";
import { readRules } from "../rules/read-rules.ts";
import { exposedSeries } from "./exposition.ts";
import { SeriesMemory, seriesOfTargetMax } from "./kept-series.ts";
import { type Target, targetsOf } from "./targets.ts";
import { wantedSeries } from "./wanted-series.ts";

const target: Target = {
  ...{ key: "u:80/metrics", namespace: "shop", pod: "web-1", node: "n1", host: "10.1.2.3" },
  ...{ port: 80, path: "/metrics" },
};

describe("what pods expose", () => {
  const read = (text: string) =>
    [...exposedSeries(text, () => true)].map(({ labels, value }) => [Object.fromEntries(labels), value]);

  it("is read in Prometheus' format and in OpenMetrics'", () => {
    const text = [
      "# HELP x says {",
      'x{a="b\\"c\\\\\\n",d=""} 1.5e3 1700000000000',
      "x 3",
      'y_bucket{le="+Inf",} 7 # {trace_id="a"} 0.5',
      "z NaN\r",
      'w{ k = "v" , l="m" } -Inf',
      "# EOF",
    ].join("\n");
    assert.deepEqual(read(text), [
      [{ __name__: "x", a: 'b"c\\\n', d: "" }, 1500],
      [{ __name__: "x" }, 3],
      [{ __name__: "y_bucket", le: "+Inf" }, 7],
      [{ __name__: "z" }, Number.NaN],
      [{ __name__: "w", k: "v", l: "m" }, Number.NEGATIVE_INFINITY],
    ]);
  });

  it("is passed over where it is none, whatever it is", () => {
    for (const text of [
      "x",
      "x{",
      'x{a="b} 1',
      'x{a="1",a="2"} 1',
      "x{a=b} 1",
      "x 0x10",
      "x 1 2 3 4\u0000",
      "{a} 1",
      "x 1_0",
    ])
      assert.deepEqual(
        read(text).filter(([, value]) => value !== 1),
        [],
        text,
      );
    fc.assert(
      fc.property(fc.string({ unit: fc.constantFrom(...'x{}=",\\ 1e+.#\nNaInf_é') }), (text) => {
        for (const [labels] of read(text)) assert.ok(labels);
      }),
    );
  });

  it("is kept of series that rules name alone, with Prometheus' labels, within bounds", () => {
    const problems: string[] = [];
    const rules = readRules(
      `{rules: [{seriesQuery: '{__name__=~"shop_.*",pod!=""}', seriesFilters: [{isNot: "_sum$"}], resources: {template: "<<.Resource>>"}, metricsQuery: 'sum(rate(<<.Series>>[5m])) by (<<.GroupBy>>) / max(limit)'}]}`,
      problems,
    );
    assert.deepEqual(problems, []);
    const { isWanted, keptMs } = wantedSeries(rules);
    assert.deepEqual(["shop_orders", "shop_sum", "limit", "other"].map(isWanted), [true, false, true, false]);
    assert.equal(keptMs, 300_000);
    const memory = new SeriesMemory(keptMs);
    memory.read(target, exposedSeries('shop_orders{pod="other",x="y"} 1\n', isWanted), 0);
    assert.deepEqual(
      [...memory.all()].map(({ labels }) => Object.fromEntries(labels)),
      [
        {
          ...{ __name__: "shop_orders", exported_pod: "other", x: "y" },
          ...{ namespace: "shop", pod: "web-1", node: "n1", instance: "10.1.2.3:80", job: "kubernetes-pods" },
        },
      ],
    );
    const many = Array.from({ length: seriesOfTargetMax + 5 }, (_, at) => `shop_orders{x="${at}"} 1`).join(
      "\n",
    );
    assert.equal(memory.read(target, exposedSeries(many, isWanted), 15_000), 6);
    assert.equal(memory.count, seriesOfTargetMax);
  });

  it("is gone once a page says it no more, cannot be read or is no more, and forgotten later", () => {
    const memory = new SeriesMemory(60_000);
    const gone = () => [...memory.all()].map(({ goneMs }) => goneMs);
    memory.read(
      target,
      exposedSeries("a 1\nb 1\n", () => true),
      0,
    );
    memory.read(
      target,
      exposedSeries("a 1\n", () => true),
      15_000,
    );
    assert.deepEqual(gone(), [undefined, 15_000]);
    memory.lost(target.key, 30_000);
    assert.deepEqual(gone(), [30_000, 15_000]);
    memory.read(
      target,
      exposedSeries("a 1\n", () => true),
      45_000,
    );
    assert.deepEqual(gone(), [undefined, 15_000]);
    memory.forget(80_000, new Set([target.key]));
    assert.equal(memory.count, 1);
    assert.deepEqual(
      [...memory.all()][0]?.points.map(({ atMs }) => atMs),
      [45_000],
    );
    memory.forget(90_000, new Set());
    assert.deepEqual(gone(), [90_000]);
    memory.forget(150_000, new Set());
    assert.equal(memory.count, 0);
  });

  it("is that of running pods with an address that annotations or rules name", () => {
    const pod = (name: string, annotations: Record<string, string>, more: object = {}) =>
      ({
        metadata: { name, namespace: "shop", uid: name, labels: { app: name }, annotations },
        spec: { nodeName: "n1", containers: [{ name: "web", ports: [{ containerPort: 8080 }] }] },
        status: { phase: "Running", podIP: "10.1.2.3" },
        ...more,
      }) as unknown as KubeObject;
    const scrape = { "prometheus.io/scrape": "true" };
    const found = (pods: readonly KubeObject[], rules: Parameters<typeof targetsOf>[1] = []) =>
      targetsOf(pods, rules).map(({ pod: name, port, path }) => `${name}:${port}${path}`);
    assert.deepEqual(found([pod("a", scrape), pod("b", {}), pod("c", { "prometheus.io/scrape": "yes" })]), [
      "a:8080/metrics",
    ]);
    assert.deepEqual(
      found([
        pod("a", { ...scrape, "prometheus.io/port": "90", "prometheus.io/path": "/m?x=y" }),
        pod("b", { ...scrape, "prometheus.io/port": "90x" }),
        pod("c", { ...scrape, "prometheus.io/path": "/a b\r\nHost: c" }),
        pod("d", { ...scrape, "prometheus.io/scheme": "https" }),
        pod("e", scrape, { status: { phase: "Pending", podIP: "10.1.2.3" } }),
        pod("f", scrape, { status: { phase: "Running" } }),
      ]),
      ["a:90/m?x=y"],
    );
    assert.deepEqual(
      found([pod("a", {}), pod("b", {})], [{ podSelector: "app in (b,c)", port: 7, path: "/p" }]),
      ["b:7/p"],
    );
  });
});
