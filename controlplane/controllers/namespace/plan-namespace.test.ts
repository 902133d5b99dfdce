import assert from "node:assert/strict";
import { podsFirst } from "./plan-namespace.ts";

describe("controlplane/controllers/namespace order", () => {
  it("removes pods before anything that they use", () => {
    const kind = (plural: string, group = "") => ({ group, plural });
    const served = [kind("configmaps"), kind("secrets"), kind("pods", "metrics.k8s.io"), kind("pods")];
    assert.deepEqual(
      podsFirst(served).map(({ group, plural }) => `${group}/${plural}`),
      ["/pods", "/configmaps", "/secrets", "metrics.k8s.io/pods"],
    );
  });
});
