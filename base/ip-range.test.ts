import assert from "node:assert/strict";
import fc from "fast-check";
import {
  addressText,
  canonicalAddress,
  ipRangeText,
  nthAddress,
  parseAddress,
  parseIpRange,
  rangesOverlap,
} from "./ip-range.ts";

describe("base/ip-range", () => {
  const shown = (text: string) => {
    const range = parseIpRange(text);
    return range === undefined ? undefined : ipRangeText(range);
  };

  it("reads blocks of both families, and nothing else", () => {
    assert.equal(shown("10.244.3.7/16"), "10.244.0.0/16");
    assert.equal(shown("fd00:10:0244::1/56"), "fd00:10:244::/56");
    assert.equal(shown("::ffff:1.2.3.4/128"), "::ffff:102:304/128");
    assert.equal(shown("::/0"), "::/0");
    for (const bad of ["10.0.0.0", "10.0.0.0/33", "fd00::/129", "10.0.0/8", "fd00::1%eth0/64", "x/8"])
      assert.equal(parseIpRange(bad), undefined, bad);
  });

  it("writes IPv6 as URLs do", () => {
    fc.assert(
      fc.property(
        fc.array(fc.constantFrom(0, 0, 0, 1, 0x10, 0xabcd), { minLength: 8, maxLength: 8 }),
        (groups) => {
          const value = groups.reduce((sum, group) => (sum << 16n) | BigInt(group), 0n);
          const text = addressText(6, value);
          assert.equal(`[${text}]`, new URL(`http://[${text}]`).hostname);
          assert.deepEqual(parseAddress(text), { family: 6, value });
        },
      ),
    );
  });

  it("writes an address in one way only, and counts a block's", () => {
    assert.equal(canonicalAddress("FD00:0:0::0001"), "fd00::1");
    assert.equal(canonicalAddress("10.0.0.1"), "10.0.0.1");
    for (const none of ["010.0.0.1", "fd00::1%lo", "fd00::1/64", "", "1"])
      assert.equal(canonicalAddress(none), undefined);
    const range = parseIpRange("fd00:96::/112") ?? assert.fail();
    assert.equal(nthAddress(range, 10), "fd00:96::a");
    assert.equal(nthAddress(parseIpRange("10.96.0.0/16") ?? assert.fail(), 256), "10.96.1.0");
  });

  it("knows what overlaps", () => {
    const overlap = (a: string, b: string) => {
      const [left, right] = [parseIpRange(a), parseIpRange(b)];
      assert.ok(left && right);
      return rangesOverlap(left, right);
    };
    assert.ok(overlap("10.0.0.0/8", "10.1.0.0/16") && overlap("fd00::/56", "fd00::/48"));
    assert.ok(!overlap("10.0.0.0/16", "10.1.0.0/16") && !overlap("0.0.0.0/0", "::/0"));
  });
});
