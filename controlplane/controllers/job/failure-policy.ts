import type { Job, Pod } from "../../../client/types.ts";

type Policy = NonNullable<Job["spec"]["podFailurePolicy"]>;
type Rule = Policy["rules"][number];
type ContainerStatus = NonNullable<NonNullable<Pod["status"]>["containerStatuses"]>[number];

/** What the Job's podFailurePolicy says of a failed pod. */
export interface FailureVerdict {
  /** Undefined: no rule matches. */
  readonly action: "Ignore" | "Count" | "FailIndex" | "FailJob" | undefined;
  /** Whether the failure counts towards the Job's limits. */
  readonly counts: boolean;
  /** With FailJob: why. */
  readonly message?: string;
}

/** The first rule that matches decides. Pure. Kubernetes' matchPodFailurePolicy. */
export function failureVerdict({ spec }: Job, pod: Pod): FailureVerdict {
  for (const [index, rule] of (spec.podFailurePolicy?.rules ?? []).entries()) {
    const matched = matchedBy(rule, pod);
    if (matched === undefined) continue;
    switch (rule.action) {
      case "Ignore":
        return { action: "Ignore", counts: false };
      case "FailJob": {
        const message = `${matched} matching FailJob rule at index ${index}`;
        return { action: "FailJob", counts: true, message };
      }
      case "Count":
      case "FailIndex":
        return { action: rule.action, counts: true };
    }
  }
  return { action: undefined, counts: true };
}

/** What of the pod the rule matches, in words. */
function matchedBy(rule: Rule, pod: Pod): string | undefined {
  const { name, namespace } = pod.metadata;
  if (rule.onExitCodes !== undefined) {
    const container = exitMatching(rule.onExitCodes, pod);
    return (
      container &&
      `Container ${container.name} for pod ${namespace}/${name} failed with exit code ${container.state?.terminated?.exitCode}`
    );
  }
  for (const { type, status } of pod.status?.conditions ?? [])
    if (
      (rule.onPodConditions ?? []).some(
        (wanted) => wanted.type === type && (wanted.status ?? "True") === status,
      )
    )
      return `Pod ${namespace}/${name} has condition ${type}`;
  return undefined;
}

function exitMatching(
  { containerName, operator, values }: NonNullable<Rule["onExitCodes"]>,
  { status }: Pod,
): ContainerStatus | undefined {
  return [...(status?.containerStatuses ?? []), ...(status?.initContainerStatuses ?? [])].find(
    ({ name, state }) => {
      const code = state?.terminated?.exitCode;
      if (code === undefined || code === 0) return false;
      if (containerName !== undefined && containerName !== name) return false;
      return values.includes(code) === (operator === "In");
    },
  );
}
