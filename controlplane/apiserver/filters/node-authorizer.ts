import { isToBeRemoved, localPathNode } from "../../../client/rules/local-path.ts";
import type { PersistentVolume } from "../../../client/types.ts";
import type { CacheHub } from "../cache/cache-hub.ts";
import { objectOf } from "../json.ts";
import { componentRoles } from "../rbac/policy/component-roles.ts";
import { ruleAllows } from "../rbac/rule-allows.ts";
import type { Kind } from "../registry/kind.ts";
import { namedKey } from "../registry/stored-object.ts";
import type { Attributes, ResourceAttributes } from "./authorization.ts";
import type { Authorizer, Decision, RuleResolver } from "./authorizer.ts";
import { NodeReferences, type ReferencedKind } from "./node-references.ts";
import { nodeIdentity } from "./service-account-user.ts";

/** What a node's agent may see: itself, the pods bound to it, and what those refer to; nothing else of its kinds, one
 *  by one and never as a list of a namespace; and whatever else the role system:node allows, which needs no look at
 *  objects. (Kubernetes' node authorizer, with selectors: the role is bound to nobody.)
 *  A refusal is decided on a state not older than the request, so that a pod bound a moment ago counts. */
export function nodeAuthorizer({
  hub,
  pods,
  volumes,
}: {
  readonly hub: CacheHub;
  readonly pods: Kind;
  readonly volumes: Kind;
}): Authorizer {
  const references = new NodeReferences();
  hub.addIndex(pods, references);

  /** `holds` on the cache as it is, or else on the newest state. */
  const now = async (holds: () => boolean): Promise<boolean> => {
    await hub.cache(pods);
    if (holds()) return true;
    await hub.consistent(pods);
    return holds();
  };

  const referred = async (
    node: string,
    kind: ReferencedKind,
    wanted: ResourceAttributes,
  ): Promise<Decision> => {
    if (wanted.name === "") return refused("No Object name found");
    const isReferred = await now(() => references.has(node, kind, wanted));
    return isReferred ? allowed : refused(`no relationship found between node '${node}' and this object`);
  };

  const readNamespaced = (node: string, kind: ReferencedKind, wanted: ResourceAttributes) => {
    if (!["get", "list", "watch"].includes(wanted.verb))
      return refused("can only read resources of this type");
    if (wanted.subresource !== "") return refused("cannot read subresource");
    if (wanted.namespace === "") return refused("can only read namespaced object of this type");
    return referred(node, kind, wanted);
  };

  const pod = async (node: string, wanted: ResourceAttributes): Promise<Decision> => {
    const { verb, subresource, namespace, name } = wanted;
    if (subresource !== "") return undecided;
    if (verb === "list" || verb === "watch") {
      if (wanted.fields?.["spec.nodeName"] === node) return allowed;
      // A single pod, by its name.
      if (name === "" || namespace === "")
        return refused("can only list/watch pods with spec.nodeName field selector");
    } else if (verb !== "get") return undecided;
    const key = namedKey(pods, namespace, name);
    if (key === undefined) return refused(`no relationship found between node '${node}' and this object`);
    const isOwn = await now(() => objectOf(hub.peek(pods)?.get(key)?.object.spec).nodeName === node);
    return isOwn ? allowed : refused(`no relationship found between node '${node}' and this object`);
  };

  /** Volumes that its pods' claims have; and those that are its own folders, which it removes once they are released. */
  const volume = async (node: string, { verb, subresource, name }: ResourceAttributes): Promise<Decision> => {
    if (!isOneOf(verb, "get", "delete")) return refused("can only get individual resources of this type");
    if (subresource !== "") return refused("cannot get subresource");
    if (name === "") return refused("No Object name found");
    const holds = () => {
      const key = namedKey(volumes, "", name) ?? "";
      const found = hub.peek(volumes)?.get(key)?.object as PersistentVolume | undefined;
      if (found === undefined) return false;
      const isOwn = localPathNode(found) === node;
      if (verb === "delete") return isOwn && isToBeRemoved(found);
      const { namespace = "", name: claim = "" } = found.spec.claimRef ?? {};
      return isOwn || references.has(node, "persistentvolumeclaims", { namespace, name: claim });
    };
    await hub.cache(volumes);
    if (await now(holds)) return allowed;
    await hub.consistent(volumes);
    return holds() ? allowed : refused(`no relationship found between node '${node}' and this object`);
  };

  const related = async (node: string, wanted: ResourceAttributes): Promise<Decision> => {
    switch (`${wanted.plural}.${wanted.group}`) {
      case "secrets.":
        return readNamespaced(node, "secrets", wanted);
      case "configmaps.":
        return readNamespaced(node, "configmaps", wanted);
      case "persistentvolumeclaims.":
        if (wanted.subresource === "status" && isOneOf(wanted.verb, "update", "patch"))
          return referred(node, "persistentvolumeclaims", wanted);
        if (wanted.verb !== "get") return refused("can only get individual resources of this type");
        if (wanted.subresource !== "") return refused("cannot get subresource");
        return referred(node, "persistentvolumeclaims", wanted);
      case "serviceaccounts.":
        return serviceAccount(wanted) ?? referred(node, "serviceaccounts", wanted);
      case "pods.":
        return pod(node, wanted);
      case "nodes.":
        return ownNode(node, wanted);
      case "leases.coordination.k8s.io":
        return nodeLease(node, wanted);
      case "csinodes.storage.k8s.io":
        return ownCsiNode(node, wanted);
      case "persistentvolumes.":
        return volume(node, wanted);
      case "volumeattachments.storage.k8s.io":
      case "resourceclaims.resource.k8s.io":
      case "resourceslices.resource.k8s.io":
      case "podcertificaterequests.certificates.k8s.io":
        // No pod here is known to refer to one of these.
        return refused(`no relationship found between node '${node}' and this object`);
      default:
        return undecided;
    }
  };

  return async (user, wanted) => {
    const node = nodeIdentity(user);
    if (node === undefined) return undecided;
    const decision = "path" in wanted ? undecided : await related(node, wanted);
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

/** Undefined: it depends on the node's pods. */
function serviceAccount({ verb, subresource }: ResourceAttributes): Decision | undefined {
  if (verb === "get" && subresource === "") return undefined;
  if (verb !== "create") return refused("can only create tokens for individual service accounts");
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
  if (!["get", "create", "update", "patch", "delete"].includes(verb))
    return refused("can only get, create, update, patch, or delete a node lease");
  if (namespace !== "kube-node-lease")
    return refused('can only access leases in the "kube-node-lease" system namespace');
  // The name of what is created is not known here; admission looks at it.
  if (verb !== "create" && name !== node)
    return refused("can only access node lease with the same name as the requesting node");
  return allowed;
}
