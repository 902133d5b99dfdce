import type { User } from "../controlplane/apiserver/filters/authentication.ts";

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
export const userOf = (name: string, groups: readonly string[]): User => member(name, ...groups);
