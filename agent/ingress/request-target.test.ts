import assert from "node:assert/strict";
import fc from "fast-check";
import { hostOf, wildcardOf } from "./host-name.ts";
import { comparedPath, encodedPath, requestTarget, specifiedPath } from "./request-target.ts";

describe("a request's target", () => {
  const paths: readonly (readonly [given: string, compared: string | undefined])[] = [
    ["/", "/"],
    ["/a/b", "/a/b"],
    ["/a/b/", "/a/b/"],
    ["/a//b", "/a/b"],
    ["/a/./b", "/a/b"],
    ["/a/../b", "/b"],
    ["/../../b", "/b"],
    ["/public/..%2fadmin", "/admin"],
    ["/public/%2e%2e/admin", "/admin"],
    ["/public/..\\admin", "/admin"],
    ["/a/..", "/"],
    ["/a/b/.", "/a/b/"],
    ["/.hidden", "/.hidden"],
    ["/%61dmin", "/admin"],
    ["/caf%C3%A9", specifiedPath("/café")],
    ["/a%00b", undefined],
    ["/a%zzb", undefined],
    ["/a%2", undefined],
  ];
  for (const [given, compared] of paths)
    it(`reads ${given} as ${compared ?? "none"}`, () => assert.equal(comparedPath(given), compared));

  it("is refused where readers might differ", () => {
    for (const text of ["", "*", "a", "http:/a", "/a b", "/a\tb", "/a#b", "/a\r\nb", "/\u0100"])
      assert.equal(requestTarget(text), undefined, JSON.stringify(text));
  });

  it("keeps what came, and the query as it is", () => {
    assert.deepEqual(requestTarget("/a/../b?x=%zz&y=/../"), {
      rawPath: "/a/../b",
      path: "/b",
      query: "?x=%zz&y=/../",
    });
  });

  it("is compared alike, however often", () => {
    const piece = fc.constantFrom("a", ".", "..", "%2e", "%2f", "/", "\\", "%41", "é");
    fc.assert(
      fc.property(fc.array(piece), (pieces) => {
        const compared = comparedPath(`/${pieces.join("")}`) ?? "/";
        assert.ok(!/\/\/|\/\.\.?(\/|$)/.test(compared.replaceAll("\\", "")), compared);
        assert.equal(comparedPath(encodedPath(compared)), compared);
      }),
    );
  });
});

describe("a host", () => {
  it("is a name or an address, without its port", () => {
    assert.equal(hostOf("Shop.Example:8443"), "shop.example");
    assert.equal(hostOf("shop.example."), "shop.example");
    assert.equal(hostOf("10.0.0.1:80"), "10.0.0.1");
    assert.equal(hostOf("[::1]:80"), "[::1]");
    for (const text of [
      "",
      ":80",
      "a@b",
      "a/b",
      "a b",
      "a..b",
      "[::g]",
      "a:80:80",
      "a\r\nb",
      "-a",
      "[::1]x",
      "a:x",
    ])
      assert.equal(hostOf(text), undefined, JSON.stringify(text));
  });

  it("has a wildcard for its first label", () => {
    assert.equal(wildcardOf("a.b.c"), "*.b.c");
    assert.equal(wildcardOf("a"), undefined);
    assert.equal(wildcardOf("a."), undefined);
  });
});
