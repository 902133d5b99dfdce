import assert from "node:assert/strict";
import fc from "fast-check";
import { RE2JS } from "re2js";
import { parseQuery } from "../../../../client/logs/parse-query.ts";
import { parseSearchRequest } from "../../../../client/logs/search-request.ts";
import { barsOf } from "./count-bars.ts";
import { FoundLines, RecordReader } from "./found-lines.ts";
import { anyMatcher, exactMatcher, patternMatcher } from "./log-search.ts";
import {
  countsPath,
  entriesPath,
  isAskable,
  readView,
  searchCommand,
  soughtIn,
  withField,
} from "./search-logs.ts";

const viewOf = (address: string) => {
  const params = new URLSearchParams(address);
  return readView((name) => params.get(name) ?? "");
};
const nowMs = Date.UTC(2026, 11, 1, 8);

describe("the page of logs", () => {
  it("asks the API only for what it takes, whatever stands in the address", () => {
    const word = fc.oneof(
      fc.string({ maxLength: 12 }),
      fc.constantFrom(
        "containers",
        "components",
        "events",
        "audit",
        "1h",
        "x",
        "stdout",
        "oldest",
        "1",
        "pod",
      ),
      fc.constantFrom("2026-12-01T07:00:00Z", "2026-12-01T06:00:00.5+01:00"),
    );
    const names = [
      "source",
      "ns",
      "pod",
      "c",
      "component",
      "node",
      "stream",
      "range",
      "from",
      "until",
      "order",
      "follow",
      "by",
    ];
    fc.assert(
      fc.property(fc.dictionary(fc.constantFrom(...names), word), (given) => {
        const view = readView((name) => given[name] ?? "");
        for (const path of [entriesPath(view, 10), countsPath({ ...view, isFollowing: false })]) {
          const read = parseSearchRequest(new URL(path, "http://x").searchParams, nowMs);
          // Times that are the wrong way round, or of a length with too many steps, are for people to see.
          const problem = "problem" in read ? read.problem : undefined;
          assert.ok(problem === undefined || problem.parameter === "since", JSON.stringify(problem));
        }
      }),
    );
  });

  it("keeps what a source has no use for out of its questions", () => {
    const view = viewOf("source=events&labels=app%3Dweb&pod=web-1&node=n1&ns=shop&q=reason%3DFailed");
    assert.equal(
      entriesPath(view, 500),
      "/apis/logs.pintle.dev/v1/namespaces/shop/entries?query=reason%3DFailed&source=events&since=1h&order=newest&limit=500",
    );
    assert.equal(searchCommand(view), "pintle logs --all reason=Failed -n shop --source events --since 1h");
    assert.equal(viewOf("source=components&ns=shop").namespace, "");
  });

  it("asks for what comes behind a line, with what is of its time once more", () => {
    const view = viewOf("q=x&from=2026-12-01T06:00:00Z");
    const params = (path: string) => Object.fromEntries(new URL(path, "http://x").searchParams);
    const older = params(entriesPath(view, 5, { until: "2026-12-01T07:00:00.000001Z" }));
    assert.deepEqual(
      [older.since, older.until, older.order],
      ["2026-12-01T06:00:00Z", "2026-12-01T07:00:00.000001Z", "newest"],
    );
    const newer = params(entriesPath({ ...view, isOldestFirst: true }, 5, { since: "2026-12-01T07:00:00Z" }));
    assert.deepEqual([newer.since, newer.until, newer.order], ["2026-12-01T07:00:00Z", undefined, "oldest"]);
  });

  it("says the same as a command, which a shell reads as it is", () => {
    assert.equal(
      searchCommand(viewOf('q=it\'s "here"&labels=app in (a,b)&until=2026-12-01T07:00:00Z&order=oldest')),
      "pintle logs --all 'it'\\''s \"here\"' -l 'app in (a,b)' --until 2026-12-01T07:00:00Z --oldest-first",
    );
    assert.equal(
      searchCommand(viewOf("follow=1&pod=web-1&stream=stderr")),
      "pintle logs --all --pod web-1 --stream stderr -f",
    );
  });

  it("adds fields to a query, which stays readable", () => {
    assert.equal(withField("", "status", "504", "="), "status=504");
    assert.equal(withField("a or b", "user.id", "7", "!="), "(a or b) user.id!=7");
    assert.equal(withField("a", "msg", 'two "words"', "="), 'a msg="two \\"words\\""');
    assert.ok(isAskable("http.code") && !isAskable("a b") && !isAskable("1st"));
    fc.assert(
      fc.property(fc.string(), (value) => {
        const read = parseQuery(withField("x", "field", value, "="));
        assert.ok("query" in read && read.query.kind === "and");
        assert.deepEqual(
          read.query.parts.map((part) => (part.kind === "field" ? part.value : "")),
          ["", value],
        );
      }),
    );
  });

  it("marks what is looked for, and nothing that must not be there", () => {
    assert.deepEqual(soughtIn('a "b c" not d level=error level!=info /e+/i'), [
      { kind: "text", text: "a" },
      { kind: "text", text: "b c" },
      { kind: "text", text: "error" },
      { kind: "regex", source: "e+", ignoresCase: true },
    ]);
    assert.deepEqual(soughtIn("("), []);
    const both = anyMatcher([exactMatcher("aa"), patternMatcher("A+b", RE2JS, true)]);
    assert.deepEqual(both.places("aaab aa Aa"), [
      [0, 4],
      [5, 7],
    ]);
  });
});

describe("what a search answers", () => {
  const source = (id: number, pod: string) => ({
    id,
    kind: "container" as const,
    namespace: "shop",
    pod,
    podUid: "u",
    container: "app",
  });
  const entry = (text: string, micros = 0, from = 1) => ({
    source: from,
    time: `2026-12-01T08:00:00.${String(micros).padStart(6, "0")}000Z`,
    text,
  });

  it("is read in pieces that end anywhere", () => {
    const records = [
      { entry: entry("grüße") },
      { alive: { searchedBytes: 1 } },
      { end: { entries: 1, isLimited: false, searchedBytes: 1 } },
    ];
    const text = `${records.map((one) => JSON.stringify(one)).join("\n")}\n`;
    fc.assert(
      fc.property(fc.array(fc.nat(text.length), { maxLength: 5 }), (cuts) => {
        const at = [0, ...cuts.sort((a, b) => a - b), text.length];
        const reader = new RecordReader();
        const read = at.slice(1).flatMap((end, index) => reader.read(text.slice(at[index], end)));
        assert.deepEqual(read, records);
      }),
    );
    assert.throws(() => new RecordReader(8).read("123456789"), /too long/);
  });

  it("is one list over several answers, which number their sources anew, and shows no line twice", () => {
    const found = new FoundLines({ linesMost: 10, charsMost: 1_000 });
    found.begin();
    found.takeSource(source(1, "a"));
    found.takeSource(source(2, "b"));
    for (const one of [entry("3", 9), entry("2", 5, 2), entry("2", 5, 1)]) found.takeEntry(one);
    found.begin();
    found.takeSource(source(1, "b"));
    found.takeSource(source(2, "a"));
    for (const one of [entry("2", 5, 1), entry("2", 5, 2), entry("more", 5, 2), entry("1", 1, 1)])
      found.takeEntry(one);
    assert.deepEqual(
      found.lines.map(({ text, source: at }) => `${found.sources[at]?.pod} ${text}`),
      ["a 3", "b 2", "a 2", "a more", "b 1"],
    );
    assert.equal(found.sources.length, 2);
  });

  it("lets the oldest lines go while it follows", () => {
    const found = new FoundLines({ linesMost: 10, charsMost: 1_000 });
    for (let at = 0; at < 25; at++) found.takeEntry(entry(String(at), at), true);
    assert.ok(found.lines.length <= 11);
    assert.equal(found.lines.length + found.dropped, 25);
    assert.equal(found.lines.at(-1)?.text, "24");
  });

  it("is bounded in letters, too, and knows how many lines come again", () => {
    const found = new FoundLines({ linesMost: 1_000, charsMost: 100 });
    for (let at = 0; at < 50; at++) found.takeEntry(entry("ten letters", at), true);
    assert.ok(found.lines.length <= 10);
    assert.equal(found.lines.length + found.dropped, 50);
    const whole = new FoundLines({ linesMost: 1_000, charsMost: 20 });
    for (const one of [entry("a".repeat(15), 1), entry("b".repeat(15), 2), entry("c", 2)])
      whole.takeEntry(one);
    assert.deepEqual([whole.lines.length, whole.isFull, whole.edgeLines], [3, true, 2]);
  });

  it("is counted in bars, the largest series below, small ones together", () => {
    const series = Array.from({ length: 12 }, (_, at) => ({ name: `p${at}`, counts: [at, 1] }));
    const { bars, names, totals, total, most } = barsOf({
      from: "2026-12-01T08:00:00Z",
      stepMs: 60_000,
      series,
    });
    assert.deepEqual(names, ["p11", "p10", "p9", "p8", "p7", "p6", "p5", "5 others"]);
    assert.deepEqual([totals[7], total, most], [15, 78, 66]);
    assert.deepEqual(bars[0]?.parts[1], { series: 1, from: 11, count: 10 });
    assert.equal(bars[1]?.fromMs, Date.parse("2026-12-01T08:01:00Z"));
    assert.deepEqual(barsOf({ from: "2026-12-01T08:00:00Z", stepMs: 1, series: [] }).bars, []);
  });
});
