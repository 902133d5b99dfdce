import type { User } from "./authentication.ts";

/** What is allowed. A rule is for resources (in the groups, or the core group) or for paths. */
export interface AccessRule {
  readonly verbs: readonly string[];
  readonly groups?: readonly string[];
  /** `pods` or `pods/log`; `*` is everything. */
  readonly resources?: readonly string[];
  readonly namespaces?: readonly string[];
  readonly names?: readonly string[];
  /** A trailing `*` matches the rest. */
  readonly paths?: readonly string[];
}

export interface AccessSubject {
  readonly user: User;
  /** The node whose agent asks. */
  readonly node: string | undefined;
}

const read = ["get", "list", "watch"] as const;
const write = ["create", "update", "patch", "delete"] as const;
const events: AccessRule = {
  verbs: ["create", "patch", "update"],
  groups: ["", "events.k8s.io"],
  resources: ["events"],
};

/** Everybody, known or not (system:public-info-viewer). */
const everybody: readonly AccessRule[] = [
  {
    verbs: ["get", "head"],
    paths: ["/healthz", "/healthz/*", "/livez", "/livez/*", "/readyz", "/readyz/*", "/version", "/version/"],
  },
];

/** Everybody with a certificate (system:discovery, system:basic-user). */
const authenticated: readonly AccessRule[] = [
  { verbs: ["get"], paths: ["/api", "/api/*", "/apis", "/apis/*", "/openapi", "/openapi/*"] },
  {
    verbs: ["create"],
    groups: ["authorization.k8s.io", "authentication.k8s.io"],
    resources: ["selfsubjectaccessreviews", "selfsubjectrulesreviews", "selfsubjectreviews"],
  },
];

/** Every service account (system:service-account-issuer-discovery). */
const serviceAccounts: readonly AccessRule[] = [
  {
    verbs: ["get"],
    paths: [
      "/.well-known/openid-configuration",
      "/.well-known/openid-configuration/",
      "/openid/v1/jwks",
      "/openid/v1/jwks/",
    ],
  },
];

/** Kubernetes' system:kube-scheduler. */
const scheduler: readonly AccessRule[] = [
  events,
  { verbs: ["create"], groups: ["coordination.k8s.io"], resources: ["leases"] },
  {
    verbs: ["get", "list", "watch", "update", "patch"],
    groups: ["coordination.k8s.io"],
    resources: ["leases"],
  },
  { verbs: read, resources: ["nodes", "namespaces", "services", "replicationcontrollers", "configmaps"] },
  { verbs: [...read, "delete"], resources: ["pods"] },
  { verbs: ["create"], resources: ["bindings", "pods/binding"] },
  { verbs: ["update", "patch"], resources: ["pods/status"] },
  { verbs: read, groups: ["apps"], resources: ["replicasets", "statefulsets", "deployments", "daemonsets"] },
];

/** Kubernetes' system:kube-controller-manager with the roles of its controllers taken together. */
const controllerManager: readonly AccessRule[] = [
  events,
  { verbs: read, groups: ["*"], resources: ["*"] },
  { verbs: [...write, "deletecollection"], groups: ["*"], resources: ["*"] },
];

/** Kubernetes' system:node, as far as it needs no look at objects: the rest is the node authorizer's, and what a node may
 *  write into the objects named here is NodeRestriction's (`admission/node-restriction.ts`). */
function nodeRules(node: string): readonly AccessRule[] {
  return [
    events,
    { verbs: read, resources: ["services"] },
    { verbs: ["get"], resources: ["endpoints"] },
    { verbs: ["create"], resources: ["nodes"] },
    { verbs: ["update", "patch"], resources: ["nodes", "nodes/status"], names: [node] },
    { verbs: ["create", "delete"], resources: ["pods"] },
    { verbs: ["update", "patch"], resources: ["pods/status"] },
    { verbs: ["create"], resources: ["pods/eviction"] },
    { verbs: ["create"], groups: ["authentication.k8s.io"], resources: ["tokenreviews"] },
    {
      verbs: ["create"],
      groups: ["authorization.k8s.io"],
      resources: ["subjectaccessreviews", "localsubjectaccessreviews"],
    },
    ...proxierRules,
  ];
}

/** Kubernetes' system:node-proxier: the agent is its node's service proxy and routes to the other nodes' pods too. */
const proxierRules: readonly AccessRule[] = [
  { verbs: ["list", "watch"], resources: ["services", "endpoints", "nodes"] },
  { verbs: ["list", "watch"], groups: ["discovery.k8s.io"], resources: ["endpointslices"] },
];

/** The rules that hold for somebody, from all their names and groups. Pure. */
export function rulesFor({ user, node }: AccessSubject): readonly AccessRule[] {
  return [
    ...everybody,
    ...(user.groups.includes("system:authenticated") ? authenticated : []),
    ...(user.groups.includes("system:serviceaccounts") ? serviceAccounts : []),
    ...(user.name === "system:kube-scheduler" ? scheduler : []),
    ...(user.name === "system:kube-controller-manager" ? controllerManager : []),
    ...(node === undefined ? [] : nodeRules(node)),
  ];
}
