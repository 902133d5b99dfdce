import { type AnyBinding, type AnyRole, bindingObject, roleObject } from "./default-policy.ts";
import { rolesFromText } from "./roles-from-text.ts";

/** What Pintle's own parts need beyond Kubernetes' default bindings. */

/** A node's agent carries services and routes to the other nodes' pods itself, as the node: what kube-proxy may with an
 *  identity of its own, without reading nodes one by one. */
const roles = rolesFromText(`
pintle:node-network
  list,watch core endpoints,nodes,services
  list,watch discovery.k8s.io endpointslices
`);

/** The controllers that the controller manager runs, by the name of Kubernetes' role for each. It asks as one user for all of
 *  them. */
export const controllersRun: readonly string[] = [
  "clusterrole-aggregation-controller",
  "daemon-set-controller",
  "deployment-controller",
  "endpoint-controller",
  "endpointslice-controller",
  "endpointslicemirroring-controller",
  "generic-garbage-collector",
  "job-controller",
  "namespace-controller",
  "node-controller",
  "pod-garbage-collector",
  "replicaset-controller",
  "replication-controller",
  "root-ca-cert-publisher",
  "service-account-controller",
  "ttl-after-finished-controller",
];

const apiGroup = "rbac.authorization.k8s.io";
const nodes = { kind: "Group", apiGroup, name: "system:nodes" };
const manager = { kind: "User", apiGroup, name: "system:kube-controller-manager" };

export function ownRoles(): readonly AnyRole[] {
  return roles.map(roleObject);
}

export function ownBindings(): readonly AnyBinding[] {
  return [
    { name: "pintle:node-network", role: "pintle:node-network", subjects: [nodes] },
    ...controllersRun.map((name) => ({
      name: `pintle:controller-manager:${name}`,
      role: `system:controller:${name}`,
      subjects: [manager],
    })),
  ].map((one) => bindingObject({ namespace: "", ...one }));
}
