import assert from "node:assert/strict";
import type { User } from "../../filters/authentication.ts";
import type { Attributes } from "../../filters/authorization.ts";
import { defaultRbac } from "../testing.ts";
import { controllerRoles } from "./controller-roles.ts";
import { controllerRights, ownBindings, ownRoles } from "./own-policy.ts";

const known = (name: string, ...groups: string[]): User => ({
  name,
  groups: [...groups, "system:authenticated"],
});
const users: Readonly<Record<string, User>> = {
  manager: known("system:kube-controller-manager"),
  scheduler: known("system:kube-scheduler"),
  node: known("system:node:n1", "system:nodes"),
  joiner: known("system:bootstrap:abcdef", "system:bootstrappers", "system:bootstrappers:pintle:nodes"),
  nobody: { name: "system:anonymous", groups: ["system:unauthenticated"] },
};

/** `verbs group resources [namespace[/name]]` as a question each. */
function questions(line: string): readonly Attributes[] {
  const [verbs = "", group = "", resources = "", place = ""] = line.split(" ");
  const [namespace = "", name = ""] = place.split("/");
  return verbs.split(",").flatMap((verb) =>
    resources.split(",").map((resource) => {
      const [plural = "", ...sub] = resource.split("/");
      return {
        verb,
        group: group === "core" ? "" : group,
        plural,
        subresource: sub.join("/"),
        namespace,
        name,
      };
    }),
  );
}

/** What the parts asked while whole clusters were started, scaled, rolled out, broken and taken down. */
const asked: Readonly<Record<string, readonly string[]>> = {
  manager: [
    "list,watch core configmaps,endpoints,namespaces,nodes,pods,replicationcontrollers,secrets,serviceaccounts,services",
    "list,watch apps controllerrevisions,daemonsets,deployments,replicasets",
    "list,watch batch jobs",
    "list,watch coordination.k8s.io leases",
    "list,watch discovery.k8s.io endpointslices",
    "list,watch rbac.authorization.k8s.io roles,rolebindings,clusterroles,clusterrolebindings",
    "create core configmaps,endpoints,events,pods,serviceaccounts shop",
    "create apps controllerrevisions,replicasets shop",
    "create discovery.k8s.io endpointslices shop",
    "get core namespaces,services shop/x",
    "get core configmaps,pods shop/x",
    "get apps deployments,replicasets shop/x",
    "get batch jobs shop/x",
    "get,update coordination.k8s.io leases kube-system/kube-controller-manager",
    "create,watch coordination.k8s.io leases kube-system",
    "patch core events,pods,configmaps shop/x",
    "patch apps controllerrevisions,deployments,replicasets shop/x",
    "patch rbac.authorization.k8s.io clusterroles /view",
    "patch,get core nodes /n1",
    "update core endpoints,pods/status shop/x",
    "update core nodes/status /n1",
    "update core namespaces/finalize,namespaces/status shop/shop",
    "update apps daemonsets/status,deployments/status,replicasets/status shop/x",
    "update batch jobs/status shop/x",
    "update discovery.k8s.io endpointslices shop/x",
    "delete core configmaps,endpoints,pods shop/x",
    "delete apps replicasets shop/x",
    "delete batch jobs shop/x",
    "delete discovery.k8s.io endpointslices shop/x",
    "deletecollection core configmaps,pods,serviceaccounts,events shop",
    "create core persistentvolumes",
    "update core persistentvolumes,persistentvolumes/status /v",
    "update core persistentvolumeclaims,persistentvolumeclaims/status shop/x",
    "list,watch storage.k8s.io storageclasses",
    "list,watch gateway.networking.k8s.io gatewayclasses,gateways,httproutes,grpcroutes,referencegrants,backendtlspolicies",
    "update gateway.networking.k8s.io gatewayclasses/status,gateways/status,httproutes/status,grpcroutes/status,backendtlspolicies/status /x",
    "create,update,delete core services shop/x",
  ],
  scheduler: [
    "list,watch core namespaces,nodes,persistentvolumeclaims,persistentvolumes,pods,services",
    "list,watch storage.k8s.io storageclasses",
    "update core persistentvolumes /v",
    "update core persistentvolumeclaims shop/x",
    "create core pods/binding,events shop",
    "patch core pods/status,events shop/x",
    "delete core pods shop/x",
    "get,update coordination.k8s.io leases kube-system/kube-scheduler",
    "create,watch coordination.k8s.io leases kube-system",
  ],
  joiner: [
    "create certificates.k8s.io certificatesigningrequests",
    "get certificates.k8s.io certificatesigningrequests /r",
    "get core configmaps kube-public/cluster-info",
  ],
  nobody: ["get core configmaps kube-public/cluster-info"],
  // Beside what the node authorizer allows by itself.
  node: [
    "create certificates.k8s.io certificatesigningrequests/selfnodeclient",
    "get core configmaps kube-public/cluster-info",
    "list,watch core endpoints,nodes,services",
    "list,watch discovery.k8s.io endpointslices",
    "list,watch networking.k8s.io networkpolicies",
    "list,watch gateway.networking.k8s.io gatewayclasses,gateways,httproutes,grpcroutes,referencegrants,backendtlspolicies",
    "list,watch apiextensions.k8s.io customresourcedefinitions /gatewayclasses.gateway.networking.k8s.io",
    "list,watch apiextensions.k8s.io customresourcedefinitions /backendtlspolicies.gateway.networking.k8s.io",
    "list,watch apiextensions.k8s.io customresourcedefinitions /adminnetworkpolicies.policy.networking.k8s.io",
    "list,watch apiextensions.k8s.io customresourcedefinitions /clusternetworkpolicies.policy.networking.k8s.io",
    "list,watch policy.networking.k8s.io adminnetworkpolicies,baselineadminnetworkpolicies,clusternetworkpolicies",
  ],
};

/** What none of them needs, and an intruder would like. */
const refused: Readonly<Record<string, readonly string[]>> = {
  joiner: [
    "list,watch,update,patch,delete,deletecollection certificates.k8s.io certificatesigningrequests",
    "update,patch certificates.k8s.io certificatesigningrequests/approval,certificatesigningrequests/status /r",
    "create certificates.k8s.io certificatesigningrequests/nodeclient,certificatesigningrequests/selfnodeclient",
    "approve,sign certificates.k8s.io signers /kubernetes.io/kubelet-serving",
    "get,list,watch,create,update,patch,delete core configmaps,secrets,pods,nodes kube-system/x",
    "get,list,watch core configmaps kube-public/other",
    "list,watch,update,patch,delete core configmaps kube-public",
    "get,create,update coordination.k8s.io leases kube-node-lease/n1",
  ],
  nobody: [
    "get core configmaps kube-public/other",
    "list,watch,update,patch core configmaps kube-public",
    "create certificates.k8s.io certificatesigningrequests",
  ],
  manager: [
    "create core pods/exec,pods/attach,pods/portforward shop/x",
    "create rbac.authorization.k8s.io roles,rolebindings,clusterroles,clusterrolebindings",
    "bind rbac.authorization.k8s.io clusterroles /cluster-admin",
    "impersonate core users,groups,serviceaccounts shop/x",
    "create core nodes",
    "create core nodes/proxy /n1",
    "sign certificates.k8s.io signers /example.com/x",
  ],
  scheduler: [
    "get,list,watch core secrets,configmaps shop",
    "create,update,patch core pods,nodes shop/x",
    "update coordination.k8s.io leases kube-node-lease/n1",
    "delete core nodes /n1",
    "get,list rbac.authorization.k8s.io roles shop",
  ],
  node: [
    "get core nodes /n2",
    "get,list,watch core secrets,configmaps,pods shop",
    "create core pods,nodes shop",
    "list,watch core namespaces,pods",
    "get,create,update,patch,delete networking.k8s.io networkpolicies shop/x",
  ],
};

describe("the rights of our own parts", () => {
  for (const [who, lines] of Object.entries(asked))
    it(`are enough for what the ${who} asks`, async () => {
      for (const line of lines) for (const question of questions(line)) await decided(who, question, true);
    });

  for (const [who, lines] of Object.entries(refused))
    it(`do not let the ${who} do more`, async () => {
      for (const line of lines) for (const question of questions(line)) await decided(who, question, false);
    });

  async function decided(who: string, question: Attributes, allowed: boolean) {
    const user = users[who];
    assert.ok(user);
    assert.equal((await defaultRbac(user, question)).allowed, allowed, `${who} ${JSON.stringify(question)}`);
  }

  it("are Kubernetes' own roles but for named ones that follow services and routes, answer for Ingresses, and read what pods use", () => {
    const there = new Set(controllerRoles.map(({ name }) => name));
    for (const role of Object.values(controllerRights).filter(Boolean))
      assert.ok(there.has(`system:controller:${role}`), role);
    assert.deepEqual(
      ownRoles({ servesMetrics: true, admitsMachines: true, servesTrustBundles: true }).map(
        ({ metadata }) => metadata.name,
      ),
      [
        "pintle:node-network",
        "pintle:ingress-status",
        "pintle:gateway",
        "system:aggregated-metrics-reader",
        "pintle:node-joiner",
        "pintle:node-approval",
        "pintle:cluster-info",
        "system:cluster-trust-bundle-discovery",
      ],
    );
    assert.deepEqual(
      ownRoles({ servesMetrics: false, admitsMachines: false, servesTrustBundles: false }).map(
        ({ metadata }) => metadata.name,
      ),
      ["pintle:node-network", "pintle:ingress-status", "pintle:gateway"],
    );
    for (const { metadata } of ownBindings({ admitsMachines: true, servesTrustBundles: false }))
      assert.match(metadata.name ?? "", /^pintle:/);
  });
});
