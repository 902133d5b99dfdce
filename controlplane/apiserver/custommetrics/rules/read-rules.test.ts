import assert from "node:assert/strict";
import fc from "fast-check";
import { stringify } from "yaml";
import { scrapeProblems } from "../scrape/wanted-series.ts";
import { isTaken, metricName } from "./metric-name.ts";
import { metricsQuery } from "./metrics-query.ts";
import { readRules } from "./read-rules.ts";

function problemsOf(document: unknown): readonly string[] {
  const problems: string[] = [];
  readRules(typeof document === "string" ? document : stringify(document), problems);
  return problems;
}

function rulesOf(text: string) {
  const problems: string[] = [];
  const rules = readRules(text, problems);
  assert.deepEqual(problems, []);
  return rules;
}

/** The kinds of rules that prometheus-adapter's own documentation shows. */
const documented = `
rules:
- seriesQuery: '{__name__=~"^container_.*",container!="POD",namespace!="",pod!=""}'
  resources:
    overrides:
      namespace: {resource: "namespace"}
      pod: {resource: "pod"}
  name:
    matches: "^container_(.*)_seconds_total$"
  metricsQuery: sum(rate(<<.Series>>{<<.LabelMatchers>>,container!="POD"}[2m])) by (<<.GroupBy>>)
- seriesQuery: '{namespace!="",__name__!~"^container_.*"}'
  seriesFilters: [{isNot: ".*_seconds_total"}]
  name: {matches: "^(.*)_total$", as: "\${1}_per_second"}
  resources: {template: "kube_<<.Group>>_<<.Resource>>"}
  metricsQuery: 'sum(rate(<<.Series>>{<<.LabelMatchers>>}[2m])) by (<< .GroupBy >>)'
- seriesQuery: 'cheddar{sharp="true"}'
  name: {as: "cheesy_goodness"}
  resources:
    overrides:
      brand: {group: "cheese.io", resource: "brand"}
  metricsQuery: 'count(cheddar{sharp="true",brand="<<index .LabelValuesByName "brand">>"})'
externalRules:
- seriesQuery: '{__name__="queue_depth",name!=""}'
  metricsQuery: sum(<<.Series>>{<<.LabelMatchers>>}) by (name)
  resources:
    namespaced: false
`;

describe("rule files", () => {
  it("are read as prometheus-adapter's documentation has them, and can do without a Prometheus", () => {
    const rules = rulesOf(documented);
    assert.deepEqual(scrapeProblems(rules), []);
    const [container, rate, cheese] = rules.rules;
    assert.ok(container && rate && cheese);
    assert.ok(isTaken(container, "container_cpu_usage_seconds_total"));
    assert.ok(!isTaken(container, "container_memory_bytes"));
    assert.equal(metricName(container, "container_cpu_usage_seconds_total"), "cpu_usage");
    assert.equal(metricName(rate, "http_requests_total"), "http_requests_per_second");
    assert.ok(!isTaken(rate, "cpu_seconds_total"));
    assert.equal(metricName(cheese, "cheddar"), "cheesy_goodness");
    assert.deepEqual(rate.resources.template?.read("kube_apps_deployment"), {
      group: "apps",
      resource: "deployment",
    });
    assert.equal(rate.resources.template.labelOf("apps", "deployment"), "kube_apps_deployment");
    assert.equal(rules.externalRules[0]?.resources.namespaced, false);
  });

  it("make the queries that prometheus-adapter makes", () => {
    const [container, , cheese] = rulesOf(documented).rules;
    assert.ok(container && cheese);
    const asked = {
      series: "container_cpu_usage_seconds_total",
      metricSelector: [{ key: "zone", operator: "in", values: ["a", "b"] }],
      namespace: { label: "namespace", name: "shop" },
      objects: { label: "pod", names: ["web-1", "web.2"] },
    } as const;
    assert.equal(
      metricsQuery(container, asked),
      'sum(rate(container_cpu_usage_seconds_total{zone=~"a|b",namespace="shop",pod=~"web-1|web\\\\.2",container!="POD"}[2m])) by (pod)',
    );
    const brand = { ...asked, objects: { label: "brand", names: ["blue"] } };
    assert.equal(metricsQuery(cheese, brand), 'count(cheddar{sharp="true",brand="blue"})');
    const more = [{ key: "size", operator: ">", values: ["3"] }] as const;
    assert.throws(
      () => metricsQuery(container, { ...asked, metricSelector: more }),
      /not supported by prometheus/,
    );
    const odd = [{ key: 'a"}) or vector(1', operator: "=", values: ["x"] }] as const;
    assert.throws(() => metricsQuery(container, { ...asked, metricSelector: odd }), /is no label/);
    const quoted = [{ key: "a", operator: "=", values: ['"} or b{c="'] }] as const;
    assert.ok(metricsQuery(container, { ...asked, metricSelector: quoted }).includes('a="\\"} or b{c=\\""'));
  });

  it("are refused with the rule, the field and the value of each fault", () => {
    const rule = {
      seriesQuery: "x",
      resources: { overrides: { pod: { resource: "pod" } } },
      metricsQuery: "sum(<<.Series>>)",
    };
    assert.deepEqual(problemsOf({ rules: [rule] }), []);
    const faults: readonly (readonly [object, string])[] = [
      [{ seriesQuery: undefined }, "rules[1].seriesQuery: it is missing"],
      [{ seriesQuery: "x{" }, 'rules[1].seriesQuery: "x{": it ends too soon'],
      [{ seriesQuery: "rate(x[1m])" }, 'rules[1].seriesQuery: "rate(x[1m])": unexpected "(" at character 5'],
      [{ metricsQuery: "" }, "rules[1].metricsQuery: it is missing, so that nothing would be asked"],
      [{ metricsQuery: 5 }, "rules[1].metricsQuery: 5 is no text"],
      [{ seriesQueries: "x" }, "rules[1].seriesQueries: unknown field"],
      [{ seriesFilters: [{}] }, "rules[1].seriesFilters[0]: give either is or isNot"],
      [{ seriesFilters: [{ is: "a", isNot: "b" }] }, "rules[1].seriesFilters[0]: give either is or isNot"],
      [
        { name: { matches: "(a)(b)" } },
        "rules[1].name.as: it is missing, and name.matches has 2 groups that could be meant",
      ],
      [{ name: { from: "a" } }, "rules[1].name.from: unknown field"],
      [
        { resources: {} },
        "rules[1].resources: neither template nor overrides say what objects the series are about",
      ],
      [
        { resources: { template: "<<.Group>>" } },
        'rules[1].resources.template: "<<.Group>>": it does not name <<.Resource>>',
      ],
      [
        { resources: { ...rule.resources, namespaced: "no" } },
        'rules[1].resources.namespaced: "no" is neither true nor false',
      ],
      [
        { resources: { overrides: { pod: {} } } },
        'rules[1].resources.overrides["pod"].resource: it is missing',
      ],
      [
        { resources: { overrides: { "a-b": { resource: "pod" } } } },
        'rules[1].resources.overrides["a-b"]: that is no name of a label',
      ],
      [{ scrape: { podSelector: "a=b", port: 0 } }, "rules[1].scrape.port: 0 is no port (1 to 65535)"],
      [{ scrape: { port: 80 } }, "rules[1].scrape.podSelector: it is missing, and not every pod is meant"],
      [{ scrape: { podSelector: "a=b", port: 80, path: "/a b" } }, 'rules[1].scrape.path: "/a b" is no path'],
    ];
    for (const [fault, said] of faults)
      assert.deepEqual(problemsOf({ rules: [rule, { ...rule, ...fault }] }), [said]);
    const [pattern] = problemsOf({ rules: [{ ...rule, seriesFilters: [{ is: "(" }] }] });
    assert.match(pattern ?? "", /^rules\[0\]\.seriesFilters\[0\]\.is: "\(": error parsing regexp/);
    assert.match(problemsOf("a: [").join(), /^no YAML: /);
    assert.deepEqual(problemsOf("[]"), ["the file: not an object"]);
  });

  it("say how metrics.k8s.io is asked of a Prometheus, as kube-prometheus' own file does", () => {
    const resources = {
      overrides: {
        namespace: { resource: "namespace" },
        node: { resource: "node" },
        pod: { resource: "pod" },
      },
    };
    const rule = {
      containerLabel: "container",
      containerQuery: 'sum by (<<.GroupBy>>) (irate(cpu{<<.LabelMatchers>>,container!="",pod!=""}[4m]))',
      nodeQuery: "sum by (<<.GroupBy>>) (irate(node{<<.LabelMatchers>>}[4m]))",
      resources,
    };
    const { resourceRules } = rulesOf(
      stringify({ resourceRules: { cpu: rule, memory: rule, window: "5m" } }),
    );
    assert.equal(resourceRules?.windowMs, 300_000);
    const fields = {
      series: "",
      labelMatchers: 'pod="a"',
      labelValuesByName: new Map(),
      groupBy: ["pod", "container"],
    };
    assert.equal(
      resourceRules.cpu.containerQuery.query(fields),
      'sum by (pod,container) (irate(cpu{pod="a",container!="",pod!=""}[4m]))',
    );
    assert.deepEqual(
      problemsOf({
        resourceRules: {
          cpu: { ...rule, containerLabel: 5 },
          memory: { ...rule, nodeQuery: "" },
          window: "x",
        },
      }),
      [
        "resourceRules.cpu.containerLabel: 5 is no name of a label",
        "resourceRules.memory.nodeQuery: it is missing, so that nothing would be asked",
        'resourceRules.window: "x" is no duration such as 5m',
      ],
    );
    assert.match(
      problemsOf({ resourceRules: { cpu: rule, gpu: {} } }).join(),
      /resourceRules\.gpu: unknown field.*resourceRules\.memory\./,
    );
  });

  it("may use of Go's templates what such files use, and are refused by name else", () => {
    const refusal = (query: string) =>
      problemsOf({
        externalRules: [{ seriesQuery: "x", metricsQuery: query }],
      }).join();
    for (const query of [
      "<<- .Series ->>",
      "<<.LabelValuesByName.pod>>",
      "x{<<.LabelMatchers>>}",
      "<<.GroupBySlice>>",
    ])
      assert.equal(refusal(query), "");
    assert.match(refusal("<<.Serie>>"), /<<\.Serie>> names no field: there are \.Series, \.LabelMatchers/);
    for (const query of [
      "<<if .Series>>a<<end>>",
      "<<.Series | printf>>",
      '<<printf "%s" .Series>>',
      "<<range .GroupBySlice>><<end>>",
      "<<$x := 1>>",
    ])
      assert.match(refusal(query), /is none of what is understood here: <<\.Series>>/, query);
    assert.match(refusal("sum(<<.Series"), /has no >>/);
  });

  it("say by name what cannot be answered without a Prometheus", () => {
    const problems = (metricsQuery: string) =>
      scrapeProblems(rulesOf(stringify({ externalRules: [{ seriesQuery: "x", metricsQuery }] })));
    assert.match(
      problems("histogram_quantile(0.9, sum(rate(<<.Series>>{<<.LabelMatchers>>}[5m])) by (le))").join(),
      /^externalRules\[0\]\.metricsQuery: ".*": histogram_quantile\(\) is none .*\(--prometheus-url/,
    );
    assert.match(
      problems("rate(<<.Series>>[1h])").join(),
      /it looks 3600 s back, where samples are kept for 900 s/,
    );
  });

  it("of any content are read or refused, in bounded time", () => {
    const word = fc.oneof(
      fc.constantFrom(
        "rules",
        "seriesQuery",
        "name",
        "matches",
        "as",
        "overrides",
        "template",
        "<<.Series>>",
        'x{a=~"',
        "(",
        "$1",
        "{}",
        "[]",
        "scrape",
      ),
      fc.string({ maxLength: 12 }),
    );
    const value = fc.letrec((tie) => ({
      any: fc.oneof(
        { maxDepth: 5 },
        word,
        fc.integer(),
        fc.boolean(),
        fc.constant(null),
        fc.array(tie("any"), { maxLength: 4 }),
        fc.dictionary(word, tie("any"), { maxKeys: 5 }),
      ),
    })).any;
    const rule = fc.record(
      {
        seriesQuery: fc.oneof(word, value),
        metricsQuery: fc.oneof(word, value),
        name: fc.oneof(fc.record({ matches: word, as: word }), value),
        resources: fc.oneof(fc.record({ template: word, overrides: value }), value),
        seriesFilters: value,
        scrape: value,
      },
      { requiredKeys: [] },
    );
    const file = fc.oneof(value, fc.record({ rules: fc.array(rule), externalRules: fc.array(rule) }));
    fc.assert(
      fc.property(file, (document) => {
        const problems: string[] = [];
        const rules = readRules(JSON.stringify(document), problems);
        for (const one of [...rules.rules, ...rules.externalRules]) metricName(one, "a_total");
        scrapeProblems(rules);
        for (const problem of problems) assert.ok(problem.length < 1_000, problem);
      }),
      { numRuns: 300 },
    );
    fc.assert(
      fc.property(fc.string({ maxLength: 200 }), (text) => void readRules(text, [])),
      { numRuns: 300 },
    );
  });
});
