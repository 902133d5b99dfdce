import assert from "node:assert/strict";
import { putRequest, txnRequest } from "../../proto/etcd.ts";
import { keyOf, RequestTemplate } from "./request-template.ts";

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
});
