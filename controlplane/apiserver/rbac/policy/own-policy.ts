import {
  clusterPolicyDefinition,
  clusterPolicyGroup,
  clusterPolicyKinds,
} from "../../../../client/cluster-policies.ts";
import { joining } from "../../../../client/rules/joining-nodes.ts";
import { type AnyBinding, type AnyRole, bindingObject, roleObject } from "./default-policy.ts";
import { rolesFromText } from "./roles-from-text.ts";

/** What Pintle's own parts need beyond Kubernetes' default bindings. */

/** A node's agent carries services and routes to the other nodes' pods itself, as the node, and keeps to network policies: what
 *  kube-proxy and network plugins may with identities of their own, without reading nodes one by one. (Whom policies speak of
 *  the node authorizer shows it, where there are any.) It answers for Ingresses and Gateways, too; what secrets they have
 *  certificates from is the node authorizer's matter. Their addresses and statuses are written by the controller manager. */
const roles = rolesFromText(`
pintle:node-network
  list,watch core endpoints,nodes,services
  list,watch discovery.k8s.io endpointslices
  list,watch networking.k8s.io ingresses,ingressclasses,networkpolicies
  list,watch apiextensions.k8s.io customresourcedefinitions gatewayclasses.gateway.networking.k8s.io,backendtlspolicies.gateway.networking.k8s.io
  list,watch gateway.networking.k8s.io gatewayclasses,gateways,httproutes,grpcroutes,referencegrants,backendtlspolicies
  list,watch apiextensions.k8s.io customresourcedefinitions ${clusterPolicyKinds.map(clusterPolicyDefinition)}
  list,watch ${clusterPolicyGroup} ${clusterPolicyKinds.map(({ plural }) => plural)}
pintle:ingress-status
  list,watch networking.k8s.io ingresses,ingressclasses
  update networking.k8s.io ingresses/status
pintle:gateway
  list,watch apiextensions.k8s.io customresourcedefinitions gatewayclasses.gateway.networking.k8s.io,backendtlspolicies.gateway.networking.k8s.io
  list,watch gateway.networking.k8s.io gatewayclasses,gateways,httproutes,grpcroutes,referencegrants,backendtlspolicies
  update gateway.networking.k8s.io gatewayclasses/status,gateways/status,httproutes/status,grpcroutes/status,backendtlspolicies/status
  create,delete,update,list,watch core services
  create,delete,update,list,watch discovery.k8s.io endpointslices
`);

/** Whoever may look at a namespace may look at what its pods use: a metrics-server brings the same role. */
const metricsRoles = rolesFromText(`
system:aggregated-metrics-reader for view,edit,admin
  read metrics.k8s.io pods,nodes
`);

/** Where machines join by a token. With it they may ask for a certificate and look whether they have it, no more: Kubernetes' own
 *  role would let them follow everybody's requests. Whose requests are approved, a controller decides
 *  (`controllers/certificates/plan-node-approval.ts`). By what a machine finds the cluster anybody may read. */
const joinRoles = rolesFromText(`
pintle:node-joiner
  create,get certificates.k8s.io certificatesigningrequests
pintle:node-approval
  approve certificates.k8s.io signers kubernetes.io/kubelet-serving
kube-public/pintle:cluster-info
  get core configmaps cluster-info
`);

/** Kubernetes', where it has the feature on; nodes have the rule there in a role of their own. */
const trustRoles = rolesFromText(`
system:cluster-trust-bundle-discovery
  read certificates.k8s.io clustertrustbundles
`);

/** By which of Kubernetes' roles (`system:controller:…`) each controller works that our controller manager runs. It asks as
 *  one user for all of them. "": what `system:kube-controller-manager` allows is enough, as in Kubernetes. */
export const controllerRights: Readonly<Record<string, string>> = {
  "serviceaccount-controller": "service-account-controller",
  "serviceaccount-token-controller": "",
  "root-ca-certificate-publisher-controller": "root-ca-cert-publisher",
  "namespace-controller": "namespace-controller",
  "resourcequota-controller": "resourcequota-controller",
  "deployment-controller": "deployment-controller",
  "replicaset-controller": "replicaset-controller",
  "replicationcontroller-controller": "replication-controller",
  "endpoints-controller": "endpoint-controller",
  "endpointslice-controller": "endpointslice-controller",
  "endpointslice-mirroring-controller": "endpointslicemirroring-controller",
  "daemonset-controller": "daemon-set-controller",
  "statefulset-controller": "statefulset-controller",
  "cronjob-controller": "cronjob-controller",
  "horizontal-pod-autoscaler-controller": "horizontal-pod-autoscaler",
  "disruption-controller": "disruption-controller",
  "job-controller": "job-controller",
  "ttl-after-finished-controller": "ttl-after-finished-controller",
  "node-ipam-controller": "node-controller",
  "ttl-controller": "ttl-controller",
  "legacy-serviceaccount-token-cleaner-controller": "legacy-service-account-token-cleaner",
  "service-cidr-controller": "service-cidrs-controller",
  "service-lb-controller": "service-controller",
  // Kubernetes has none that would do.
  "ingress-status-controller": "",
  "gateway-controller": "",
  "resourceclaim-controller": "resource-claim-controller",
  "device-taint-eviction-controller": "device-taint-eviction-controller",
  // Their roles are in namespaces.
  "bootstrap-signer-controller": "",
  "token-cleaner-controller": "",
  "node-lifecycle-controller": "node-controller",
  "taint-eviction-controller": "node-controller",
  "pod-garbage-collector-controller": "pod-garbage-collector",
  "certificatesigningrequest-approving-controller": "certificate-controller",
  "certificatesigningrequest-signing-controller": "certificate-controller",
  "certificatesigningrequest-cleaner-controller": "certificate-controller",
  // Beside it, `pintle:node-approval`.
  "node-certificate-approving-controller": "certificate-controller",
  // It writes a map as the publisher of the root authority does.
  "cluster-info-controller": "root-ca-cert-publisher",
  "clusterrole-aggregation-controller": "clusterrole-aggregation-controller",
  "persistentvolume-attach-detach-controller": "attachdetach-controller",
  "persistentvolume-expander-controller": "expand-controller",
  "ephemeral-volume-controller": "ephemeral-volume-controller",
  "persistentvolume-binder-controller": "persistent-volume-binder",
  // Provisioners in the cluster have roles of their own; this one does no more than the binder may.
  "local-path-provisioner-controller": "persistent-volume-binder",
  "persistentvolumeclaim-protection-controller": "pvc-protection-controller",
  "persistentvolume-protection-controller": "pv-protection-controller",
  "volumeattributesclass-protection-controller": "volumeattributesclass-protection-controller",
  "garbage-collector-controller": "generic-garbage-collector",
};

const apiGroup = "rbac.authorization.k8s.io";
const nodes = { kind: "Group", apiGroup, name: "system:nodes" };
const manager = { kind: "User", apiGroup, name: "system:kube-controller-manager" };

const group = (name: string) => ({ kind: "Group", apiGroup, name });

/** What there is in this cluster. */
export interface OwnPolicyOptions {
  /** metrics.k8s.io is served here. */
  readonly servesMetrics: boolean;
  /** Machines join by tokens. */
  readonly admitsMachines: boolean;
  /** There are ClusterTrustBundles. */
  readonly servesTrustBundles: boolean;
}

export function ownRoles(options: OwnPolicyOptions): readonly AnyRole[] {
  return [
    ...roles,
    ...(options.servesMetrics ? metricsRoles : []),
    ...(options.admitsMachines ? joinRoles : []),
    ...(options.servesTrustBundles ? trustRoles : []),
  ].map(roleObject);
}

const discovery = "system:cluster-trust-bundle-discovery";
const trustBindings = [
  { name: discovery, role: discovery, subjects: [group("system:serviceaccounts")] },
  { name: "pintle:node-trust-bundles", role: discovery, subjects: [nodes] },
];

const joinBindings = [
  { name: "pintle:node-joiner", role: "pintle:node-joiner", subjects: [group(joining.group)] },
  { name: "pintle:node-approval", role: "pintle:node-approval", subjects: [manager] },
  {
    name: "pintle:node-renewal",
    role: "system:certificates.k8s.io:certificatesigningrequests:selfnodeclient",
    subjects: [nodes],
  },
  {
    namespace: "kube-public",
    name: "pintle:cluster-info",
    role: "pintle:cluster-info",
    subjects: [group("system:unauthenticated"), group("system:authenticated")],
  },
];

export function ownBindings({
  admitsMachines,
  servesTrustBundles,
}: Omit<OwnPolicyOptions, "servesMetrics">): readonly AnyBinding[] {
  return [
    ...(admitsMachines ? joinBindings : []),
    ...(servesTrustBundles ? trustBindings : []),
    { name: "pintle:node-network", role: "pintle:node-network", subjects: [nodes] },
    ...[...new Set(Object.values(controllerRights))].filter(Boolean).map((name) => ({
      name: `pintle:controller-manager:${name}`,
      role: `system:controller:${name}`,
      subjects: [manager],
    })),
    { name: "pintle:controller-manager:ingress-status", role: "pintle:ingress-status", subjects: [manager] },
    { name: "pintle:controller-manager:gateway", role: "pintle:gateway", subjects: [manager] },
    // Reading secrets is among what the manager may anyway.
    {
      namespace: "kube-public",
      name: "pintle:controller-manager:bootstrap-signer",
      role: "system:controller:bootstrap-signer",
      subjects: [manager],
    },
  ].map((one) => bindingObject({ namespace: "", ...one }));
}
