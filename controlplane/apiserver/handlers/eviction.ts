import type { KubeObject, Pod } from "../../../client/types.ts";
import { ApiError, badRequest, invalid, notFound } from "../api-error.ts";
import { listOf, objectOf, stringOf } from "../json.ts";
import { liveState } from "../registry/current-state.ts";
import { rfc3339 } from "../registry/object-meta.ts";
import { removeObject } from "../registry/remove-object.ts";
import { objectKey } from "../registry/stored-object.ts";
import { invalid as fieldInvalid } from "../resources/field-errors.ts";
import { type AdmittedRequest, admitRequest } from "./admit-request.ts";
import { type Answer, type Call, type HandlerDeps, requesterOf } from "./call.ts";
import { readRequest } from "./decode-body.ts";
import { spendBudget } from "./eviction-budget.ts";
import { isDryRun, removeOptionsOf } from "./write-options.ts";

const evictionKind = { group: "policy", version: "v1", kind: "Eviction", otherVersions: ["v1beta1"] };

/** Conflicts in a row before the caller is to try again by itself. */
const attemptsMax = 20;

/** POST pods/NAME/eviction: a deletion that a disruption budget may refuse. */
export async function evict(call: Call, deps: HandlerDeps): Promise<Answer> {
  const said = readRequest(call, deps.schemas, evictionKind);
  const isDry = isDryRun(call.query);
  const type = { ...evictionKind, version: stringOf(said.apiVersion).split("/").at(-1) ?? "v1" };
  const { object, validate } = await admitRequest(call, deps, { type, said, dryRun: isDry });
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
  await evictPod(call, deps, { ...options, dryRun: isDry || options.dryRun }, validate);
  return {
    type: "json",
    code: 201,
    body: { kind: "Status", apiVersion: "v1", metadata: {}, status: "Success", code: 201 },
  };
}

async function evictPod(
  call: Call,
  deps: HandlerDeps,
  options: ReturnType<typeof removeOptionsOf>,
  validate: AdmittedRequest["validate"],
) {
  const { kind } = call.served;
  const key = objectKey(kind, call.target.namespace, call.target.name);
  if ((await liveState(deps, kind, key)) === undefined) throw notFound(call.served, call.target.name);
  await validate();
  const isFixed = options.preconditions?.resourceVersion !== undefined;
  for (let attempt = 1; ; attempt++) {
    const pod = (await liveState(deps, kind, key))?.object as Pod | undefined;
    if (pod === undefined) throw notFound(call.served, call.target.name);
    const needsNoBudget = isGoing(pod) || pod.status?.phase === "Pending";
    const leave = needsNoBudget
      ? { onlyAsFound: !isGoing(pod) }
      : await spendBudget(deps, pod, { dryRun: options.dryRun, claim: call.claim });
    // Why it may go holds for the pod as it was found.
    const { resourceVersion } = pod.metadata;
    const found = leave.onlyAsFound && !isFixed ? { resourceVersion } : {};
    try {
      await removePod(call, deps, { ...options, preconditions: { ...options.preconditions, ...found } });
      return;
    } catch (error) {
      if (!(error instanceof ApiError) || error.code !== 409 || isFixed || !leave.onlyAsFound) throw error;
      if (leave.refusal !== undefined) throw leave.refusal;
      if (attempt >= attemptsMax) throw error;
    }
  }
}

/** It ended, or ends already. */
const isGoing = ({ status, metadata }: Pod) =>
  status?.phase === "Succeeded" || status?.phase === "Failed" || metadata.deletionTimestamp !== undefined;

function removePod(call: Call, deps: HandlerDeps, options: ReturnType<typeof removeOptionsOf>) {
  const now = rfc3339(deps.clock.wallMs());
  return removeObject(deps, call.served.kind, call.target, {
    ...options,
    by: requesterOf(call),
    isAdmitted: true,
    mark: (pod) => noteDisruption(pod, now),
  });
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
    lastTransitionTime: before.status === "True" ? (before.lastTransitionTime ?? now) : now,
    reason: "EvictionByEvictionAPI",
    message: "Eviction API: evicting",
  };
  pod.status = { ...status, conditions: [...conditions.filter((one) => !isTarget(one)), condition] };
}
