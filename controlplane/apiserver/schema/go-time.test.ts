import assert from "node:assert/strict";
import { goTimeError, writtenTime } from "./go-time.ts";

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

describe("a time that is to be exact to the microsecond has six digits for it, no more and no less", () => {
  const as = (text: string, rest: string, element: string) =>
    `parsing time "${text}" as "2006-01-02T15:04:05.000000Z07:00": cannot parse "${rest}" as "${element}"`;
  const at = "2020-01-01T00:00:00";
  const cases: readonly [text: string, problem: string | undefined][] = [
    [`${at}.123456Z`, undefined],
    [`${at}.123456+01:00`, undefined],
    ["yesterday", as("yesterday", "yesterday", "2006")],
    [`${at}Z`, as(`${at}Z`, "Z", ".000000")],
    [`${at}.5Z`, as(`${at}.5Z`, ".5Z", ".000000")],
    [`${at}.12345aZ`, as(`${at}.12345aZ`, ".12345aZ", ".000000")],
    [`${at}.1234567Z`, as(`${at}.1234567Z`, "7Z", "Z07:00")],
    ["2020-01-01T00:00", as("2020-01-01T00:00", "", ":")],
    ["2020-01-01T00:00:61.123456Z", 'parsing time "2020-01-01T00:00:61.123456Z": second out of range'],
  ];
  for (const [text, problem] of cases) it(text, () => assert.equal(goTimeError(text, "micro"), problem));
});

describe("times are written in UTC", () => {
  const cases: readonly [text: string, precision: "seconds" | "micro", wanted: string][] = [
    ["2020-01-01T00:00:00Z", "seconds", "2020-01-01T00:00:00Z"],
    ["2020-01-01T00:30:00.987+01:00", "seconds", "2019-12-31T23:30:00Z"],
    ["2020-01-01T00:00:00.999999999Z", "seconds", "2020-01-01T00:00:00Z"],
    ["2020-01-01T00:00:00.123456Z", "micro", "2020-01-01T00:00:00.123456Z"],
    ["2020-01-01T00:00:00,123456-02:00", "micro", "2020-01-01T02:00:00.123456Z"],
  ];
  for (const [text, precision, wanted] of cases)
    it(`${text} to ${precision}`, () => assert.equal(writtenTime(text, precision), wanted));
});
