import assert from "node:assert/strict";
import { NftInputError, nft } from "./nft-text.ts";

describe("text for nft", () => {
  it("takes names, numbers, and addresses and ranges of both families", () => {
    for (const atom of ["tcp", "10.0.0.1", "10.0.0.0/24", "fd00::1", "::", "::/0", "fd00:1::/64", 80])
      assert.equal(nft`a ${atom} b`.text, `a ${atom} b`);
  });

  it("takes nothing that could be more than one word", () => {
    const hostile = [
      "",
      "fd00::1 drop",
      "fd00::1;",
      "fd00::1\nflush ruleset",
      "fd00::1%eth0",
      "fd00::1/129",
      "fd00::1/64/64",
      "fd00::1/",
      "a:b",
      ":",
      "{",
      "[fd00::1]",
      "10.0.0.1:80",
    ];
    for (const atom of hostile) assert.throws(() => nft`a ${atom} b`, NftInputError, JSON.stringify(atom));
  });
});
