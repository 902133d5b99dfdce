import { dns1123Subdomain, pathSegment } from "../../../client/rules/names.ts";
import type { ClusterRole, PolicyRule, RoleRef, Subject } from "../../../client/types.ts";
import type { FieldError } from "../registry/kind.ts";
import { invalid, notSupported, required } from "./field-errors.ts";
import { validateLabelSelector } from "./labels.ts";

/** Kubernetes' rules for roles and bindings (pkg/apis/rbac/validation). Pure. */

export const rbacGroup = "rbac.authorization.k8s.io";

interface Scope {
  readonly namespaced: boolean;
}

export function validateRules(rules: readonly PolicyRule[] | undefined, scope: Scope): readonly FieldError[] {
  return (rules ?? []).flatMap((rule, index) => validateRule(rule, `rules[${index}]`, scope));
}

function validateRule(rule: PolicyRule, field: string, { namespaced }: Scope): readonly FieldError[] {
  const { verbs = [], apiGroups = [], resources = [], resourceNames = [], nonResourceURLs = [] } = rule;
  const problems: FieldError[] = [];
  if (verbs.length === 0) problems.push(required(`${field}.verbs`, "verbs must contain at least one value"));
  if (nonResourceURLs.length > 0) {
    const refuse = (why: string) => problems.push(invalid(`${field}.nonResourceURLs`, nonResourceURLs, why));
    if (namespaced) refuse("namespaced rules cannot apply to non-resource URLs");
    if (apiGroups.length + resources.length + resourceNames.length > 0)
      refuse("rules cannot apply to both regular resources and non-resource URLs");
    return problems;
  }
  if (apiGroups.length === 0)
    problems.push(required(`${field}.apiGroups`, "resource rules must supply at least one api group"));
  if (resources.length === 0)
    problems.push(required(`${field}.resources`, "resource rules must supply at least one resource"));
  return problems;
}

export function validateAggregation(rule: ClusterRole["aggregationRule"]): readonly FieldError[] {
  if (rule === undefined) return [];
  const field = "aggregationRule.clusterRoleSelectors";
  const selectors = rule.clusterRoleSelectors ?? [];
  if (selectors.length === 0)
    return [required(field, "at least one clusterRoleSelector required if aggregationRule is non-nil")];
  return selectors.flatMap((one, index) => {
    const problems = validateLabelSelector(one, `${field}[${index}]`);
    // Kubernetes goes on to build the selector, and says so where that fails.
    return problems.length === 0
      ? []
      : [...problems, invalid(`${field}[${index}]`, null, "invalid label selector.")];
  });
}

export interface AnyBinding {
  readonly roleRef?: RoleRef;
  readonly subjects?: readonly Subject[];
}

/** The values that a binding's roleRef and subjects may have; `namespaced` bindings may name Roles. */
export function validateBinding(binding: AnyBinding, scope: Scope): readonly FieldError[] {
  const { apiGroup = "", kind = "", name = "" } = binding.roleRef ?? {};
  const kinds = scope.namespaced ? ["Role", "ClusterRole"] : ["ClusterRole"];
  const problems: FieldError[] = [];
  if (apiGroup !== rbacGroup) problems.push(notSupported("roleRef.apiGroup", apiGroup, [rbacGroup]));
  if (!kinds.includes(kind)) problems.push(notSupported("roleRef.kind", kind, kinds));
  if (name === "") problems.push(required("roleRef.name"));
  else problems.push(...pathSegment(name).map((text) => invalid("roleRef.name", name, text)));
  const subjects = binding.subjects ?? [];
  return [
    ...problems,
    ...subjects.flatMap((one, index) => validateSubject(one, `subjects[${index}]`, scope)),
  ];
}

function validateSubject(subject: Subject, field: string, { namespaced }: Scope): readonly FieldError[] {
  const { kind, apiGroup = "", name = "", namespace = "" } = subject;
  const problems: FieldError[] = [];
  if (name === "") problems.push(required(`${field}.name`));
  switch (kind) {
    case "ServiceAccount":
      if (name !== "")
        problems.push(...dns1123Subdomain(name).map((text) => invalid(`${field}.name`, name, text)));
      if (apiGroup !== "") problems.push(notSupported(`${field}.apiGroup`, apiGroup, [""]));
      if (!namespaced && namespace === "") problems.push(required(`${field}.namespace`));
      break;
    case "User":
    case "Group":
      if (apiGroup !== rbacGroup) problems.push(notSupported(`${field}.apiGroup`, apiGroup, [rbacGroup]));
      break;
    default:
      problems.push(notSupported(`${field}.kind`, kind ?? "", ["ServiceAccount", "User", "Group"]));
  }
  return problems;
}

/** What a binding grants stays: whoever may change the subjects must not thereby grant something else. */
export function keepsRole(next: AnyBinding, current: AnyBinding): readonly FieldError[] {
  const [{ apiGroup, kind, name }, before] = [next.roleRef ?? emptyRef, current.roleRef ?? emptyRef];
  if (apiGroup === before.apiGroup && kind === before.kind && name === before.name) return [];
  return [
    invalid("roleRef", { APIGroup: apiGroup, Kind: kind ?? "", Name: name ?? "" }, "cannot change roleRef"),
  ];
}

const emptyRef: RoleRef = { apiGroup: "", kind: "", name: "" };
