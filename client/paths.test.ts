import assert from "node:assert/strict";
import fc from "fast-check";
import { objectPath, resourcePath } from "./paths.ts";
import { resources } from "./resources.ts";
import type { Ref } from "./types.ts";

const { pods, nodes } = resources;
const collections = ["/api/v1/pods", "/api/v1/namespaces/default/pods"];

describe("client/paths", () => {
  it("leads to an object, a collection, or all namespaces", () => {
    assert.equal(objectPath(pods, { namespace: "a", name: "b" }, "log"), "/api/v1/namespaces/a/pods/b/log");
    assert.equal(objectPath(nodes, { name: "system:node" }), "/api/v1/nodes/system%3Anode");
    assert.equal(resourcePath(pods, { namespace: "a" }), "/api/v1/namespaces/a/pods");
    for (const namespace of [undefined, ""]) assert.equal(resourcePath(pods, { namespace }), "/api/v1/pods");
  });

  it("leads one object's request to no collection and out of no namespace", () => {
    for (const name of ["", undefined, null, ".", "..", "../services/a", "a%2Fb", 5, {}] as string[])
      assert.throws(() => objectPath(pods, { namespace: "default", name }), TypeError, String(name));
    for (const namespace of ["", undefined, ".", "..", "a/b", {}] as string[])
      assert.throws(() => objectPath(pods, { namespace, name: "a" }), TypeError, String(namespace));
  });

  it("keeps whatever it is given in its place, or refuses it", () => {
    const text = fc.oneof(fc.string(), fc.constantFrom(".", "..", "a/..", "%2e%2e", "?x", "#x", "a b", "\\"));
    const segments = fc.record({ namespace: text, name: text }) as fc.Arbitrary<Required<Ref>>;
    fc.assert(
      fc.property(segments, (ref) => {
        let path: string;
        try {
          path = objectPath(pods, ref);
        } catch (error) {
          return assert.ok(error instanceof TypeError || error instanceof URIError);
        }
        const url = new URL(path, "http://localhost");
        const [, , , , namespace = "", , name = "", ...more] = url.pathname.split("/");
        assert.deepEqual([namespace, name].map(decodeURIComponent), [ref.namespace, ref.name]);
        assert.deepEqual([more, url.search, url.hash], [[], "", ""]);
        assert.ok(!collections.includes(url.pathname));
      }),
    );
  });
});
