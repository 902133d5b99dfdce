import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { parse } from "yaml";
import { evaluate, type KeptSeries } from "./evaluate.ts";
import { parseQuery, parseSelectorText } from "./parse.ts";
import { durationMs } from "./tokens.ts";
import { nameLabel, selects } from "./vector-selector.ts";

interface Script {
  readonly tests: readonly {
    readonly interval: string;
    readonly input_series: readonly { readonly series: string; readonly values: string }[];
    readonly promql_expr_test: readonly {
      readonly expr: string;
      readonly eval_time: string;
      readonly exp_samples: readonly { readonly labels: string; readonly value: number }[];
    }[];
  }[];
}

const script: Script = parse(readFileSync(join(import.meta.dirname, "../testdata/promql.yaml"), "utf8"));

/** `5 _ 0+2x3` as promtool reads it. */
function valuesOf(text: string): readonly (number | undefined)[] {
  return text.split(" ").flatMap((word) => {
    const [, first = "", step = "0", times = "0"] = /^(_|-?[\d.]+|NaN)(\+\d+)?(?:x(\d+))?$/.exec(word) ?? [];
    if (first === "_") return Array.from({ length: Math.max(1, Number(times)) }, () => undefined);
    return Array.from({ length: Number(times) + 1 }, (_, at) => Number(first) + at * Number(step));
  });
}

const labelsOf = (text: string) =>
  new Map(
    text === "{}" ? [] : parseSelectorText(text).matchers.map(({ label, value }) => [label, value] as const),
  );

describe("queries that are answered without a Prometheus", () => {
  for (const { interval, input_series, promql_expr_test } of script.tests) {
    const series = input_series.map(({ series: text, values }): KeptSeries => {
      const points = valuesOf(values).flatMap((value, at) =>
        value === undefined ? [] : [{ atMs: at * durationMs(interval), value }],
      );
      return { labels: labelsOf(text), points, goneMs: undefined };
    });
    for (const { expr, eval_time, exp_samples } of promql_expr_test)
      it(`${expr} after ${eval_time}, as Prometheus`, () => {
        const found = evaluate(parseQuery(expr), series, durationMs(eval_time));
        const samples = found.type === "vector" ? found.samples : [{ labels: new Map(), value: found.value }];
        const shown = (labels: ReadonlyMap<string, string>) => JSON.stringify([...labels].sort());
        assert.deepEqual(
          new Map(samples.map(({ labels, value }) => [shown(labels), value])),
          new Map(exp_samples.map(({ labels, value }) => [shown(labelsOf(labels)), value])),
        );
      });
  }

  it("have no newest sample of a series that is gone, but a range that had it", () => {
    const labels = new Map([[nameLabel, "up"]]);
    const gone: KeptSeries = { labels, points: [{ atMs: 0, value: 1 }], goneMs: 15_000 };
    const samples = (query: string) => {
      const found = evaluate(parseQuery(query), [gone], 20_000);
      return found.type === "vector" ? found.samples.map(({ value }) => value) : [found.value];
    };
    assert.deepEqual(samples("up"), []);
    assert.deepEqual(samples("max_over_time(up[1m])"), [1]);
  });

  it("refuse by name what they do not understand, wherever it stands", () => {
    const refused: readonly (readonly [string, RegExp])[] = [
      ["histogram_quantile(0.9, x)", /^QueryError: histogram_quantile\(\) is none of what is understood/],
      ["x[5m]", /samples of a range are no value/],
      ["rate(x)", /unexpected "\)" at character 7, where "\[" belongs/],
      ["sum(x) by (a", /ends too soon/],
      ["x > 1", /unexpected ">" at character 3/],
      ["x and y", /unexpected "and" at character 3/],
      ["topk(3, x)", /topk\(\) is none/],
      ['{a=~".*"}', /at least one matcher/],
      ['x{a=~"("}', /missing closing|missing argument|error parsing regexp/],
      ['x{a="b', /a string that begins at character 5 does not end/],
      ["rate(x[0s])", /a range of nothing/],
      ["x @ 5", /unexpected "@"/],
      [`${"(".repeat(50)}x${")".repeat(50)}`, /nests deeper/],
      [`${"-".repeat(5000)}x`, /nests deeper/],
      ["sum(3)", /^QueryError: sum\(\) takes series, no number/],
    ];
    for (const [query, why] of refused) {
      const attempt = () => evaluate(parseQuery(query), [], 0);
      assert.throws(attempt, (error) => why.test(String(error)) || assert.fail(`${query}: ${error}`));
    }
  });

  it("select series as Prometheus does: whole values, and a label that is not there is empty", () => {
    const labels = new Map([
      [nameLabel, "x"],
      ["pod", "web-1\nb"],
    ]);
    const taken = (text: string) => selects(parseSelectorText(text), labels);
    assert.ok(taken('x{pod=~"web-.*"}'));
    assert.ok(!taken('x{pod=~"web"}'));
    assert.ok(taken('{__name__=~"x|y",pod!="",other=""}'));
    assert.ok(!taken('x{other!=""}'));
    assert.ok(taken("{pod=`web-1\nb`,pod='web-1\\nb'}"));
  });
});
