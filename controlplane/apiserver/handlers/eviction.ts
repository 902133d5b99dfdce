import type { KubeObject } from "../../../client/types.ts";
import { badRequest, invalid } from "../api-error.ts";
import { listOf, objectOf, stringOf } from "../json.ts";
import { rfc3339 } from "../registry/object-meta.ts";
import { removeObject } from "../registry/remove-object.ts";
import { invalid as fieldInvalid } from "../resources/field-errors.ts";
import { type Answer, type Call, type HandlerDeps, requesterOf } from "./call.ts";
import { readRequest } from "./decode-body.ts";
import { isDryRun, removeOptionsOf } from "./write-options.ts";

const evictionKind = { group: "policy", version: "v1", kind: "Eviction", otherVersions: ["v1beta1"] };

/** POST pods/NAME/eviction: a deletion that disruption budgets could refuse. There are none in this release. */
export async function evict(call: Call, deps: HandlerDeps): Promise<Answer> {
  const object = readRequest(call, deps.schemas, evictionKind);
  if (stringOf(objectOf(object.metadata).name) !== call.target.name)
    throw badRequest("name in URL does not match name in Eviction object");
  const asked = objectOf(object.deleteOptions);
  if (asked.ignoreStoreReadErrorWithClusterBreakingPotential === true)
    throw invalid({ group: "policy", kind: "Eviction" }, call.target.name, [
      fieldInvalid(
        "deleteOptions.ignoreStoreReadErrorWithClusterBreakingPotential",
        true,
        "can not be set for pod eviction, try after removing the option",
      ),
    ]);
  const options = removeOptionsOf(asked);
  const now = rfc3339(deps.clock.wallMs());
  await removeObject(deps, call.served.kind, call.target, {
    ...options,
    by: requesterOf(call),
    dryRun: isDryRun(call.query) || options.dryRun,
    mark: (pod) => noteDisruption(pod, now),
  });
  return {
    type: "json",
    code: 201,
    body: { kind: "Status", apiVersion: "v1", metadata: {}, status: "Success", code: 201 },
  };
}

/** Says in the pod's status that it is disrupted: a Job may not count it as failed. */
function noteDisruption(pod: KubeObject, now: string): void {
  const status = objectOf(pod.status);
  const conditions = listOf(status.conditions);
  const isTarget = (one: unknown) => objectOf(one).type === "DisruptionTarget";
  const before = objectOf(conditions.find(isTarget));
  const condition = {
    type: "DisruptionTarget",
    status: "True",
    lastProbeTime: null,
    lastTransitionTime: before.status === "True" ? (before.lastTransitionTime ?? now) : now,
    reason: "EvictionByEvictionAPI",
    message: "Eviction API: evicting",
  };
  pod.status = { ...status, conditions: [...conditions.filter((one) => !isTarget(one)), condition] };
}
