import assert from "node:assert/strict";
import { bytes, id64, message, string } from "../../base/protobuf.ts";
import { utf8 } from "../../base/wire.ts";
import { internalRaftRequest } from "../../proto/etcd.ts";
import { translateV2Request } from "./v2-request.ts";

const v2 = message({ id: id64(1), method: string(2), path: string(3), value: bytes(4) });
const request = (method: string, path: string, value: string) =>
  v2.encode({ id: 5n, method, path, value: utf8(value) });

describe("store/offline: requests of etcd's second API", () => {
  it("says what a member is called and which version all speak as the store does", () => {
    const attributes = request(
      "PUT",
      "/0/members/8e9e05c52164694d/attributes",
      '{"name":"a","clientURLs":["http://b:1"]}',
    );
    const named = internalRaftRequest.decode(translateV2Request(attributes) ?? assert.fail());
    assert.equal(named.header?.id, 5n);
    assert.deepEqual(named.clusterMemberAttrSet, {
      memberId: 0x8e9e05c52164694dn,
      memberAttributes: { name: "a", clientUrls: ["http://b:1"] },
    });
    const version = internalRaftRequest.decode(
      translateV2Request(request("PUT", "/0/version", "3.4.0")) ?? assert.fail(),
    );
    assert.deepEqual(version.clusterVersionSet, { ver: "3.4.0" });
  });

  it("leaves out the time, and refuses keys by name", () => {
    assert.deepEqual(translateV2Request(request("SYNC", "", "")), new Uint8Array(0));
    assert.throws(() => translateV2Request(request("PUT", "/1/foo", "bar")), /second API \(PUT \/1\/foo\)/);
    assert.throws(() => translateV2Request(request("DELETE", "/0/version", "")), /second API \(DELETE/);
  });

  it("takes no request of the third API for one", () => {
    const put = { header: { id: 5n }, put: { key: utf8("PUT"), value: utf8("/0/version") } };
    assert.equal(translateV2Request(internalRaftRequest.encode(put)), undefined);
    const range = { header: { id: 5n }, range: { key: utf8("/0/members/1/attributes") } };
    assert.equal(translateV2Request(internalRaftRequest.encode(range)), undefined);
    assert.equal(translateV2Request(new Uint8Array(0)), undefined);
  });
});
