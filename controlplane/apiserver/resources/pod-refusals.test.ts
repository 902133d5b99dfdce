import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import type { KubeObject } from "../../../client/types.ts";
import { dropDisabledPod } from "./disabled-fields.ts";
import { pods } from "./pods.ts";

/** Pod specs, each with what kube-apiserver 1.36.3 says of it (sorted, for Go tells maps in any order); nothing where it
 *  takes the pod. A container is added where the spec names none. */
const cases: readonly (readonly [object, ...string[]])[] = JSON.parse(
  readFileSync(join(import.meta.dirname, "testdata/pod-refusals.json"), "utf8"),
);

function problemsOf(spec: object): readonly string[] {
  const whole = { containers: [{ name: "c", image: "i" }], ...structuredClone(spec) };
  const metadata = { name: "x", namespace: "default", uid: "u" };
  const pod = { apiVersion: "v1", kind: "Pod", metadata, spec: whole } as unknown as KubeObject;
  pods.applyDefaults(pod);
  pods.prepareForCreate?.(pod);
  dropDisabledPod(pod as never);
  const problems = [...pods.validate(pod), ...(pods.validateCreate?.(pod) ?? [])];
  return problems.map(({ field, message }) => `${field}: ${message}`).sort();
}

describe("what is wrong with a pod is what Kubernetes says of it:", () => {
  for (const [spec, ...problems] of cases)
    it(JSON.stringify(spec).slice(0, 120), () => assert.deepEqual(problemsOf(spec), problems));
});
