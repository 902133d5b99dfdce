import assert from "node:assert/strict";
import fc from "fast-check";
import { AddressPool, parseRange } from "./address-pool.ts";

describe("AddressPool", () => {
  it("never gives one address to two owners, nor the network's own ones", () => {
    fc.assert(
      fc.property(
        fc.array(fc.tuple(fc.boolean(), fc.integer({ min: 0, max: 9 })), { maxLength: 60 }),
        (steps) => {
          const pool = new AddressPool(parseRange("10.0.0.0/28"));
          for (const [take, owner] of steps) {
            if (take) pool.acquire(`pod-${owner}`);
            else pool.release(`pod-${owner}`);
            const addresses = pool.entries().map(([, address]) => address);
            assert.equal(new Set(addresses).size, addresses.length);
            for (const reserved of ["10.0.0.0", "10.0.0.1", "10.0.0.15"])
              assert.ok(!addresses.includes(reserved));
          }
        },
      ),
    );
  });

  it("answers the same address to the same owner, also after a restart", () => {
    const pool = new AddressPool(parseRange("10.0.0.0/24"));
    const address = pool.acquire("a");
    pool.acquire("b");
    const again = new AddressPool(parseRange("10.0.0.0/24"), pool.entries());
    assert.equal(again.acquire("a"), address);
    assert.notEqual(again.acquire("c"), address);
  });

  it("hands out IPv6 addresses alike, to the last of a range", () => {
    const pool = new AddressPool(parseRange("fd00:1::/126"));
    assert.equal(pool.gateway, "fd00:1::1");
    assert.equal(pool.acquire("a"), "fd00:1::2");
    assert.throws(() => pool.acquire("b"), /no free pod address: all 1 of fd00:1::\/126/);
    const wide = new AddressPool(parseRange("fd00:1::/64"), [["a", "fd00:1::ffff"]]);
    assert.equal(wide.acquire("b"), "fd00:1::1:0");
    assert.equal(wide.addressOf("b"), "fd00:1::1:0");
    assert.throws(
      () => new AddressPool(parseRange("fd00:1::/64"), [["a", "10.0.0.2"]]),
      /is not an IPv6 address/,
    );
  });

  it("says so when the range is used up", () => {
    const pool = new AddressPool(parseRange("10.0.0.0/30"));
    assert.equal(pool.acquire("a"), "10.0.0.2");
    assert.throws(() => pool.acquire("b"), /no free pod address: all 1 of 10\.0\.0\.0\/30/);
  });

  it("refuses ranges that are none", () => {
    for (const text of [
      "10.0.0.0",
      "10.0.0.1/24",
      "10.0.0.0/33",
      "300.0.0.0/24",
      "::/40",
      "fd00::1/64",
      "fd00::/127",
    ])
      assert.throws(() => parseRange(text), Error, text);
  });
});
