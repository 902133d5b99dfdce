import type {
  LabelSelector,
  MatchResources,
  ParamRef,
  ValidatingAdmissionPolicy,
  ValidatingAdmissionPolicyBinding,
} from "../../../client/types.ts";
import { age, ageColumn, column } from "./cell-text.ts";
import { validateConditions } from "./condition-validation.ts";
import { dns1123Subdomain } from "./names.ts";
import { validatePolicy, validatePolicyBinding } from "./policy-validation.ts";
import { kindOf } from "./typed-kind.ts";

/** Rules in CEL that requests must pass, and where they hold. */

export const validatingAdmissionPolicies = kindOf<ValidatingAdmissionPolicy>({
  group: "admissionregistration.k8s.io",
  version: "v1",
  kind: "ValidatingAdmissionPolicy",
  plural: "validatingadmissionpolicies",
  singular: "validatingadmissionpolicy",
  shortNames: [],
  categories: ["api-extensions"],
  namespaced: false,
  subresources: { status: true },
  hasGeneration: true,
  needsVersion: true,
  nameRule: dns1123Subdomain,
  applyDefaults({ spec }) {
    if (spec === undefined) return;
    spec.failurePolicy ??= "Fail";
    applyMatchDefaults(spec.matchConstraints);
  },
  prepareForCreate(policy) {
    policy.status = {};
  },
  prepareForUpdate(next, current) {
    next.status = current.status ?? {};
  },
  validate: (policy, _facts, current) => validatePolicy(policy, current),
  validateStatus: ({ status }) => validateConditions(status?.conditions, "status.conditions"),
  columns: [column("Validations", "integer"), column("ParamKind"), ageColumn],
  cells: ({ metadata, spec: { validations = [], paramKind } = {} }, nowMs) => [
    validations.length,
    paramKind === undefined ? "<unset>" : `${paramKind.apiVersion}/${paramKind.kind}`,
    age(metadata.creationTimestamp, nowMs),
  ],
});

export const validatingAdmissionPolicyBindings = kindOf<ValidatingAdmissionPolicyBinding>({
  group: "admissionregistration.k8s.io",
  version: "v1",
  kind: "ValidatingAdmissionPolicyBinding",
  plural: "validatingadmissionpolicybindings",
  singular: "validatingadmissionpolicybinding",
  shortNames: [],
  categories: ["api-extensions"],
  namespaced: false,
  subresources: {},
  hasGeneration: true,
  needsVersion: true,
  nameRule: dns1123Subdomain,
  applyDefaults: ({ spec }) => applyMatchDefaults(spec?.matchResources),
  validate: validatePolicyBinding,
  columns: [column("PolicyName"), column("ParamRef"), ageColumn],
  cells: ({ metadata, spec: { policyName = "", paramRef } = {} }, nowMs) => [
    policyName,
    paramText(paramRef),
    age(metadata.creationTimestamp, nowMs),
  ],
});

/** Of a policy's constraints or a binding's resources. */
export function applyMatchDefaults(match: MatchResources | undefined): void {
  if (match === undefined) return;
  match.matchPolicy ??= "Equivalent";
  match.namespaceSelector ??= {};
  match.objectSelector ??= {};
  for (const rule of [...(match.resourceRules ?? []), ...(match.excludeResourceRules ?? [])])
    rule.scope ??= "*";
}

function paramText(ref: ParamRef | undefined): string {
  if (ref === undefined) return "<unset>";
  if (ref.name) return `${ref.namespace || "*"}/${ref.name}`;
  return ref.selector === undefined ? "<unset>" : shownSelector(ref.selector);
}

/** As Go prints the type. */
function shownSelector({ matchLabels = {}, matchExpressions = [] }: LabelSelector): string {
  const labels = Object.keys(matchLabels)
    .sort()
    .map((key) => `${key}: ${matchLabels[key]},`);
  const requirements = matchExpressions.map(
    ({ key, operator, values = [] }) =>
      `LabelSelectorRequirement{Key:${key},Operator:${operator},Values:[${values.join(" ")}],},`,
  );
  return `&LabelSelector{MatchLabels:map[string]string{${labels.join("")}},MatchExpressions:[]LabelSelectorRequirement{${requirements.join("")}},}`;
}
