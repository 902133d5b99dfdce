import assert from "node:assert/strict";
import { byPriority } from "./version-priority.ts";

describe("versions of a group", () => {
  it("are ordered as Kubernetes' documentation orders its example", () => {
    const ordered = [
      "v10",
      "v2",
      "v1",
      "v11beta2",
      "v10beta3",
      "v3beta1",
      "v12alpha1",
      "v11alpha2",
      "foo1",
      "foo10",
    ];
    assert.deepEqual([...ordered].reverse().sort(byPriority), ordered);
  });
});
