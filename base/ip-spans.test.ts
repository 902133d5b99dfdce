import assert from "node:assert/strict";
import { parseAddress } from "./ip-range.ts";
import { isInSpans, parseIpSpans } from "./ip-spans.ts";

describe("spans of addresses", () => {
  it("are read from first and last, from ranges and from single addresses", () => {
    const { spans, problems } = parseIpSpans([
      "10.0.0.200-10.0.0.220",
      "10.1.0.16/28",
      "10.2.0.1",
      "FD00::0:1-fd00::ff",
      "fd01::/64",
    ]);
    assert.deepEqual(problems, []);
    assert.deepEqual(
      spans.map(({ text }) => text),
      [
        "10.0.0.200-10.0.0.220",
        "10.1.0.16-10.1.0.31",
        "10.2.0.1",
        "fd00::1-fd00::ff",
        "fd01::-fd01::ffff:ffff:ffff:ffff",
      ],
    );
    const isIn = (address: string) => isInSpans(spans, parseAddress(address) ?? assert.fail());
    for (const inside of [
      "10.0.0.200",
      "10.0.0.220",
      "10.1.0.16",
      "10.1.0.31",
      "10.2.0.1",
      "fd00::1",
      "fd00::ff",
      "fd01::5",
    ])
      assert.ok(isIn(inside), inside);
    for (const outside of [
      "10.0.0.199",
      "10.0.0.221",
      "10.1.0.15",
      "10.1.0.32",
      "10.2.0.0",
      "fd00::",
      "fd00::100",
      "::10.0.0.200",
    ])
      assert.ok(!isIn(outside), outside);
  });

  it("are named where they are none, overlap, or are too many", () => {
    const problemsOf = (...texts: string[]) => parseIpSpans(texts).problems;
    for (const text of [
      "",
      "10.0.0",
      "10.0.0.2-10.0.0.1",
      "10.0.0.1-10.0.0.2-10.0.0.3",
      "10.0.0.1-fd00::1",
      "fd00::2-fd00::1",
      "10.0.0.1/33",
    ])
      assert.deepEqual(problemsOf(text), [
        `${JSON.stringify(text)} is not FIRST-LAST, a range or an address`,
      ]);
    assert.deepEqual(problemsOf("10.0.0.0/24", "10.0.0.255"), ['"10.0.0.255" overlaps another']);
    assert.deepEqual(problemsOf("fd00::/64", "fd00::5"), ['"fd00::5" overlaps another']);
    assert.deepEqual(problemsOf("10.0.0.0/16", "::/0"), []);
    assert.deepEqual(problemsOf("10.0.0.0/16", "10.1.0.0"), ["65537 addresses are more than 65536"]);
  });
});
