import assert from "node:assert/strict";
import { unifiedDiff } from "./unified-diff.ts";

const lines = (text: string) => text.split("").join("\n");

describe("the difference of two texts", () => {
  it("is nothing where they are the same", () => {
    assert.equal(unifiedDiff("a\nb", "a\nb"), "");
  });

  it("shows what changed with three lines around it", () => {
    assert.equal(
      unifiedDiff(lines("abcdefgh"), lines("abcdXfgh")),
      "@@ -2,7 +2,7 @@\n b\n c\n d\n-e\n+X\n f\n g\n h\n",
    );
  });

  it("tells changes that are far from each other apart, and near ones together", () => {
    assert.equal(
      unifiedDiff(lines("Abcdefghijklmn"), lines("Xbcdefghijklmn!")),
      "@@ -1,4 +1,4 @@\n-A\n+X\n b\n c\n d\n@@ -12,3 +12,4 @@\n l\n m\n n\n+!\n",
    );
    assert.equal(
      unifiedDiff(lines("abcdef"), lines("XbcdeY")),
      "@@ -1,6 +1,6 @@\n-a\n+X\n b\n c\n d\n e\n-f\n+Y\n",
    );
  });

  it("counts a single line and none as diff does", () => {
    assert.equal(unifiedDiff("a", "b"), "@@ -1 +1 @@\n-a\n+b\n");
    assert.equal(unifiedDiff("a\nb", "b"), "@@ -1,2 +1 @@\n-a\n b\n");
  });
});
