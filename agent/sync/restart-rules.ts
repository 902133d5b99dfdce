import type { Container, Pod } from "../../client/types.ts";
import type { RuntimeContainer } from "../runtime/seam.ts";

type Rule = NonNullable<Container["restartPolicyRules"]>[number];

/** The first of a container's own rules that speaks of the exit code. */
function ruleFor({ restartPolicyRules = [] }: Container, exitCode: number): Rule | undefined {
  return restartPolicyRules.find(({ exitCodes }) => {
    if (exitCodes === undefined) return false;
    const named = (exitCodes.values ?? []).includes(exitCode);
    return exitCodes.operator === "In" ? named : exitCodes.operator === "NotIn" && !named;
  });
}

/** What the container's own rules and policy, else the pod's policy, say after an end with that code. */
export function policyRestarts({ spec }: Pod, container: Container, exitCode: number): boolean {
  if (container.restartPolicy !== undefined) {
    const action = ruleFor(container, exitCode)?.action;
    if (action === "Restart" || action === "RestartAllContainers") return true;
  }
  const policy = container.restartPolicy ?? spec.restartPolicy ?? "Always";
  return policy === "Always" || (policy === "OnFailure" && exitCode !== 0);
}

const endsRound = (container: Container, { state }: RuntimeContainer): boolean =>
  state.phase === "exited" && ruleFor(container, state.exitCode)?.action === "RestartAllContainers";

/** Whether an end of one of the pod's containers may restart them all. */
export function mayRestartAll({ spec }: Pod): boolean {
  return [...spec.containers, ...(spec.initContainers ?? [])].some(({ restartPolicyRules = [] }) =>
    restartPolicyRules.some(({ action }) => action === "RestartAllContainers"),
  );
}

/** Whether a container belongs to the time before one of the pod's ended with the rule that all are to be restarted: it is
 *  to go, and another to take its place. */
export function isOutdated(
  pod: Pod,
  containers: readonly RuntimeContainer[],
  one: RuntimeContainer,
): boolean {
  if (!mayRestartAll(pod)) return false;
  const { spec } = pod;
  return [...spec.containers, ...(spec.initContainers ?? [])].some((container) =>
    containers.some(
      (ended) =>
        ended.name === container.name &&
        ended.state.phase === "exited" &&
        endsRound(container, ended) &&
        (one.name === ended.name ? one.attempt <= ended.attempt : one.createdAtMs < ended.state.finishedAtMs),
    ),
  );
}
