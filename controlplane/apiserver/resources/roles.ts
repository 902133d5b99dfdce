import { pathSegment } from "../../../client/rules/names.ts";
import type { ClusterRole, Role } from "../../../client/types.ts";
import { column } from "./cell-text.ts";
import { rbacGroup, validateAggregation, validateRules } from "./rbac-validation.ts";
import { kindOf } from "./typed-kind.ts";

/** What may be granted: lists of rules, of a namespace or of the cluster. */

const columns = [column("Created At", "date")];

export const roles = kindOf<Role>({
  group: rbacGroup,
  version: "v1",
  kind: "Role",
  plural: "roles",
  createsOnUpdate: true,
  singular: "role",
  shortNames: [],
  categories: [],
  namespaced: true,
  subresources: {},
  nameRule: pathSegment,
  hasSpec: false,
  applyDefaults: () => undefined,
  validate: ({ rules }) => validateRules(rules, { namespaced: true }),
  noRowsAreNull: true,
  columns,
  cells: ({ metadata }) => [metadata.creationTimestamp],
});

export const clusterRoles = kindOf<ClusterRole>({
  group: rbacGroup,
  version: "v1",
  kind: "ClusterRole",
  plural: "clusterroles",
  createsOnUpdate: true,
  singular: "clusterrole",
  shortNames: [],
  categories: [],
  namespaced: false,
  subresources: {},
  nameRule: pathSegment,
  hasSpec: false,
  applyDefaults: () => undefined,
  validate: ({ rules, aggregationRule }) => [
    ...validateRules(rules, { namespaced: false }),
    ...validateAggregation(aggregationRule),
  ],
  noRowsAreNull: true,
  columns,
  cells: ({ metadata }) => [metadata.creationTimestamp],
});
