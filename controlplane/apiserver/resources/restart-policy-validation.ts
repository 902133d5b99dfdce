import type { Container } from "../../../client/types.ts";
import type { FieldError } from "../registry/kind.ts";
import { notSupported, required, tooMany } from "./field-errors.ts";

const policies = ["Always", "Never", "OnFailure"];
const actions = ["Restart", "RestartAllContainers"];
const operators = ["In", "NotIn"];
const rulesMost = 20;
const valuesMost = 255;

/** `restartPolicy` and `restartPolicyRules` of a container at `field`. */
export function validateContainerRestarts(container: Container, field: string): readonly FieldError[] {
  const { restartPolicy: policy, restartPolicyRules: rules = [] } = container;
  const problems: FieldError[] = [];
  if (policy === undefined) {
    if (rules.length === 0) return [];
    problems.push(
      required(`${field}.restartPolicy`, "must specify restartPolicy when restart rules are used"),
    );
  } else if (!policies.includes(policy))
    problems.push(notSupported(`${field}.restartPolicy`, policy, policies));
  if (rules.length > rulesMost)
    problems.push(tooMany(`${field}.restartPolicyRules`, rules.length, rulesMost));
  for (const [index, { action, exitCodes }] of rules.entries()) {
    const at = `${field}.restartPolicyRules[${index}]`;
    if (!actions.includes(action ?? "")) problems.push(notSupported(`${at}.action`, action ?? "", actions));
    if (exitCodes === undefined) {
      problems.push(required(`${at}.exitCodes`, "must be specified"));
      continue;
    }
    const { operator = "", values = [] } = exitCodes;
    if (!operators.includes(operator))
      problems.push(notSupported(`${at}.exitCodes.operator`, operator, operators));
    if (values.length > valuesMost)
      problems.push(tooMany(`${at}.exitCodes.values`, values.length, valuesMost));
  }
  return problems;
}
