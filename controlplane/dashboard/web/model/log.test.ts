import assert from "node:assert/strict";
import { RE2JS } from "re2js";
import { LogBuffer } from "./log-buffer.ts";
import { cellsOf, jsonLineOf, type LogLine, levelOf, readLogLine, shownText, stampUs } from "./log-line.ts";
import { LogRows, type LogWish } from "./log-rows.ts";
import { patternMatcher, textMatcher } from "./log-search.ts";
import { logPath, logSources, podSelector, readRange, shortNames } from "./log-sources.ts";

const line = (atUs: number, text = String(atUs), source = 0): LogLine => ({ atUs, stamp: "", text, source });
const texts = (buffer: LogBuffer) => buffer.lines.map(({ text }) => text);
const wish: LogWish = {
  matcher: undefined,
  onlyMatches: false,
  leastLevel: undefined,
  wrapCells: undefined,
  readsJson: false,
};

describe("the dashboard's logs", () => {
  it("reads stamps to the microsecond, with offsets, and lines without one", () => {
    assert.equal(stampUs("1970-01-01T00:00:01.000002999Z"), 1_000_002);
    assert.equal(stampUs("1970-01-01T01:00:00+01:00"), 0);
    assert.equal(stampUs("1970-01-01T00:00:00.5Z"), 500_000);
    assert.ok(Number.isNaN(stampUs("yesterday")));
    assert.deepEqual(readLogLine("1970-01-01T00:00:00.1Z  two  words", 3, 7), {
      atUs: 100_000,
      stamp: "1970-01-01T00:00:00.1Z",
      text: " two  words",
      source: 3,
    });
    assert.deepEqual(readLogLine("no time here", 1, 7), {
      atUs: 7,
      stamp: "",
      text: "no time here",
      source: 1,
    });
    assert.match(readLogLine("x".repeat(20_000), 0, 0).text, /^x{16384}… \(3616 more characters\)$/);
  });

  it("knows how grave a line is", () => {
    const cases: Readonly<Record<string, string | undefined>> = {
      '{"level":"warning","msg":"x"}': "warn",
      '{"time":1,"level":50,"msg":"x"}': "error",
      'level=error msg="x"': "error",
      "E0102 10:11:12.1 1 file.go:1] x": "error",
      "W0102 10:11:12.1 1 file.go:1] x": "warn",
      "2026-01-01 INFO started": "info",
      "[error] 3#3: open() failed": "error",
      "panic: runtime error": "error",
      "DEBUG: x": "debug",
      "no errors were found": undefined,
      "Error budget of the week": undefined,
    };
    for (const [text, level] of Object.entries(cases)) assert.equal(levelOf(text), level, text);
  });

  it("reads JSON lines: the message first, then fields", () => {
    const text = '{"level":"info","ts":1,"msg":"served","http":{"path":"/a b","code":200},"tags":["x"]}';
    assert.deepEqual(jsonLineOf(text), {
      message: "served",
      fields: [
        ["http.path", "/a b"],
        ["http.code", "200"],
        ["tags", '["x"]'],
      ],
    });
    assert.equal(shownText(text, true), 'served  http.path="/a b"  http.code=200  tags="[\\"x\\"]"');
    assert.equal(shownText(text, false), text);
    assert.equal(shownText("{broken", true), "{broken");
    assert.equal(shownText("\x1b[31mred\x1b[0m", true), "red");
  });

  it("counts cells of wide letters and tabs", () => {
    assert.equal(cellsOf("abc"), 3);
    assert.equal(cellsOf("漢字"), 4);
    assert.equal(cellsOf("a\tb"), 10);
  });

  it("merges what several containers wrote by time, those of one time in the order they came", () => {
    const buffer = new LogBuffer({ linesMost: 100, charsMost: 1000 });
    assert.equal(buffer.add([line(1), line(5), line(9)]), 0);
    assert.equal(buffer.add([line(5, "later"), line(7), line(6)]), 2);
    assert.deepEqual(texts(buffer), ["1", "5", "later", "6", "7", "9"]);
    assert.equal(buffer.add([line(10)]), 6);
  });

  it("keeps the last lines within bounds, and counts the others", () => {
    const buffer = new LogBuffer({ linesMost: 100, charsMost: 1_000_000 });
    for (let at = 0; at < 250; at++) buffer.add([line(at)]);
    assert.ok(buffer.lines.length <= 100 && buffer.lines.length >= 90);
    assert.equal(buffer.dropped + buffer.lines.length, 250);
    assert.equal(buffer.line(249)?.text, "249");
    assert.equal(buffer.line(buffer.first)?.atUs, buffer.first);
    const wide = new LogBuffer({ linesMost: 1000, charsMost: 100 });
    for (let at = 0; at < 50; at++) wide.add([line(at, "x".repeat(10))]);
    assert.ok(wide.lines.length <= 10 && wide.lines.length >= 9);
  });

  it("shows rows that follow the buffer as lines come between, and go", () => {
    const buffer = new LogBuffer({ linesMost: 20, charsMost: 10_000 });
    const rows = new LogRows(buffer, { ...wish, matcher: textMatcher("ODD"), onlyMatches: true });
    const all = () => true;
    const parity = (at: number) => line(at * 10, at % 2 ? `odd ${at}` : `even ${at}`);
    rows.changed(buffer.add([0, 1, 2, 3, 5].map(parity)));
    rows.read(all);
    assert.deepEqual(rows.numbers, [1, 3, 4]);
    rows.changed(buffer.add([parity(4), line(45, "odd between")]));
    rows.read(all);
    assert.deepEqual(
      rows.numbers.map((number) => buffer.line(number)?.text),
      ["odd 1", "odd 3", "odd between", "odd 5"],
    );
    rows.changed(buffer.add(Array.from({ length: 20 }, (_, at) => parity(10 + at))));
    assert.equal(rows.forget(), 4);
    rows.read(all);
    assert.ok(rows.numbers.every((number) => buffer.line(number)?.text.startsWith("odd")));
    assert.deepEqual(rows.numbers, rows.matches);
    assert.equal(rows.unread, 0);
  });

  it("reads in steps", () => {
    const buffer = new LogBuffer({ linesMost: 1000, charsMost: 10_000 });
    buffer.add(Array.from({ length: 1000 }, (_, at) => line(at)));
    const rows = new LogRows(buffer, wish);
    rows.read(() => false);
    assert.ok(rows.numbers.length > 0 && rows.unread > 0);
    rows.read(() => true);
    assert.equal(rows.numbers.length, 1000);
  });

  it("knows where rows stand whose lines go on in the next", () => {
    const buffer = new LogBuffer({ linesMost: 100, charsMost: 10_000 });
    buffer.add([line(0, "short"), line(1, "x".repeat(25)), line(2, ""), line(3, "漢".repeat(6))]);
    const rows = new LogRows(buffer, { ...wish, wrapCells: 10 });
    rows.read(() => true);
    assert.deepEqual(
      [0, 1, 2, 3, 4].map((row) => rows.top(row)),
      [0, 1, 4, 5, 7],
    );
    assert.equal(rows.height, 7);
    assert.deepEqual(
      [0, 1, 3, 4, 6].map((top) => rows.rowAt(top)),
      [0, 1, 1, 2, 3],
    );
  });

  it("hides what is less grave", () => {
    const buffer = new LogBuffer({ linesMost: 100, charsMost: 10_000 });
    buffer.add([
      line(0, "level=info a"),
      line(1, "level=error b"),
      line(2, "level=warn c"),
      line(3, "d"),
      line(4, "gone", -1),
    ]);
    const rows = new LogRows(buffer, { ...wish, leastLevel: "warn" });
    rows.read(() => true);
    assert.deepEqual(rows.numbers, [1, 2, 4]);
  });

  it("finds texts as they stand and patterns in linear time", () => {
    assert.deepEqual(textMatcher("a.b(").places("xA.B( a-b( a.b("), [
      [1, 5],
      [11, 15],
    ]);
    const pattern = patternMatcher("co(de|st)=\\d+", RE2JS);
    assert.deepEqual(pattern.places("code=12 COST=3"), [
      [0, 7],
      [8, 14],
    ]);
    const startedMs = performance.now();
    assert.ok(!patternMatcher("(a+)+$", RE2JS).has(`${"a".repeat(5_000)}b`));
    // A backtracking engine would take longer than there is time.
    assert.ok(performance.now() - startedMs < 5_000);
    assert.throws(() => patternMatcher("(", RE2JS));
  });

  it("finds the containers of pods, the oldest pods' first, and which have something to say", () => {
    const pod = (name: string, born: string, state: object) => ({
      metadata: { name, namespace: "n", creationTimestamp: born },
      spec: { containers: [{ name: "c" }] },
      status: { containerStatuses: [{ name: "c", state }] },
    });
    const found = logSources([
      pod("new", "2026-01-02", { waiting: { reason: "ErrImagePull" } }),
      pod("old", "2026-01-01", { running: {} }),
      pod("bad", "2026-01-03", { waiting: { reason: "CrashLoopBackOff" } }),
    ]);
    assert.deepEqual(
      found.map(({ pod: name, hasStarted }) => [name, hasStarted]),
      [
        ["old", true],
        ["new", false],
        ["bad", true],
      ],
    );
  });

  it("asks each log for what is wanted of it", () => {
    const source = { namespace: "n", pod: "p", container: "c", hasStarted: true, isRunning: true };
    const of = (params: { since?: string; from?: string; until?: string }, more: object = {}) =>
      logPath(source, {
        range: readRange({ since: "", from: "", until: "", ...params }),
        previous: false,
        tailLines: 50,
        after: "",
        ...more,
      }).replace("/api/v1/namespaces/n/pods/p/log?container=c&timestamps=true&", "");
    assert.equal(of({}), "follow=true&tailLines=50");
    assert.equal(of({ since: "15m" }), "follow=true&sinceSeconds=900&tailLines=50");
    assert.equal(of({ since: "soon" }), "follow=true&tailLines=50");
    assert.equal(of({}, { previous: true }), "previous=true&tailLines=50");
    assert.equal(
      of({ since: "1h" }, { after: "2026-01-01T00:00:00Z" }),
      "follow=true&sinceTime=2026-01-01T00%3A00%3A00Z",
    );
    assert.equal(
      of({ from: "2026-01-01T00:00Z", until: "2026-01-02T00:00Z" }),
      "sinceTime=2026-01-01T00%3A00%3A00.000Z",
    );
  });

  it("shortens names to what differs, and knows an object's pods", () => {
    assert.deepEqual(shortNames(["web-abc-1x", "web-abc-2y"]), ["1x", "2y"]);
    assert.deepEqual(shortNames(["web-1", "web-12"]), ["1", "12"]);
    assert.deepEqual(shortNames(["web-", "web-1"]), ["web-", "web-1"]);
    assert.deepEqual(shortNames(["one"]), ["one"]);
    const metadata = { name: "x" };
    assert.equal(
      podSelector("apps/deployments", { metadata, spec: { selector: { matchLabels: { a: "b" } } } }),
      "a=b",
    );
    assert.equal(podSelector("core/services", { metadata, spec: { selector: { a: "b" } } }), "a=b");
    assert.equal(podSelector("core/services", { metadata, spec: {} }), undefined);
    assert.equal(podSelector("core/secrets", { metadata, spec: {} }), undefined);
  });
});
