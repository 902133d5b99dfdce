import type {
  AuditAnnotation,
  ParamKind,
  ParamRef,
  ValidatingAdmissionPolicy,
  ValidatingAdmissionPolicyBinding,
  Validation,
  Variable,
} from "../../../client/types.ts";
import { type CelType, types } from "../cel/types.ts";
import {
  type CompiledVariable,
  compileExpression,
  compileVariables,
  variablesType,
  type Wanted,
} from "../policies/expressions.ts";
import type { FieldError } from "../registry/kind.ts";
import { sameValue } from "../schema/same-value.ts";
import { duplicate, forbidden, invalid, notSupported, required } from "./field-errors.ts";
import { validateLabelSelector } from "./labels.ts";
import { validateMatchConditions } from "./match-condition-validation.ts";
import { validateMatchResources } from "./match-resources-validation.ts";
import { dns1035Label, dns1123Subdomain, pathSegment, qualifiedName } from "./names.ts";

/** What Kubernetes holds admission policies to (pkg/apis/admissionregistration/validation). */

type Spec = NonNullable<ValidatingAdmissionPolicy["spec"]>;

const failurePolicies = ["Fail", "Ignore"];
const reasons = ["Forbidden", "Invalid", "RequestEntityTooLarge"];
const annotationsMax = 20;
const valueExpressionBytesMax = 5 * 1024;

/** @param current What is stored, in an update: conditions that it does not change were right once. */
export function validatePolicy(
  { metadata, spec = {} }: ValidatingAdmissionPolicy,
  current?: ValidatingAdmissionPolicy,
): readonly FieldError[] {
  const { paramKind, matchConstraints, variables = [] } = spec;
  const named = params(paramKind);
  const compiled = compileVariables(variables, named);
  const more = { ...named, ...(variables.length > 0 && { variables: variablesType(compiled) }) };
  const keepsConditions =
    current !== undefined &&
    sameValue(paramKind, current.spec?.paramKind) &&
    sameValue(spec.matchConditions, current.spec?.matchConditions);
  return [
    ...validateFailurePolicy(spec.failurePolicy, "spec.failurePolicy"),
    ...(paramKind === undefined ? [] : validateParamKind(paramKind, "spec.paramKind")),
    ...(matchConstraints === undefined
      ? [required("spec.matchConstraints")]
      : [
          ...validateMatchResources(matchConstraints, "spec.matchConstraints"),
          ...((matchConstraints.resourceRules ?? []).length === 0
            ? [required("spec.matchConstraints.resourceRules")]
            : []),
        ]),
    ...(keepsConditions
      ? []
      : validateMatchConditions(spec.matchConditions ?? [], "spec.matchConditions", named)),
    ...validateVariables(variables, compiled, "spec.variables"),
    ...validateWhatIsSaid(metadata.name, spec, more),
  ];
}

const params = (kind: ParamKind | undefined): Readonly<Record<string, CelType>> =>
  kind === undefined ? {} : { params: types.dyn };

function validateFailurePolicy(policy: string | undefined, field: string): readonly FieldError[] {
  if (policy === undefined) return [required(field)];
  return failurePolicies.includes(policy) ? [] : [notSupported(field, policy, failurePolicies)];
}

function validateWhatIsSaid(
  name: string,
  { validations = [], auditAnnotations = [] }: Spec,
  more: Readonly<Record<string, CelType>>,
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

function validateParamKind({ apiVersion = "", kind = "" }: ParamKind, field: string): readonly FieldError[] {
  return [...validateApiVersion(apiVersion, `${field}.apiVersion`), ...validateKind(kind, `${field}.kind`)];
}

function validateApiVersion(apiVersion: string, field: string): readonly FieldError[] {
  if (apiVersion === "") return [required(field)];
  const parts = apiVersion === "/" ? ["", ""] : apiVersion.split("/");
  if (parts.length > 2) return [invalid(field, apiVersion, `unexpected GroupVersion string: ${apiVersion}`)];
  const [version = "", group = ""] = parts.reverse();
  const groupTexts = group === "" ? [] : dns1123Subdomain(group);
  const versionTexts = version === "" ? [] : dns1035Label(version);
  return [
    ...(groupTexts.length > 0 ? [invalid(field, group, groupTexts.join(","))] : []),
    ...(version === "" ? [invalid(field, apiVersion, "version must be specified")] : []),
    ...(versionTexts.length > 0 ? [invalid(field, version, versionTexts.join(","))] : []),
  ];
}

function validateKind(kind: string, field: string): readonly FieldError[] {
  if (kind === "") return [required(field)];
  const texts = dns1035Label(kind.toLowerCase());
  const text = `may have mixed case, but should otherwise match: ${texts.join(",")}`;
  return texts.length === 0 ? [] : [invalid(field, kind, text)];
}

const identifier = /^[_a-zA-Z][_a-zA-Z0-9]*$/;
const reserved: ReadonlySet<string> = new Set(
  "true false null in as break const continue else for function if import let loop package namespace return var void while".split(
    " ",
  ),
);

function validateVariables(
  variables: readonly Variable[],
  compiled: readonly CompiledVariable[],
  field: string,
): readonly FieldError[] {
  return variables.flatMap(({ name = "", expression = "" }, index) => {
    const at = `${field}[${index}]`;
    const problems: FieldError[] = [];
    if (name.trim() === "") problems.push(required(`${at}.name`, "name is not specified"));
    else if (!identifier.test(name) || reserved.has(name))
      problems.push(invalid(`${at}.name`, name, "must be a valid CEL identifier"));
    const own = compiled[index]?.compiled;
    if (expression.trim() === "") problems.push(required(`${at}.expression`, "expression is not specified"));
    else if (own !== undefined && "problem" in own)
      problems.push(invalid(`${at}.expression`, expression, own.problem));
    return problems;
  });
}

function validateValidation(
  { expression = "", message = "", messageExpression = "", reason }: Partial<Validation>,
  field: string,
  more: Readonly<Record<string, CelType>>,
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

function validateExpression(
  expression: string,
  wanted: Wanted,
  field: string,
  more: Readonly<Record<string, CelType>>,
  options?: { readonly authorizer: boolean },
): readonly FieldError[] {
  const compiled = compileExpression(expression, wanted, more, options);
  return "problem" in compiled ? [invalid(field, expression, compiled.problem)] : [];
}

function validateAnnotations(
  policyName: string,
  annotations: readonly AuditAnnotation[],
  field: string,
  more: Readonly<Record<string, CelType>>,
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

function validateValueExpression(
  expression: string,
  field: string,
  more: Readonly<Record<string, CelType>>,
): readonly FieldError[] {
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

function validatePolicyName(name = "", field: string): readonly FieldError[] {
  return name === "" ? [required(field)] : dns1123Subdomain(name).map((text) => invalid(field, name, text));
}

const notFoundActions = ["Deny", "Allow"];

function validateParamRef(
  { name = "", selector, parameterNotFoundAction = "" }: ParamRef,
  field: string,
): readonly FieldError[] {
  const problems: FieldError[] = [];
  const both = "name and selector are mutually exclusive";
  if (name !== "") {
    problems.push(...pathSegment(name).map((text) => invalid(`${field}.name`, name, text)));
    if (selector !== undefined) problems.push(forbidden(`${field}.name`, both));
  }
  if (selector !== undefined) {
    problems.push(...validateLabelSelector(selector, `${field}.selector`));
    if (name !== "") problems.push(forbidden(`${field}.selector`, both));
  }
  if (name === "" && selector === undefined)
    problems.push(required(field, "one of name or selector must be specified"));
  const at = `${field}.parameterNotFoundAction`;
  if (parameterNotFoundAction === "") problems.push(required(at));
  else if (!notFoundActions.includes(parameterNotFoundAction))
    problems.push(notSupported(at, parameterNotFoundAction, notFoundActions));
  return problems;
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
