import assert from "node:assert/strict";
import fc from "fast-check";
import { evaluatorsFor } from "../../../client/rules/quota-kinds.ts";
import type { KubeObject, Pod, ResourceQuota } from "../../../client/types.ts";
import { meta, nowMs, pod } from "../testing/objects.ts";
import { planQuota } from "./plan-quota.ts";

const pods = fc.array(
  fc.record({
    cpuMillis: fc.nat(5000),
    phase: fc.constantFrom("Pending", "Running", "Succeeded", "Failed"),
    isTerminating: fc.boolean(),
  }),
  { maxLength: 20 },
);
const made = (
  { cpuMillis, phase, isTerminating }: typeof pods extends fc.Arbitrary<(infer T)[]> ? T : never,
  at: number,
): Pod =>
  pod(`p${at}`, {
    phase,
    spec: {
      containers: [{ name: "c", resources: { requests: { cpu: `${cpuMillis}m` } } }],
      ...(isTerminating && { activeDeadlineSeconds: 60 }),
    },
  });

describe("controlplane/controllers/resourcequota: any quota", () => {
  it("shows the sum over what has not ended and is in its scopes, and is settled after one look", () => {
    const scopes = fc.constantFrom(undefined, "Terminating", "NotTerminating");
    fc.assert(
      fc.property(pods, scopes, (given, scope) => {
        const hard = { pods: "5", "requests.cpu": "10" };
        const quota: ResourceQuota = {
          apiVersion: "v1",
          kind: "ResourceQuota",
          metadata: meta("q"),
          spec: { hard, ...(scope !== undefined && { scopes: [scope] }) },
        };
        const objects: readonly KubeObject[] = given.map(made);
        const counted = evaluatorsFor(Object.keys(hard)).map((evaluator) => ({ evaluator, objects }));
        const { status } = planQuota({ quota, counted, nowMs });
        assert.ok(status?.used);
        const within = given.filter(
          ({ phase, isTerminating }) =>
            !["Succeeded", "Failed"].includes(phase) &&
            (scope === undefined || isTerminating === (scope === "Terminating")),
        );
        assert.equal(Number(status.used.pods), within.length);
        const millis = within.reduce((sum, { cpuMillis }) => sum + cpuMillis, 0);
        const text = String(status.used["requests.cpu"]);
        assert.equal(text.endsWith("m") ? Number.parseInt(text, 10) : Number(text) * 1000, millis, text);
        assert.equal(planQuota({ quota: { ...quota, status }, counted, nowMs }).status, undefined);
      }),
      { numRuns: 300 },
    );
  });
});
