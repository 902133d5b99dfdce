import type { Subject } from "../../../../client/types.ts";
import { controllerRoles } from "./controller-roles.ts";

/** A binding as Kubernetes makes it at its start. */
export interface DefaultBinding {
  /** Empty for a ClusterRoleBinding. */
  readonly namespace: string;
  readonly name: string;
  readonly role: string;
  readonly subjects: readonly Subject[];
}

const apiGroup = "rbac.authorization.k8s.io";
const user = (name: string): Subject => ({ kind: "User", apiGroup, name });
const group = (name: string): Subject => ({ kind: "Group", apiGroup, name });
const account = (name: string): Subject => ({ kind: "ServiceAccount", name, namespace: "kube-system" });

const scheduler = user("system:kube-scheduler");
const manager = user("system:kube-controller-manager");

const everywhere: readonly (readonly [role: string, ...subjects: Subject[]])[] = [
  ["cluster-admin", group("system:masters")],
  ["system:basic-user", group("system:authenticated")],
  ["system:discovery", group("system:authenticated")],
  ["system:kube-controller-manager", manager],
  ["system:kube-dns", account("kube-dns")],
  ["system:kube-scheduler", scheduler],
  ["system:monitoring", group("system:monitoring")],
  // Granted to nobody: the node authorizer looks at the role by itself.
  ["system:node"],
  ["system:node-proxier", user("system:kube-proxy")],
  ["system:public-info-viewer", group("system:authenticated"), group("system:unauthenticated")],
  ["system:service-account-issuer-discovery", group("system:serviceaccounts")],
  ["system:volume-scheduler", scheduler],
];

const controllers = controllerRoles.map(
  ({ name }) => [name, account(name.slice("system:controller:".length))] as const,
);

export const clusterBindings: readonly DefaultBinding[] = [...everywhere, ...controllers].map(
  ([role, ...subjects]) => ({ namespace: "", name: role, role, subjects }),
);

const reader = "extension-apiserver-authentication-reader";
const leads = "system::leader-locking-";
const signer = "system:controller:bootstrap-signer";

export const namespaceBindings: readonly DefaultBinding[] = [
  inNamespace("kube-public", signer, account("bootstrap-signer")),
  { ...inNamespace("kube-system", reader, manager, scheduler), name: `system::${reader}` },
  inNamespace(
    "kube-system",
    `${leads}kube-controller-manager`,
    manager,
    account("kube-controller-manager"),
    account("leader-election-controller"),
  ),
  inNamespace("kube-system", `${leads}kube-scheduler`, scheduler, account("kube-scheduler")),
  inNamespace("kube-system", signer, account("bootstrap-signer")),
  inNamespace("kube-system", "system:controller:cloud-provider", account("cloud-provider")),
  inNamespace("kube-system", "system:controller:token-cleaner", account("token-cleaner")),
];

function inNamespace(namespace: string, role: string, ...subjects: readonly Subject[]): DefaultBinding {
  return { namespace, name: role, role, subjects };
}
