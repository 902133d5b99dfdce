import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import type { KubeObject } from "../../../client/types.ts";
import { jobs } from "./jobs.ts";

interface Recorded {
  readonly spec: Record<string, unknown>;
  /** What kube-apiserver 1.36.3 says of a Job with this spec, `field: message` each. */
  readonly problems: readonly string[];
}
const file = new URL("testdata/job-problems.json", import.meta.url);
const recorded: readonly Recorded[] = JSON.parse(readFileSync(file, "utf8"));

const jobWith = (spec: Record<string, unknown>): KubeObject => {
  const containers = [{ name: "c", image: "i" }];
  const object: KubeObject = {
    apiVersion: "batch/v1",
    kind: "Job",
    metadata: { name: "x", namespace: "default", uid: "u", resourceVersion: "", creationTimestamp: "" },
    spec: { template: { spec: { restartPolicy: "Never", containers } }, ...structuredClone(spec) },
  };
  jobs.applyDefaults(object);
  jobs.prepareForCreate?.(object);
  return object;
};

describe("job, validated as Kubernetes does", () => {
  for (const { spec, problems } of recorded)
    it(JSON.stringify(spec), () => {
      const found = jobs.validate(jobWith(spec)).map(({ field, message }) => `${field}: ${message}`);
      assert.deepEqual(found.sort(), [...problems].sort());
    });

  it("never changes its policies, its limit per index and its manager", () => {
    const rules = [{ succeededCount: 1 }];
    const current = jobWith({
      completionMode: "Indexed",
      completions: 2,
      backoffLimitPerIndex: 1,
      maxFailedIndexes: 1,
      successPolicy: { rules },
    });
    const problems = (change: Record<string, unknown>) => {
      const next = structuredClone(current);
      Object.assign(next.spec as object, change);
      const found = jobs.validateUpdate?.(next, current) ?? [];
      return found.filter(({ message }) => message.endsWith("is immutable")).map(({ field }) => field);
    };
    for (const [field, value] of Object.entries({
      backoffLimitPerIndex: 2,
      managedBy: "example.com/a",
      successPolicy: { rules: [{ succeededCount: 2 }] },
      podFailurePolicy: { rules: [] },
    }))
      assert.deepEqual(problems({ [field]: value }), [`spec.${field}`]);
    assert.deepEqual(problems({ maxFailedIndexes: 2 }), []);
  });
});
