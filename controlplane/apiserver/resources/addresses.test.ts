import assert from "node:assert/strict";
import { canonicalIpAddress, endpointAddress, ipAddress, ipRange } from "./addresses.ts";

const texts = (problems: readonly { readonly message: string }[]) => problems.map(({ message }) => message);
const no = (value: string, detail: string) => [`Invalid value: ${JSON.stringify(value)}: ${detail}`];

describe("addresses in fields", () => {
  it("are taken in every form that says one thing only", () => {
    for (const value of [
      "10.9.8.7",
      "0.0.0.0",
      "2001:db8::ffff",
      "FE80:0:0:0:0:0:0:0abc",
      "::1",
      "1::1.2.3.4",
    ])
      assert.deepEqual(texts(ipAddress("f", value)), [], value);
  });
  it("are refused with Kubernetes' words", () => {
    const form = "must be a valid IP address, (e.g. 10.9.8.7 or 2001:db8::ffff)";
    for (const value of [
      "",
      "x",
      "10.0.0",
      "10.0.0.256",
      "10.0.0.1\nflush ruleset",
      "10.0.0.1/24",
      "fe80::1%eth0",
      " 10.0.0.1",
    ])
      assert.deepEqual(texts(ipAddress("f", value)), no(value, form), value);
    assert.deepEqual(texts(ipAddress("f", "010.2.3.4")), no("010.2.3.4", "must not have leading 0s"));
    for (const value of ["::ffff:1.2.3.4", "0:0:0:0:0:ffff:102:304"])
      assert.deepEqual(texts(ipAddress("f", value)), no(value, "must not be an IPv4-mapped IPv6 address"));
  });
  it("have one spelling where a field says so", () => {
    assert.deepEqual(texts(canonicalIpAddress("f", "2001:db8::1")), []);
    assert.deepEqual(
      texts(canonicalIpAddress("f", "2001:0DB8::1")),
      no("2001:0DB8::1", 'must be in canonical form ("2001:db8::1")'),
    );
  });
  it("are no endpoints where nobody outside a host can be", () => {
    const cases = {
      "0.0.0.0": "may not be unspecified (0.0.0.0)",
      "::": "may not be unspecified (::)",
      "127.0.0.1": "may not be in the loopback range (127.0.0.0/8, ::1/128)",
      "::1": "may not be in the loopback range (127.0.0.0/8, ::1/128)",
      "169.254.169.254": "may not be in the link-local range (169.254.0.0/16, fe80::/10)",
      "fe80::1": "may not be in the link-local range (169.254.0.0/16, fe80::/10)",
      "224.0.0.9": "may not be in the link-local multicast range (224.0.0.0/24, ff02::/10)",
      "ff02::1": "may not be in the link-local multicast range (224.0.0.0/24, ff02::/10)",
      nonsense: "must be a valid IP address",
    };
    for (const [value, text] of Object.entries(cases))
      assert.deepEqual(texts(endpointAddress("f", value)), no(value, text));
    assert.deepEqual(texts(endpointAddress("f", "10.0.0.1")), []);
    assert.deepEqual(texts(endpointAddress("f", "127.0.0.1", { loopback: true })), []);
  });
  it("and ranges are refused with Kubernetes' words", () => {
    for (const value of ["10.9.8.0/24", "0.0.0.0/0", "2001:db8::/64", "::/0", "10.0.0.1/32"])
      assert.deepEqual(texts(ipRange("f", value)), [], value);
    const cases = {
      "10.0.0.0": "must be a valid CIDR value, (e.g. 10.9.8.0/24 or 2001:db8::/64)",
      "10.0.0.0/33": "must be a valid CIDR value, (e.g. 10.9.8.0/24 or 2001:db8::/64)",
      "10.0.0.0/24\n": "must be a valid CIDR value, (e.g. 10.9.8.0/24 or 2001:db8::/64)",
      "10.0.0.1/24": "must not have bits set beyond the prefix length",
      "2001:db8::1/64": "must not have bits set beyond the prefix length",
      "10.0.0.0/024": "must not have leading 0s in IP or prefix length",
      "::ffff:10.0.0.0/104": "must not have an IPv4-mapped IPv6 address",
    };
    for (const [value, text] of Object.entries(cases))
      assert.deepEqual(texts(ipRange("f", value)), no(value, text));
  });
});
