import type { CacheHub } from "../cache/cache-hub.ts";
import { objectOf } from "../json.ts";
import type { Kind } from "../registry/kind.ts";
import { objectKey } from "../registry/stored-object.ts";
import type { ResourceAttributes } from "./authorization.ts";
import type { Authorizer, Decision } from "./authorizer.ts";
import { NodeReferences, type ReferencedKind } from "./node-references.ts";
import { nodeIdentity } from "./service-account-user.ts";

/** What a node's agent may see: itself, the pods bound to it, and what those refer to; nothing else of its kinds, one
 *  by one and never as a list of a namespace. The rest of Kubernetes' role system:node, which needs no look at objects,
 *  is in `access-rules.ts`. (Kubernetes' node authorizer, with selectors.)
 *  A refusal is decided on a state not older than the request, so that a pod bound a moment ago counts. */
export function nodeAuthorizer({ hub, pods }: { readonly hub: CacheHub; readonly pods: Kind }): Authorizer {
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
    const related = await now(() => references.has(node, kind, wanted));
    return related ? allowed : refused(`no relationship found between node '${node}' and this object`);
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
    const key = objectKey(pods, namespace, name);
    const isOwn = await now(() => objectOf(hub.peek(pods)?.get(key)?.object.spec).nodeName === node);
    return isOwn ? allowed : refused(`no relationship found between node '${node}' and this object`);
  };

  return async (user, wanted) => {
    const node = nodeIdentity(user);
    if (node === undefined || "path" in wanted) return undecided;
    switch (`${wanted.plural}.${wanted.group}`) {
      case "secrets.":
        return readNamespaced(node, "secrets", wanted);
      case "configmaps.":
        return readNamespaced(node, "configmaps", wanted);
      case "persistentvolumeclaims.":
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
      default:
        return undecided;
    }
  };
}

const allowed: Decision = { allowed: true };
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
  return name === node ? allowed : refused(`node '${node}' cannot read '${name}', only its own Node object`);
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
