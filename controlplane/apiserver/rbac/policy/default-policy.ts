import type { ClusterRole, Draft, Role, RoleBinding } from "../../../../client/types.ts";
import { componentRoles } from "./component-roles.ts";
import { controllerRoles } from "./controller-roles.ts";
import { clusterBindings, type DefaultBinding, namespaceBindings } from "./default-bindings.ts";
import { namespaceRoles } from "./namespace-roles.ts";
import type { DefaultRole } from "./roles-from-text.ts";
import { userRoles } from "./user-roles.ts";

/** Kubernetes 1.36's default roles and bindings (its bootstrap policy with the features that are on by default), as objects. */

export type AnyRole = Draft<Role> & Pick<ClusterRole, "aggregationRule">;
export type AnyBinding = Draft<RoleBinding>;

const apiVersion = "rbac.authorization.k8s.io/v1";
const apiGroup = "rbac.authorization.k8s.io";
const aggregates = (what: string) => ({ [`rbac.authorization.k8s.io/aggregate-to-${what}`]: "true" });

export const autoupdate = "rbac.authorization.kubernetes.io/autoupdate";

export function defaultRoles(): readonly AnyRole[] {
  return [...userRoles, ...componentRoles, ...controllerRoles, ...namespaceRoles].map(roleObject);
}

export function defaultBindings(): readonly AnyBinding[] {
  return [...clusterBindings, ...namespaceBindings].map(bindingObject);
}

export function roleObject({ namespace, name, rules, gathers, partOf }: DefaultRole): AnyRole {
  return {
    apiVersion,
    kind: namespace === "" ? "ClusterRole" : "Role",
    metadata: metadataOf(namespace, name, Object.assign({}, ...(partOf ?? []).map(aggregates))),
    ...(gathers === undefined
      ? { rules: structuredClone([...rules]) }
      : { aggregationRule: { clusterRoleSelectors: [{ matchLabels: aggregates(gathers) }] } }),
  };
}

export function bindingObject({ namespace, name, role, subjects }: DefaultBinding): AnyBinding {
  return {
    apiVersion,
    kind: namespace === "" ? "ClusterRoleBinding" : "RoleBinding",
    metadata: metadataOf(namespace, name),
    roleRef: { apiGroup, kind: namespace === "" ? "ClusterRole" : "Role", name: role },
    ...(subjects.length > 0 && { subjects: structuredClone([...subjects]) }),
  };
}

function metadataOf(namespace: string, name: string, labels: Readonly<Record<string, string>> = {}) {
  return {
    name,
    ...(namespace !== "" && { namespace }),
    labels: { "kubernetes.io/bootstrapping": "rbac-defaults", ...labels },
    annotations: { [autoupdate]: "true" },
  };
}
