import assert from "node:assert/strict";
import { decodeContinue, encodeContinue } from "./continue-token.ts";

describe("a continue token", () => {
  it("stands for the newest state with every revision below 0, as in Kubernetes", () => {
    for (const revision of [-1, -2, -1000])
      assert.deepEqual(decodeContinue(encodeContinue({ revision, start: "a" })), {
        revision: -1,
        start: "a",
      });
  });
});
