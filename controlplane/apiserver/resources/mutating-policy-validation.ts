import type {
  MutatingAdmissionPolicy,
  MutatingAdmissionPolicyBinding,
  Mutation,
} from "../../../client/types.ts";
import type { MoreNames } from "../policies/policy.ts";
import type { FieldError } from "../registry/kind.ts";
import { invalid, notSupported, required } from "./field-errors.ts";
import { validateMatchResources } from "./match-resources-validation.ts";
import {
  validateExpression,
  validateOnlyOperations,
  validateParamRef,
  validatePolicyBase,
  validatePolicyName,
} from "./policy-parts-validation.ts";

/** What Kubernetes holds mutating admission policies to (pkg/apis/admissionregistration/validation). */

const operations = ["*", "CONNECT", "CREATE", "UPDATE"];
const reinvocationPolicies = ["IfNeeded", "Never"];
const patchTypes = ["ApplyConfiguration", "JSONPatch"];

/** @param current What is stored, in an update. */
export function validateMutatingPolicy(
  policy: MutatingAdmissionPolicy,
  current?: MutatingAdmissionPolicy,
): readonly FieldError[] {
  const { problems, more } = validatePolicyBase(policy, current, operations);
  const { mutations = [], reinvocationPolicy = "" } = policy.spec ?? {};
  const field = "spec.reinvocationPolicy";
  return [
    ...problems,
    ...(mutations.length === 0
      ? [required("spec.mutations", "mutations must contain at least one item")]
      : []),
    ...mutations.flatMap((one, index) => validateMutation(one, `spec.mutations[${index}]`, more)),
    ...(reinvocationPolicy === "" ? [required(field)] : []),
    ...(reinvocationPolicy === "" || reinvocationPolicies.includes(reinvocationPolicy)
      ? []
      : [notSupported(field, reinvocationPolicy, reinvocationPolicies)]),
  ];
}

function validateMutation(
  mutation: Partial<Mutation>,
  field: string,
  more: MoreNames,
): readonly FieldError[] {
  const { patchType = "", jsonPatch, applyConfiguration } = mutation;
  if (patchType === "") return [required(`${field}.patchType`)];
  const own = patchType === "JSONPatch" ? "jsonPatch" : "applyConfiguration";
  const other = patchType === "JSONPatch" ? "applyConfiguration" : "jsonPatch";
  if (!patchTypes.includes(patchType)) return [notSupported(`${field}.patchType`, patchType, patchTypes)];
  const given = own === "jsonPatch" ? jsonPatch : applyConfiguration;
  const wanted = own === "jsonPatch" ? "list(JSONPatch)" : "Object";
  const text = `must not be specified when patchType is ${patchType}`;
  const problems: FieldError[] = [];
  if (given === undefined)
    problems.push(required(`${field}.${own}`, `must be specified when patchType is ${patchType}`));
  else {
    const expression = given.expression?.trim() ?? "";
    const at = `${field}.${own}.expression`;
    if (expression === "") problems.push(required(at));
    else problems.push(...validateExpression(expression, wanted, at, more));
  }
  if (mutation[other] !== undefined) problems.push(invalid(`${field}.${other}`, `{${other}}`, text));
  return problems;
}

export function validateMutatingBinding({
  spec = {},
}: MutatingAdmissionPolicyBinding): readonly FieldError[] {
  const { policyName, paramRef, matchResources } = spec;
  const field = "spec.matchResources";
  return [
    ...validatePolicyName(policyName, "spec.policyName"),
    ...(paramRef === undefined ? [] : validateParamRef(paramRef, "spec.paramRef")),
    ...(matchResources === undefined
      ? []
      : [
          ...validateMatchResources(matchResources, field),
          ...validateOnlyOperations(matchResources.resourceRules, field, operations),
        ]),
  ];
}
