import { pathSegment } from "../../../client/rules/names.ts";
import type { ClusterRoleBinding, RoleBinding, RoleRef, Subject } from "../../../client/types.ts";
import type { Cell } from "../registry/kind.ts";
import { age, ageColumn, column, wideColumn } from "./cell-text.ts";
import { keepsRole, rbacGroup, validateBinding } from "./rbac-validation.ts";
import { kindOf } from "./typed-kind.ts";

/** Who is granted a role, in one namespace or everywhere. */

export const roleBindings = kindOf<RoleBinding>({
  group: rbacGroup,
  version: "v1",
  kind: "RoleBinding",
  plural: "rolebindings",
  createsOnUpdate: true,
  singular: "rolebinding",
  shortNames: [],
  categories: [],
  namespaced: true,
  subresources: {},
  nameRule: pathSegment,
  hasSpec: false,
  applyDefaults: defaultBinding,
  validate: (binding) => validateBinding(binding, { namespaced: true }),
  validateUpdate: keepsRole,
  columns: columnsOf("roleBinding"),
  cells: cellsOf,
});

export const clusterRoleBindings = kindOf<ClusterRoleBinding>({
  group: rbacGroup,
  version: "v1",
  kind: "ClusterRoleBinding",
  plural: "clusterrolebindings",
  createsOnUpdate: true,
  singular: "clusterrolebinding",
  shortNames: [],
  categories: [],
  namespaced: false,
  subresources: {},
  nameRule: pathSegment,
  hasSpec: false,
  applyDefaults: defaultBinding,
  validate: (binding) => validateBinding(binding, { namespaced: false }),
  validateUpdate: keepsRole,
  columns: columnsOf("clusterRoleBinding"),
  cells: cellsOf,
});

interface AnyBinding {
  readonly metadata: { readonly creationTimestamp?: string };
  roleRef: RoleRef;
  subjects?: Subject[];
}

function defaultBinding(binding: AnyBinding): void {
  binding.roleRef ??= { apiGroup: "", kind: "", name: "" };
  binding.roleRef.apiGroup ||= rbacGroup;
  for (const subject of binding.subjects ?? [])
    if (subject.kind === "User" || subject.kind === "Group") subject.apiGroup ||= rbacGroup;
}

function columnsOf(noun: string) {
  return [
    column("Role"),
    ageColumn,
    wideColumn("Users", "string", `Users in the ${noun}`),
    wideColumn("Groups", "string", `Groups in the ${noun}`),
    wideColumn("ServiceAccounts", "string", `ServiceAccounts in the ${noun}`),
  ];
}

function cellsOf({ roleRef, subjects = [], metadata }: AnyBinding, nowMs: number): readonly Cell[] {
  const named = (kind: string, text: (subject: Subject) => string) =>
    subjects
      .filter((one) => one.kind === kind)
      .map(text)
      .join(", ");
  return [
    `${roleRef.kind}/${roleRef.name}`,
    age(metadata.creationTimestamp, nowMs),
    named("User", ({ name }) => name),
    named("Group", ({ name }) => name),
    named("ServiceAccount", ({ namespace = "", name }) => `${namespace}/${name}`),
  ];
}
