import { dns1123Subdomain } from "../../../client/rules/names.ts";
import type { MutatingAdmissionPolicy, MutatingAdmissionPolicyBinding } from "../../../client/types.ts";
import { age, ageColumn, column } from "./cell-text.ts";
import { validateMutatingBinding, validateMutatingPolicy } from "./mutating-policy-validation.ts";
import { applyMatchDefaults, paramKindText, paramText } from "./policy-columns.ts";
import { staticNameWarnings } from "./static-name-warnings.ts";
import { kindOf } from "./typed-kind.ts";

/** Changes in CEL that are made to what is written, and where. */

export const mutatingAdmissionPolicies = kindOf<MutatingAdmissionPolicy>({
  group: "admissionregistration.k8s.io",
  version: "v1",
  hashedVersion: "v1beta1",
  kind: "MutatingAdmissionPolicy",
  plural: "mutatingadmissionpolicies",
  singular: "mutatingadmissionpolicy",
  shortNames: [],
  categories: ["api-extensions"],
  namespaced: false,
  subresources: {},
  hasGeneration: true,
  needsVersion: true,
  nameRule: dns1123Subdomain,
  warnings: staticNameWarnings,
  applyDefaults({ spec }) {
    if (spec === undefined) return;
    spec.failurePolicy ??= "Fail";
    applyMatchDefaults(spec.matchConstraints);
  },
  validate: (policy, _facts, current) => validateMutatingPolicy(policy, current),
  columns: [column("Mutations", "integer"), column("ParamKind"), ageColumn],
  cells: ({ metadata, spec: { mutations = [], paramKind } = {} }, nowMs) => [
    mutations.length,
    paramKindText(paramKind),
    age(metadata.creationTimestamp, nowMs),
  ],
});

export const mutatingAdmissionPolicyBindings = kindOf<MutatingAdmissionPolicyBinding>({
  group: "admissionregistration.k8s.io",
  version: "v1",
  hashedVersion: "v1beta1",
  kind: "MutatingAdmissionPolicyBinding",
  plural: "mutatingadmissionpolicybindings",
  singular: "mutatingadmissionpolicybinding",
  shortNames: [],
  categories: ["api-extensions"],
  namespaced: false,
  subresources: {},
  hasGeneration: true,
  needsVersion: true,
  nameRule: dns1123Subdomain,
  warnings: staticNameWarnings,
  applyDefaults: ({ spec }) => applyMatchDefaults(spec?.matchResources),
  validate: validateMutatingBinding,
  columns: [column("PolicyName"), column("ParamRef"), ageColumn],
  cells: ({ metadata, spec: { policyName = "", paramRef } = {} }, nowMs) => [
    policyName,
    paramText(paramRef),
    age(metadata.creationTimestamp, nowMs),
  ],
});
