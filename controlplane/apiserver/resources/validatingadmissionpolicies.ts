import { dns1123Subdomain } from "../../../client/rules/names.ts";
import type { ValidatingAdmissionPolicy, ValidatingAdmissionPolicyBinding } from "../../../client/types.ts";
import { age, ageColumn, column } from "./cell-text.ts";
import { validateConditions } from "./condition-validation.ts";
import { applyMatchDefaults, paramKindText, paramText } from "./policy-columns.ts";
import { validatePolicy, validatePolicyBinding } from "./policy-validation.ts";
import { staticNameWarnings } from "./static-name-warnings.ts";
import { wholeMetadata } from "./status.ts";
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
  statusKeeps: wholeMetadata,
  hasGeneration: true,
  needsVersion: true,
  nameRule: dns1123Subdomain,
  warnings: staticNameWarnings,
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
    paramKindText(paramKind),
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
  warnings: staticNameWarnings,
  applyDefaults: ({ spec }) => applyMatchDefaults(spec?.matchResources),
  validate: validatePolicyBinding,
  columns: [column("PolicyName"), column("ParamRef"), ageColumn],
  cells: ({ metadata, spec: { policyName = "", paramRef } = {} }, nowMs) => [
    policyName,
    paramText(paramRef),
    age(metadata.creationTimestamp, nowMs),
  ],
});
