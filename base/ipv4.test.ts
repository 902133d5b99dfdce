import assert from "node:assert/strict";
import fc from "fast-check";
import { contains, hardwareAddressFor, ipv4Text, overlap, parseIpv4, parseIpv4Range } from "./ipv4.ts";

describe("base/ipv4", () => {
  it("converts addresses both ways", () => {
    fc.assert(
      fc.property(fc.integer({ min: 0, max: 2 ** 32 - 1 }), (n) => assert.equal(parseIpv4(ipv4Text(n)), n)),
    );
  });

  it("makes hardware addresses that are locally administered and one machine's", () => {
    assert.equal(hardwareAddressFor("10.244.1.1"), "02:50:0a:f4:01:01");
  });

  it("takes nothing but four decimal bytes", () => {
    const none = [
      "",
      "10.0.0",
      "10.0.0.256",
      "010.0.0.1",
      "10.0.0.1\n",
      " 10.0.0.1",
      "10.0.0.1; drop",
      "1e1.0.0.1",
    ];
    for (const text of none) assert.equal(parseIpv4(text), undefined, JSON.stringify(text));
  });

  it("takes blocks with nothing set behind their prefix, and writes them anew", () => {
    assert.deepEqual(parseIpv4Range("10.0.0.0/24"), {
      first: 10 * 2 ** 24,
      prefixBits: 24,
      size: 256,
      text: "10.0.0.0/24",
    });
    for (const text of ["10.0.0.1/24", "10.0.0.0", "10.0.0.0/33", "10.0.0.0/24\nflush ruleset", "::/0"])
      assert.equal(parseIpv4Range(text), undefined, JSON.stringify(text));
  });

  it("says what lies in a block", () => {
    const [whole, one, two] = ["10.0.0.0/22", "10.0.0.0/24", "10.0.1.0/24"].map(parseIpv4Range);
    assert.ok(whole && one && two);
    assert.equal(overlap(one, two), false);
    assert.equal(overlap(whole, two), true);
    assert.equal(contains(one, parseIpv4("10.0.0.255") ?? 0), true);
    assert.equal(contains(one, parseIpv4("10.0.1.0") ?? 0), false);
  });
});
