import assert from "node:assert/strict";
import { goTimeError } from "./go-time.ts";

describe("a time that is none is refused in Go's words", () => {
  const as = (text: string, rest: string, element: string) =>
    `parsing time "${text}" as "2006-01-02T15:04:05Z07:00": cannot parse "${rest}" as "${element}"`;
  const cases: readonly [text: string, problem: string | undefined][] = [
    ["2020-02-29T00:00:00Z", undefined],
    ["2020-02-29T23:59:59.123456+01:00", undefined],
    ["soon", as("soon", "soon", "2006")],
    ["2020-01-01", as("2020-01-01", "", "T")],
    ["2020-01-01T00:00:00", as("2020-01-01T00:00:00", "", "Z07:00")],
    ["2020-13-01T00:00:00Z", 'parsing time "2020-13-01T00:00:00Z": month out of range'],
    ["2021-02-29T00:00:00Z", 'parsing time "2021-02-29T00:00:00Z": day out of range'],
    ["2021-02-28T00:00:00Zx", 'parsing time "2021-02-28T00:00:00Zx": extra text: "x"'],
  ];
  for (const [text, problem] of cases) it(text, () => assert.equal(goTimeError(text), problem));
});
