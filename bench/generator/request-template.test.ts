import assert from "node:assert/strict";
import { putRequest, txnRequest } from "../../proto/etcd.ts";
import { LeaseTemplate, leaseIdOf } from "./lease-template.ts";
import { keyOf, patchedByBoth, RequestTemplate } from "./request-template.ts";

const value = new Uint8Array(300).fill(120);
const put = (key: Uint8Array) => putRequest.encode({ key, value });
const compareAndPut = (key: Uint8Array) =>
  txnRequest.encode({
    compare: [{ target: "VERSION", result: "GREATER", key, version: 0 }],
    success: [{ requestPut: { key, value } }],
    failure: [{ requestPut: { key, value } }],
  });

describe("the template of a request", () => {
  for (const [name, encode] of Object.entries({ put, compareAndPut }))
    it(`is the ${name} about any key, with gRPC's prefix, where its digits are patched`, () => {
      const template = new RequestTemplate(encode);
      for (const n of [0, 7, 90_210, 99_999_999]) {
        const into = Buffer.concat([Buffer.alloc(3), template.bytes]);
        template.patch(into, 3, n);
        assert.equal(into.readUInt32BE(4), into.length - 8);
        assert.deepEqual(into.subarray(8), Buffer.from(encode(keyOf(n))));
      }
    });

  it("may be patched for its key and its lease, which are in the same bytes", () => {
    const leased = (key: Uint8Array, lease: bigint) => putRequest.encode({ key, value, lease });
    const byKey = new RequestTemplate((key) => leased(key, leaseIdOf(0)));
    const template = patchedByBoth(byKey, new LeaseTemplate((lease) => leased(keyOf(0), lease)));
    const into = Buffer.from(template.bytes);
    template.patch(into, 0, 30_000_123);
    assert.deepEqual(into.subarray(5), Buffer.from(leased(keyOf(30_000_123), leaseIdOf(30_000_123))));
    assert.throws(() => patchedByBoth(byKey, new RequestTemplate(put)), /different requests/);
  });
});
