import { answersIngresses, isOwnClass } from "../../../client/rules/ingress-class.ts";
import { announcementNamespace, isAnnouncementLease } from "../../../client/rules/load-balancer.ts";
import { isToBeRemoved, localPath, localPathNode } from "../../../client/rules/local-path.ts";
import type { IngressClass, KubeObject, Node, PersistentVolume } from "../../../client/types.ts";
import type { CacheHub } from "../cache/cache-hub.ts";
import { objectOf } from "../json.ts";
import { componentRoles } from "../rbac/policy/component-roles.ts";
import { ruleAllows } from "../rbac/rule-allows.ts";
import type { Kind } from "../registry/kind.ts";
import { namedKey } from "../registry/stored-object.ts";
import type { Attributes, ResourceAttributes } from "./authorization.ts";
import type { Authorizer, Decision, RuleResolver } from "./authorizer.ts";
import { isAuthorityMap, isGatewayCertificate } from "./gateway-secrets.ts";
import { IngressSecrets } from "./ingress-secrets.ts";
import { NodeReferences, type ReferencedKind } from "./node-references.ts";
import { nodeIdentity } from "./service-account-user.ts";
import { VolumeSecrets } from "./volume-secrets.ts";

export interface NodeAuthorizerDeps {
  readonly hub: CacheHub;
  readonly pods: Kind;
  readonly volumes: Kind;
  readonly attachments: Kind;
  readonly slices: Kind;
  readonly nodes: Kind;
  readonly ingresses: Kind;
  readonly ingressClasses: Kind;
  /** Whose objects fence pods, as far as they are defined now. */
  readonly policyKinds: () => readonly Kind[];
  /** Of Gateway API, as far as they are defined now. */
  readonly gatewayKinds: () => readonly Kind[];
  readonly tlsPolicies: () => Kind | undefined;
}

/** What a node's agent may see: itself, the pods bound to it, and what those refer to; nothing else of its kinds, one
 *  by one and never as a list of a namespace; and whatever else the role system:node allows, which needs no look at
 *  objects. (Kubernetes' node authorizer, with selectors: the role is bound to nobody.) Beyond Kubernetes' it enforces network
 *  policies itself, and while there are any lists and watches all pods and namespaces; and it agrees with the other nodes, by
 *  Leases, on who answers at the addresses of load balancers.
 *  A refusal is decided on a state not older than the request, so that a pod bound a moment ago counts. */
export function nodeAuthorizer(deps: NodeAuthorizerDeps): Authorizer {
  const { hub, pods, volumes, attachments, slices } = deps;
  const references = new NodeReferences();
  hub.addIndex(pods, references);
  const volumeSecrets = new VolumeSecrets();
  hub.addIndex(volumes, volumeSecrets);
  const ingressSecrets = new IngressSecrets();
  hub.addIndex(deps.ingresses, ingressSecrets);

  /** Allowed where `holds` on the caches of these kinds as they are, or else on the newest state. */
  const related = async (node: string, kinds: readonly Kind[], holds: () => boolean): Promise<Decision> => {
    for (const kind of kinds) await hub.cache(kind);
    if (holds()) return allowed;
    for (const kind of kinds) await hub.consistent(kind);
    return holds() ? allowed : refused(`no relationship found between node '${node}' and this object`);
  };

  const cached = (kind: Kind, { namespace, name }: ResourceAttributes): KubeObject | undefined => {
    const key = namedKey(kind, namespace, name);
    return key === undefined ? undefined : hub.peek(kind)?.get(key)?.object;
  };

  const referred = async (
    node: string,
    kind: ReferencedKind,
    wanted: ResourceAttributes,
  ): Promise<Decision> => {
    if (wanted.name === "") return refused("No Object name found");
    return related(node, [pods], () => references.has(node, kind, wanted));
  };

  /** Certificates of Ingresses and Gateways that the nodes answer for, on a node that does. */
  const isCertificate = (node: string, wanted: ResourceAttributes): boolean => {
    const found = cached(deps.nodes, { ...wanted, namespace: "", name: node }) as Node | undefined;
    if (found === undefined || !answersIngresses(found)) return false;
    if (isGatewayCertificate(wanted, deps.gatewayKinds(), hub)) return true;
    return [...ingressSecrets.classesOf(wanted)].some((name) => {
      const named = cached(deps.ingressClasses, { ...wanted, namespace: "", name }) as
        | IngressClass
        | undefined;
      return named !== undefined && isOwnClass(named);
    });
  };

  /** Secrets of its pods, of the volumes that its pods' claims have, and of Ingresses and Gateways. */
  const secret = async (node: string, wanted: ResourceAttributes): Promise<Decision> => {
    if (wanted.name === "") return refused("No Object name found");
    const kinds = [pods, volumes, deps.nodes, deps.ingresses, deps.ingressClasses, ...deps.gatewayKinds()];
    return related(node, kinds, () => {
      if (references.has(node, "secrets", wanted)) return true;
      for (const claim of volumeSecrets.claimsOf(wanted))
        if (references.has(node, "persistentvolumeclaims", claim)) return true;
      return isCertificate(node, wanted);
    });
  };

  /** ConfigMaps of its pods, and on a node that answers for Gateways those that say whom to trust. */
  const configMap = async (node: string, wanted: ResourceAttributes): Promise<Decision> => {
    const decision = await referred(node, "configmaps", wanted);
    const tlsPolicies = deps.tlsPolicies();
    if (decision.allowed || wanted.name === "" || tlsPolicies === undefined) return decision;
    return related(node, [deps.nodes, tlsPolicies], () => {
      const found = cached(deps.nodes, { ...wanted, namespace: "", name: node }) as Node | undefined;
      return found !== undefined && answersIngresses(found) && isAuthorityMap(wanted, tlsPolicies, hub);
    });
  };

  /** Objects that say in their specification which node they are for. */
  const placed = async (node: string, kind: Kind, wanted: ResourceAttributes): Promise<Decision> => {
    if (wanted.name === "") return refused("No Object name found");
    return related(node, [kind], () => objectOf(cached(kind, wanted)?.spec).nodeName === node);
  };

  /** Gateways may take routes of namespaces by these' labels. */
  const namespace = async (node: string, wanted: ResourceAttributes): Promise<Decision> => {
    const decision = await forPolicies(node, wanted);
    const [gateways] = deps.gatewayKinds();
    if (decision.allowed || gateways === undefined) return decision;
    const isFollowing = isOneOf(wanted.verb, "list", "watch") && `${wanted.name}${wanted.subresource}` === "";
    if (!isFollowing) return undecided;
    const { allowed } = await related(node, [gateways], () => (hub.peek(gateways)?.count ?? 0) > 0);
    return { allowed };
  };

  /** Whom network policies speak of stands in all pods and namespaces: a node follows them as long as there is a policy. */
  const forPolicies = async (node: string, { verb, namespace, name, subresource }: ResourceAttributes) => {
    if (!isOneOf(verb, "list", "watch") || `${namespace}${name}${subresource}` !== "") return undecided;
    const kinds = deps.policyKinds();
    const { allowed } = await related(node, kinds, () =>
      kinds.some((kind) => (hub.peek(kind)?.count ?? 0) > 0),
    );
    return { allowed };
  };

  const pod = async (node: string, wanted: ResourceAttributes): Promise<Decision> => {
    const { verb, subresource } = wanted;
    if (subresource !== "") return undecided;
    if (verb === "list" || verb === "watch") {
      if (wanted.fields?.["spec.nodeName"] === node) return allowed;
      if ((await forPolicies(node, wanted)).allowed) return allowed;
      // A single pod, by its name.
      if (wanted.name === "") return refused("can only list/watch pods with spec.nodeName field selector");
    } else if (verb !== "get") return undecided;
    return placed(node, pods, wanted);
  };

  const slice = async (node: string, wanted: ResourceAttributes): Promise<Decision> => {
    if (wanted.subresource !== "") return refused("cannot authorize ResourceSlice subresources");
    if (wanted.verb === "create") return allowed; // admission looks at what is made
    if (isOneOf(wanted.verb, "get", "update", "patch", "delete")) return placed(node, slices, wanted);
    if (!isOneOf(wanted.verb, "list", "watch", "deletecollection"))
      return refused(
        "only the following verbs are allowed for a ResourceSlice: get, watch, list, create, update, patch, delete, deletecollection",
      );
    return wanted.fields?.["spec.nodeName"] === node
      ? allowed
      : refused("can only list/watch/deletecollection resourceslices with nodeName field selector");
  };

  /** Volumes that its pods' claims have; and those that are its own folders, which it follows and removes once they are
   *  released. */
  const volume = async (node: string, wanted: ResourceAttributes): Promise<Decision> => {
    if (isOneOf(wanted.verb, "list", "watch") && wanted.fields?.[localPath.nodeField] === node)
      return allowed;
    const isDelete = wanted.verb === "delete" && wanted.subresource === "";
    const why = isDelete ? undefined : noSingleRead(wanted);
    if (why !== undefined) return refused(why);
    return related(node, [pods, volumes], () => {
      const found = cached(volumes, wanted) as PersistentVolume | undefined;
      if (found === undefined) return false;
      const isOwn = localPathNode(found) === node;
      if (isDelete) return isOwn && isToBeRemoved(found);
      const { namespace = "", name = "" } = found.spec.claimRef ?? {};
      return isOwn || references.has(node, "persistentvolumeclaims", { namespace, name });
    });
  };

  const byResource = async (node: string, wanted: ResourceAttributes): Promise<Decision> => {
    switch (`${wanted.plural}.${wanted.group}`) {
      case "secrets.":
        return readable(wanted) ?? secret(node, wanted);
      case "configmaps.":
        return readable(wanted) ?? configMap(node, wanted);
      case "persistentvolumeclaims.":
        return claim(wanted) ?? referred(node, "persistentvolumeclaims", wanted);
      case "serviceaccounts.":
        return serviceAccount(wanted) ?? referred(node, "serviceaccounts", wanted);
      case "pods.":
        return pod(node, wanted);
      case "namespaces.":
        return namespace(node, wanted);
      case "nodes.":
        return ownNode(node, wanted);
      case "leases.coordination.k8s.io":
        return nodeLease(node, wanted);
      case "csinodes.storage.k8s.io":
        return ownCsiNode(node, wanted);
      case "persistentvolumes.":
        return volume(node, wanted);
      case "volumeattachments.storage.k8s.io":
        return gettable(wanted) ?? placed(node, attachments, wanted);
      case "resourceclaims.resource.k8s.io":
        return gettable(wanted) ?? referred(node, "resourceclaims", wanted);
      case "resourceslices.resource.k8s.io":
        return slice(node, wanted);
      default:
        return undecided;
    }
  };

  return async (user, wanted) => {
    const node = nodeIdentity(user);
    if (node === undefined) return undecided;
    if (node === "") return refused(`unknown node for user ${JSON.stringify(user.name)}`);
    const decision = "path" in wanted ? undecided : await byResource(node, wanted);
    return decision === undecided ? byRole(wanted) : decision;
  };
}

const nodeRules = componentRoles.find(({ name }) => name === "system:node")?.rules ?? [];

function byRole(wanted: Attributes): Decision {
  return nodeRules.some((rule) => ruleAllows(rule, wanted)) ? allowed : undecided;
}

/** What a node may do follows from its pods: no list of rules says it. */
export const nodeRulesUnknown: RuleResolver = async (user) =>
  nodeIdentity(user) === undefined
    ? { rules: [], incomplete: false, problems: [] }
    : {
        rules: [],
        incomplete: true,
        problems: ["node authorizer does not support user rule resolution"],
      };

const allowed: Decision = { allowed: true };
const isOneOf = (verb: string, ...verbs: readonly string[]) => verbs.includes(verb);
const undecided: Decision = { allowed: false };
const refused = (reason: string): Decision => ({ allowed: false, reason });

/** Why this is no reading of one object; undefined: it is. Pure. */
function noSingleRead({ verb, subresource }: ResourceAttributes): string | undefined {
  if (verb !== "get") return "can only get individual resources of this type";
  return subresource === "" ? undefined : "cannot get subresource";
}

// Of what follows undefined means: it depends on the node's pods.

function gettable(wanted: ResourceAttributes): Decision | undefined {
  const why = noSingleRead(wanted);
  return why === undefined ? undefined : refused(why);
}

function readable({ verb, subresource, namespace }: ResourceAttributes): Decision | undefined {
  if (!isOneOf(verb, "get", "list", "watch")) return refused("can only read resources of this type");
  if (subresource !== "") return refused("cannot read subresource");
  return namespace === "" ? refused("can only read namespaced object of this type") : undefined;
}

function claim(wanted: ResourceAttributes): Decision | undefined {
  if (wanted.subresource !== "status") return gettable(wanted);
  return isOneOf(wanted.verb, "update", "patch") ? undefined : refused("can only get/update/patch this type");
}

function serviceAccount({ verb, subresource, name }: ResourceAttributes): Decision | undefined {
  if (verb === "get" && subresource === "") return undefined;
  if (verb !== "create" || name === "")
    return refused("can only create tokens for individual service accounts");
  return subresource === "token" ? undefined : refused("can only create token subresource of serviceaccount");
}

function ownNode(node: string, { verb, subresource, name }: ResourceAttributes): Decision {
  if (subresource !== "" || !["get", "list", "watch"].includes(verb)) return undecided;
  if (name === node) return allowed;
  const asked = name === "" ? "all nodes" : `'${name}'`;
  return refused(`node '${node}' cannot read ${asked}, only its own Node object`);
}

function ownCsiNode(node: string, { verb, subresource, name }: ResourceAttributes): Decision {
  if (!isOneOf(verb, "get", "create", "update", "patch", "delete"))
    return refused("can only get, create, update, patch, or delete a CSINode");
  if (subresource !== "") return refused("cannot authorize CSINode subresources");
  if (verb !== "create" && name !== node)
    return refused("can only access CSINode with the same name as the requesting node");
  return allowed;
}

function nodeLease(node: string, { verb, namespace, name }: ResourceAttributes): Decision {
  if (namespace === announcementNamespace) {
    if (isOneOf(verb, "get", "watch", "update") && isAnnouncementLease(name)) return allowed;
    if (verb === "create") return allowed;
  }
  if (!["get", "create", "update", "patch", "delete"].includes(verb))
    return refused("can only get, create, update, patch, or delete a node lease");
  if (namespace !== "kube-node-lease")
    return refused('can only access leases in the "kube-node-lease" system namespace');
  // The name of what is created is not known here; admission looks at it.
  if (verb !== "create" && name !== node)
    return refused("can only access node lease with the same name as the requesting node");
  return allowed;
}
