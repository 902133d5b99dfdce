import type { User } from "../controlplane/apiserver/filters/authentication.ts";
import {
  serviceAccountGroups,
  serviceAccountOf,
} from "../controlplane/apiserver/filters/service-account-user.ts";

/** Users of Kubernetes' own names: what they may do is what RBAC's default roles say. */
const member = (name: string, ...groups: readonly string[]): User => ({
  name,
  groups: [...groups, "system:authenticated"],
});

/** Whoever wrote the test: may do everything. */
export const adminUser = member("admin", "system:masters");
export const schedulerUser = member("system:kube-scheduler");
export const controllerManagerUser = member("system:kube-controller-manager");
/** Simulated nodes are many nodes in one. */
export const nodesUser = member("system:simulated-nodes", "system:masters");
/** Anybody else: a service account is in its namespace's groups by its name alone. */
export function userOf(name: string, groups: readonly string[]): User {
  const account = serviceAccountOf(name);
  const own = account === undefined ? [] : serviceAccountGroups(account.namespace);
  const user = member(name, ...groups, ...own);
  return { ...user, groups: [...new Set(user.groups)] };
}
