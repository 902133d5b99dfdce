import { dns1035Label, dns1123Subdomain, pathSegment } from "../../../client/rules/names.ts";
import type { ParamKind, ParamRef, Variable } from "../../../client/types.ts";
import { type CelType, types } from "../../cel/types.ts";
import {
  type CompiledVariable,
  compileExpression,
  compileVariables,
  variablesType,
  type Wanted,
} from "../policies/expressions.ts";
import type { MoreNames, PolicySource } from "../policies/policy.ts";
import type { FieldError } from "../registry/kind.ts";
import { sameValue } from "../schema/same-value.ts";
import { forbidden, invalid, notSupported, required } from "./field-errors.ts";
import { validateLabelSelector } from "./labels.ts";
import { validateMatchConditions } from "./match-condition-validation.ts";
import { validateMatchResources } from "./match-resources-validation.ts";

/** What Kubernetes holds both kinds of admission policies, and their bindings, to. */

const failurePolicies = ["Fail", "Ignore"];

/** @param current What is stored, in an update: conditions that it does not change were right once.
 *  @returns Also what the policy's expressions may name beside the request. */
export function validatePolicyBase(
  { spec = {} }: PolicySource,
  current?: PolicySource,
  operations?: readonly string[],
): { readonly problems: readonly FieldError[]; readonly more: MoreNames } {
  const { paramKind, matchConstraints, variables = [] } = spec;
  const named: Readonly<Record<string, CelType>> = paramKind === undefined ? {} : { params: types.dyn };
  const compiled = compileVariables(variables, named);
  const keepsConditions =
    current !== undefined &&
    sameValue(paramKind, current.spec?.paramKind) &&
    sameValue(spec.matchConditions, current.spec?.matchConditions);
  const problems = [
    ...validateFailurePolicy(spec.failurePolicy, "spec.failurePolicy"),
    ...(paramKind === undefined ? [] : validateParamKind(paramKind, "spec.paramKind")),
    ...(matchConstraints === undefined
      ? [required("spec.matchConstraints")]
      : [
          ...validateMatchResources(matchConstraints, "spec.matchConstraints"),
          ...((matchConstraints.resourceRules ?? []).length === 0
            ? [required("spec.matchConstraints.resourceRules")]
            : []),
          ...validateOnlyOperations(matchConstraints.resourceRules, "spec.matchConstraints", operations),
        ]),
    ...(keepsConditions
      ? []
      : validateMatchConditions(spec.matchConditions ?? [], "spec.matchConditions", named)),
    ...validateVariables(variables, compiled, "spec.variables"),
  ];
  return { problems, more: { ...named, variables: variablesType(compiled) } };
}

/** @param operations The only ones; absent: all. */
export function validateOnlyOperations(
  rules: readonly { readonly operations?: readonly string[] }[] | undefined,
  field: string,
  operations: readonly string[] | undefined,
): readonly FieldError[] {
  if (operations === undefined) return [];
  const wanted = (rules ?? []).flatMap((rule) => rule.operations ?? []);
  return wanted.flatMap((one) =>
    operations.includes(one) ? [] : [notSupported(`${field}.resourceRules.operations`, one, operations)],
  );
}

function validateFailurePolicy(policy: string | undefined, field: string): readonly FieldError[] {
  if (policy === undefined) return [required(field)];
  return failurePolicies.includes(policy) ? [] : [notSupported(field, policy, failurePolicies)];
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

export function validatePolicyName(name = "", field: string): readonly FieldError[] {
  return name === "" ? [required(field)] : dns1123Subdomain(name).map((text) => invalid(field, name, text));
}

const notFoundActions = ["Deny", "Allow"];

export function validateParamRef(
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

export function validateExpression(
  expression: string,
  wanted: Wanted,
  field: string,
  more: Readonly<Record<string, CelType>>,
  options?: { readonly authorizer: boolean },
): readonly FieldError[] {
  const compiled = compileExpression(expression, wanted, more, options);
  return "problem" in compiled ? [invalid(field, expression, compiled.problem)] : [];
}
