import assert from "node:assert/strict";
import { parseIpv4 } from "./ipv4.ts";
import { isInSpans, parseIpv4Spans } from "./ipv4-spans.ts";

describe("spans of IPv4 addresses", () => {
  it("are read from first and last, from ranges and from single addresses", () => {
    const { spans, problems } = parseIpv4Spans(["10.0.0.200-10.0.0.220", "10.1.0.16/28", "10.2.0.1"]);
    assert.deepEqual(problems, []);
    assert.deepEqual(
      spans.map(({ text }) => text),
      ["10.0.0.200-10.0.0.220", "10.1.0.16-10.1.0.31", "10.2.0.1"],
    );
    const isIn = (address: string) => isInSpans(spans, parseIpv4(address) ?? assert.fail());
    for (const inside of ["10.0.0.200", "10.0.0.220", "10.1.0.16", "10.1.0.31", "10.2.0.1"])
      assert.ok(isIn(inside), inside);
    for (const outside of ["10.0.0.199", "10.0.0.221", "10.1.0.15", "10.1.0.32", "10.2.0.0"])
      assert.ok(!isIn(outside), outside);
  });

  it("are named where they are none, overlap, or are too many", () => {
    const problemsOf = (...texts: string[]) => parseIpv4Spans(texts).problems;
    for (const text of [
      "",
      "10.0.0",
      "10.0.0.2-10.0.0.1",
      "10.0.0.1-10.0.0.2-10.0.0.3",
      "fd00::1",
      "10.0.0.1/28",
    ])
      assert.deepEqual(problemsOf(text), [
        `${JSON.stringify(text)} is not FIRST-LAST, a range or an address of IPv4`,
      ]);
    assert.deepEqual(problemsOf("10.0.0.0/24", "10.0.0.255"), ['"10.0.0.255" overlaps another']);
    assert.deepEqual(problemsOf("10.0.0.0/16"), []);
    assert.deepEqual(problemsOf("10.0.0.0/16", "10.1.0.0"), ["65537 addresses are more than 65536"]);
  });
});
