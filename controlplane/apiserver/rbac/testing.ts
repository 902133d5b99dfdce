import type { KubeObject } from "../../../client/types.ts";
import type { Authorizer } from "../filters/authorizer.ts";
import { decide } from "./grants.ts";
import { defaultBindings, defaultRoles } from "./policy/default-policy.ts";
import { ownBindings, ownRoles } from "./policy/own-policy.ts";
import { RbacIndex } from "./rbac-index.ts";

/** Roles and bindings of a cluster that has just been started, for tests that need no server. */
export function defaultIndex(): RbacIndex {
  const index = new RbacIndex();
  const all = { servesMetrics: true, admitsMachines: true, servesTrustBundles: true };
  for (const object of [...defaultRoles(), ...ownRoles(all), ...defaultBindings(), ...ownBindings(all)])
    followedBy(index, object.kind ?? "").changed(undefined, object as unknown as KubeObject);
  return index;
}

export const defaultRbac: Authorizer = (() => {
  const index = defaultIndex();
  return async (user, wanted) => decide(index, user, wanted);
})();

/** What of the index follows the objects of a kind. */
export function followedBy(index: RbacIndex, kind: string) {
  switch (kind) {
    case "Role":
      return index.roles;
    case "ClusterRole":
      return index.clusterRoles;
    case "RoleBinding":
      return index.roleBindings;
    default:
      return index.clusterRoleBindings;
  }
}
