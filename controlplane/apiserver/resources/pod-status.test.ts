import assert from "node:assert/strict";
import type { Pod } from "../../../client/types.ts";
import { completePodStatus, validatePodStatus } from "./pod-status-validation.ts";

const pod = (status: object, spec: object = {}): Pod =>
  ({ metadata: { name: "p", uid: "u" }, spec: { containers: [{ name: "c" }], ...spec }, status }) as never;

describe("a pod's status", () => {
  it("keeps its class and what was observed before where it does not say", () => {
    const observed = (type: string, observedGeneration?: number) => ({
      type,
      status: "True",
      ...(observedGeneration !== undefined && { observedGeneration }),
    });
    const before = pod({ qosClass: "Burstable", observedGeneration: 3, conditions: [observed("Ready", 3)] });
    const next = pod({ conditions: [observed("Ready"), observed("Other")] });
    completePodStatus(next, before);
    assert.deepEqual(next.status, {
      qosClass: "Burstable",
      observedGeneration: 3,
      conditions: [observed("Ready", 3), observed("Other")],
    });
    const newer = pod({ qosClass: "Burstable", observedGeneration: 4, conditions: [observed("Ready", 4)] });
    completePodStatus(newer, before);
    assert.equal(newer.status?.observedGeneration, 4);
  });

  it("keeps an address that was there, whatever it is, and names no node for a pod that has one", () => {
    const odd = { podIPs: [{ ip: "x" }] };
    assert.deepEqual(validatePodStatus(pod(odd), pod(odd)), []);
    assert.equal(validatePodStatus(pod(odd), pod({})).length, 1);
    const problems = validatePodStatus(pod({ nominatedNodeName: "n" }), pod({}, { nodeName: "m" }));
    assert.deepEqual(
      problems.map(({ field, message }) => `${field}: ${message}`),
      ["status.nominatedNodeName: Forbidden: may not be set on pods that are already bound to a node"],
    );
    assert.deepEqual(validatePodStatus(pod({ podIPs: [{ ip: "1.2.3.4" }, { ip: "::1" }] }), pod({})), []);
  });

  it("names for a scheduler's claim of devices containers and resources that there are, each once", () => {
    const spec = { containers: [{ name: "c", resources: { requests: { "acme.io/gpu": "1" } } }] };
    const problemsOf = (extendedResourceClaimStatus: object) =>
      validatePodStatus(pod({ extendedResourceClaimStatus }, spec), pod({}, spec)).map(
        ({ field, message }) => `${field.replace("status.extendedResourceClaimStatus.", "")}: ${message}`,
      );
    const mapping = { containerName: "c", resourceName: "acme.io/gpu", requestName: "r" };
    assert.deepEqual(problemsOf({ requestMappings: [mapping], resourceClaimName: "made" }), []);
    assert.deepEqual(problemsOf({ requestMappings: [], resourceClaimName: "" }), [
      "requestMappings: Required value: at least one request mapping is required",
      "resourceClaimName: Required value",
    ]);
    const requestMappings = [mapping, mapping, { ...mapping, containerName: "d" }];
    const other = { ...mapping, resourceName: "cpu", requestName: "-" };
    assert.deepEqual(
      problemsOf({ requestMappings: [...requestMappings, other], resourceClaimName: "-" }).map(
        (text) => text.split(":")[0] + (text.includes("must match") ? " is nobody's" : ""),
      ),
      [
        "requestMappings[1].containerName",
        "requestMappings[1].resourceName",
        "requestMappings[1].requestName",
        "requestMappings[2].containerName is nobody's",
        "requestMappings[3].resourceName is nobody's",
        "requestName",
        "resourceClaimName",
      ],
    );
  });
});
