import { qualifiedName } from "../../../client/rules/names.ts";
import type {
  AuditAnnotation,
  ValidatingAdmissionPolicy,
  ValidatingAdmissionPolicyBinding,
  Validation,
} from "../../../client/types.ts";
import { compileExpression } from "../policies/expressions.ts";
import type { MoreNames } from "../policies/policy.ts";
import type { FieldError } from "../registry/kind.ts";
import { duplicate, invalid, notSupported, required } from "./field-errors.ts";
import { validateMatchResources } from "./match-resources-validation.ts";
import {
  validateExpression,
  validateParamRef,
  validatePolicyBase,
  validatePolicyName,
} from "./policy-parts-validation.ts";

/** What Kubernetes holds admission policies to (pkg/apis/admissionregistration/validation). */

type Spec = NonNullable<ValidatingAdmissionPolicy["spec"]>;

const reasons = ["Forbidden", "Invalid", "RequestEntityTooLarge"];
const annotationsMax = 20;
const valueExpressionBytesMax = 5 * 1024;

/** @param current What is stored, in an update: conditions that it does not change were right once. */
export function validatePolicy(
  policy: ValidatingAdmissionPolicy,
  current?: ValidatingAdmissionPolicy,
): readonly FieldError[] {
  const { problems, more } = validatePolicyBase(policy, current);
  return [...problems, ...validateWhatIsSaid(policy.metadata.name, policy.spec ?? {}, more)];
}

function validateWhatIsSaid(
  name: string,
  { validations = [], auditAnnotations = [] }: Spec,
  more: MoreNames,
): readonly FieldError[] {
  if (validations.length === 0 && auditAnnotations.length === 0) {
    const text = "validations or auditAnnotations must contain at least one item";
    return [required("spec.validations", text), required("spec.auditAnnotations", text)];
  }
  return [
    ...validations.flatMap((one, index) => validateValidation(one, `spec.validations[${index}]`, more)),
    ...validateAnnotations(name, auditAnnotations, "spec.auditAnnotations", more),
  ];
}

function validateValidation(
  { expression = "", message = "", messageExpression = "", reason }: Partial<Validation>,
  field: string,
  more: MoreNames,
): readonly FieldError[] {
  const problems: FieldError[] = [];
  if (expression.trim() === "") problems.push(required(`${field}.expression`, "expression is not specified"));
  else problems.push(...validateExpression(expression, "bool", `${field}.expression`, more));
  const at = `${field}.messageExpression`;
  if (messageExpression !== "" && messageExpression.trim() === "")
    problems.push(invalid(at, messageExpression, "must be non-empty if specified"));
  else if (messageExpression !== "")
    problems.push(...validateExpression(messageExpression, "string", at, more, { authorizer: false }));
  if (message !== "" && message.trim() === "")
    problems.push(invalid(`${field}.message`, message, "must be non-empty if specified"));
  else if (/[\n\r]/.test(message.trim()))
    problems.push(invalid(`${field}.message`, message, "must not contain line breaks"));
  if (reason !== undefined && !reasons.includes(reason))
    problems.push(notSupported(`${field}.reason`, reason, reasons));
  return problems;
}

function validateAnnotations(
  policyName: string,
  annotations: readonly AuditAnnotation[],
  field: string,
  more: MoreNames,
): readonly FieldError[] {
  const text = `must not have more than ${annotationsMax} auditAnnotations`;
  return [
    ...(annotations.length > annotationsMax ? [invalid(field, annotations, text)] : []),
    ...annotations.flatMap(({ key = "", valueExpression = "" }, index) => {
      const at = `${field}[${index}]`;
      const isTwice = annotations.findIndex((one) => one.key === key) < index;
      const name = `${policyName}/${key}`;
      return [
        ...(policyName === ""
          ? [invalid(`${at}.key`, key, "requires metadata.name be non-empty")]
          : qualifiedName(name).map((rule) => invalid(`${at}.key`, name, rule))),
        ...validateValueExpression(valueExpression, `${at}.valueExpression`, more),
        ...(isTwice ? [duplicate(`${at}.key`, key)] : []),
      ];
    }),
  ];
}

function validateValueExpression(expression: string, field: string, more: MoreNames): readonly FieldError[] {
  const text = expression.trim();
  if (text === "") return [required(field, "valueExpression is not specified")];
  if (Buffer.byteLength(text) > valueExpressionBytesMax)
    return [required(field, `must not exceed ${valueExpressionBytesMax} bytes in length`)];
  const compiled = compileExpression(text, "text or null", more);
  return "problem" in compiled ? [invalid(field, expression, compiled.problem)] : [];
}

const actions = ["Audit", "Deny", "Warn"];

export function validatePolicyBinding(binding: ValidatingAdmissionPolicyBinding): readonly FieldError[] {
  const spec: Partial<NonNullable<typeof binding.spec>> = binding.spec ?? {};
  return [
    ...validatePolicyName(spec.policyName, "spec.policyName"),
    ...(spec.paramRef === undefined ? [] : validateParamRef(spec.paramRef, "spec.paramRef")),
    ...(spec.matchResources === undefined
      ? []
      : validateMatchResources(spec.matchResources, "spec.matchResources")),
    ...validateActions(spec.validationActions ?? [], "spec.validationActions"),
  ];
}

function validateActions(wanted: readonly string[], field: string): readonly FieldError[] {
  const problems = wanted.flatMap((one, index) => [
    ...(actions.includes(one) ? [] : [notSupported(`${field}[${index}]`, one, actions)]),
    ...(wanted.indexOf(one) < index ? [duplicate(`${field}[${index}]`, one)] : []),
  ]);
  if (wanted.includes("Deny") && wanted.includes("Warn")) {
    const text =
      "must not contain both Deny and Warn (repeating the same validation failure information in the API response and headers serves no purpose)";
    problems.push(invalid(field, wanted, text));
  }
  if (wanted.length === 0) problems.push(required(field, "at least one validation action is required"));
  return problems;
}
