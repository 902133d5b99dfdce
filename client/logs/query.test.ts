import assert from "node:assert/strict";
import fc from "fast-check";
import { RE2JS } from "re2js";
import { logfmtFields } from "./line-fields.ts";
import { lineTest } from "./match-line.ts";
import { needlesOf } from "./needles.ts";
import { parseQuery } from "./parse-query.ts";
import { type FieldOperator, type Query, queryLimits } from "./query.ts";
import { queryText } from "./query-text.ts";
import { regexLiteral } from "./regex-literal.ts";

const parsed = (text: string): Query => {
  const found = parseQuery(text);
  assert.ok("query" in found, "problem" in found ? found.problem.message : "");
  return found.query;
};
const compile = (source: string, ignoresCase: boolean) => {
  const regex = RE2JS.compile(source, ignoresCase ? RE2JS.CASE_INSENSITIVE : 0);
  return (text: string) => regex.matcher(text).find();
};
const matches = (query: string, line: string) => lineTest(parsed(query), compile)(line);

describe("a query for lines of logs", () => {
  for (const [query, line, isFound] of [
    ["", "anything", true],
    ["refused", "connection refused", true],
    ["Refused", "connection refused", false],
    ['"connection refused"', "connection refused", true],
    ['"say \\"no\\""', 'they say "no"', true],
    ["connection refused", "refused a connection", true],
    ["connection and refused", "refused", false],
    ["timeout or refused", "refused", true],
    ["timeout or refused retry", "refused", false],
    ["(timeout or refused) retry", "refused retry", true],
    ["not refused", "refused", false],
    ["!refused", "taken", true],
    ["a NOT b OR c", "a b c", true],
    ["/time(d )?out/", "timed out", true],
    ["/TIME/i", "timed out", true],
    ["/a\\/b/", "a/b", true],
    ["level=error", '{"level":"error"}', true],
    ["level=error", '{"level":"\\u0065rror"}', true],
    ["level=error", '{"msg":"level=error"}', false],
    ["level=error", 'ts=1 level=error msg="x"', true],
    ["level=error", "mylevel=error", false],
    ["level=error", "2026-12-01T00:00:00.000Z error agent: it broke", true],
    ["component=agent.dns", "2026-12-01T00:00:00.000Z error agent.dns: it broke", true],
    ['msg="it broke"', 'level=error msg="it broke" x=1', true],
    ['msg="say \\"no\\""', 'msg="say \\"no\\""', true],
    [".user.id=7", '{"user":{"id":7}}', true],
    [".user.id=7", '{"user":{"id":"7.0"}}', true],
    [".user.id=7", '{"user.id":7}', true],
    [".user.id=7", '{"user":{"id":70}}', false],
    [".user.id=7", "user.id=7", true],
    ["items[1].name=b", '{"items":[{"name":"a"},{"name":"b"}]}', true],
    ["ok=true", '{"ok":true}', true],
    ["ok=null", '{"ok":null}', true],
    ["status>=500", '{"status":503}', true],
    ["status>=500", '{"status":"503"}', true],
    ["status>=500", '{"status":404}', false],
    ["status<500", '{"level":"info"}', false],
    ["took>1.5e-1", "took=0.2", true],
    ["status!=500", '{"level":"info"}', true],
    ["path=~^/api", '{"path":"/api/v1"}', true],
    ["path=~/^\\/api/", '{"path":"/api/v1"}', true],
    ["path!~api", '{"path":"/api/v1"}', false],
    ["a=b", '{"a":{"b":1}}', false],
    ["toString=x", "{}", false],
    ['x=""', '{"x":""}', true],
  ] as const)
    it(`${query} ${isFound ? "finds" : "does not find"} ${line}`, () =>
      assert.equal(matches(query, line), isFound));

  for (const [query, column, message] of [
    ["(a", 1, /no "\)" for this "\("/],
    ["a)", 2, /no "\(" for this "\)"/],
    ["a or", 5, /missing/],
    ["and b", 1, /missing before "and"/],
    ["a and or b", 7, /missing before "or"/],
    ["()", 2, /missing before "\)"/],
    ['say "no', 5, /second '"'/],
    ["/a", 1, /no end/],
    ["/api/v1", 6, /quoted/],
    ["level=", 7, /a value is missing/],
    ["status>high", 8, /compares with a number/],
    ['"\\x"', 3, /after "\\"/],
    ["(".repeat(40), 33, /nested deeper than 32/],
    ["not ".repeat(40), 129, /nested deeper than 32/],
    ["a ".repeat(65), 129, /64 terms/],
    ["a".repeat(4097), 4097, /4096 characters/],
  ] as const)
    it(`says of ${query.slice(0, 20)} what is wrong, and where`, () => {
      const found = parseQuery(query);
      assert.ok("problem" in found);
      assert.match(found.problem.message, message);
      assert.equal(found.problem.column, column);
    });

  const word = fc.stringMatching(/^[ab]{1,2}$/);
  const value = fc.oneof(
    word,
    fc.string({ unit: "grapheme", maxLength: 8 }),
    fc.integer({ min: 0, max: 5 }).map(String),
  );
  const terms = fc.oneof(
    value.map((text): Query => ({ kind: "text", text })),
    fc
      .constantFrom("a+b", "x.*y", "[0-9]{2}", "error")
      .map((source): Query => ({ kind: "regex", source, ignoresCase: false, column: 0 })),
    fc
      .record({
        path: fc.array(word, { minLength: 1, maxLength: 3 }),
        operator: fc.constantFrom<FieldOperator>("=", "!="),
        value,
      })
      .map((one): Query => ({ kind: "field", ...one, column: 0 })),
  );
  const { query: queries } = fc.letrec<{ query: Query }>((tie) => ({
    query: fc.oneof(
      { depthSize: "small", withCrossShrink: true },
      terms,
      fc.record({ kind: fc.constant("not" as const), part: tie("query") }),
      fc
        .record({
          kind: fc.constantFrom("and" as const, "or" as const),
          parts: fc.array(tie("query"), { minLength: 2, maxLength: 3 }),
        })
        .map(
          ({ kind, parts }): Query => ({
            kind,
            parts: parts.flatMap((part) => (part.kind === kind ? part.parts : [part])),
          }),
        ),
    ),
  }));

  it("is the same when it is written down and read again", () => {
    fc.assert(
      fc.property(queries, (query) => {
        const text = queryText(query);
        fc.pre(text.length < queryLimits.charsMost);
        const found = parseQuery(text);
        if ("problem" in found) fc.pre(!/terms|nested/.test(found.problem.message));
        assert.deepEqual(withoutColumns(parsed(text)), withoutColumns(query));
      }),
    );
  });

  it("is read, or refused with a column in it, whatever is typed", () => {
    const typed = fc.array(fc.constantFrom(...'ab=<>~!.()/\\"[0] \n', " or ", " not ", "\\u00e9", "é"), {
      maxLength: 60,
    });
    fc.assert(
      fc.property(typed, (parts) => {
        const text = parts.join("");
        const found = parseQuery(text);
        if ("problem" in found)
          assert.ok(found.problem.column >= 1 && found.problem.column <= text.length + 1);
      }),
      { numRuns: 2_000 },
    );
  });

  it("finds no line without what it says that every line must have", () => {
    const json = fc.dictionary(word, fc.oneof(value, fc.integer(), fc.boolean()), { maxKeys: 4 });
    const lines = fc.oneof(
      fc.string({ unit: "grapheme" }),
      json.map((one) => JSON.stringify(one)),
      json.map((one) =>
        JSON.stringify(one).replace(/[a-z]/, (c) => `\\u${c.charCodeAt(0).toString(16).padStart(4, "0")}`),
      ),
      json.map((one) =>
        Object.entries(one)
          .map(([key, said]) => `${key}=${JSON.stringify(said)}`)
          .join(" "),
      ),
    );
    let found = 0;
    fc.assert(
      fc.property(queries, fc.array(lines, { minLength: 5, maxLength: 20 }), (query, tried) => {
        const needles = needlesOf(query);
        const test = lineTest(query, compile);
        for (const line of tried) {
          if (!test(line) || needles === undefined) continue;
          found += 1;
          const isEscaped = needles.mayBeEscaped && line.includes("\\u");
          assert.ok(
            isEscaped || needles.anyOf.some((one) => line.includes(one)),
            `${queryText(query)}: ${line}`,
          );
        }
      }),
      { numRuns: 500 },
    );
    assert.ok(found > 20, String(found));
  });
});

function withoutColumns(query: Query): unknown {
  return JSON.parse(JSON.stringify(query, (key, value) => (key === "column" ? undefined : value)));
}

describe("a text that all matches of a regular expression have", () => {
  for (const [source, literal] of [
    ["status=5\\d\\d", "status=5"],
    ["a.*connection reset", "connection reset"],
    ["ab+c", "ab"],
    ["colou?r", "colo"],
    ["(GET|POST) /api", " /api"],
    ["GET|POST", undefined],
    ["(?i)error", undefined],
    ["{a|b}xyz", undefined],
    ["x{2}yz", "yz"],
    ["\\[error\\]", "[error]"],
    ["[[:alpha:]|)]bc", "bc"],
    ["\\d+", undefined],
  ] as const)
    it(`of ${source} is ${literal}`, () => assert.equal(regexLiteral(source), literal));

  it("is in whatever matches", () => {
    const part = fc.constantFrom(
      "a",
      "b",
      "ab",
      ".",
      "\\d",
      "[ab]",
      "[^a]",
      "(a|b)",
      "(?:ab)",
      "|",
      "{",
      "}",
      "{2}",
      "+",
      "*",
      "?",
      "\\.",
      "^",
      "$",
    );
    const text = fc.stringMatching(/^[ab.{}1]{0,12}$/);
    let found = 0;
    fc.assert(
      fc.property(
        fc.array(part, { minLength: 1, maxLength: 8 }),
        fc.array(text, { minLength: 5, maxLength: 10 }),
        (parts, lines) => {
          const source = parts.join("");
          const literal = regexLiteral(source);
          if (literal === undefined) return;
          let test: (line: string) => boolean;
          try {
            test = compile(source, false);
          } catch {
            return;
          }
          for (const line of lines)
            if (test(line)) {
              found += 1;
              assert.ok(line.includes(literal), `${source} matches ${line} without ${literal}`);
            }
        },
      ),
      { numRuns: 1_000 },
    );
    assert.ok(found > 50, String(found));
  });
});

describe("the fields of a line that is no JSON", () => {
  it("are listed as they can be asked for", () => {
    const line = 'level=error msg="two \\"words\\"" status=504 status=1 path=/a?b=c (took=1.5s) =x 1st=no';
    assert.deepEqual(logfmtFields(line), [
      ["level", "error"],
      ["msg", 'two "words"'],
      ["status", "504"],
      ["path", "/a?b=c"],
      ["took", "1.5s)"],
    ]);
    for (const [name, value] of logfmtFields(line))
      assert.ok(matches(`${name}=${JSON.stringify(value)}`, line), name);
    assert.deepEqual(logfmtFields("plain words"), []);
    assert.equal(logfmtFields(Array.from({ length: 300 }, (_, at) => `f${at}=1`).join(" ")).length, 100);
  });
});
