import { announcementNamespace, isAnnouncementLease } from "../../../client/rules/load-balancer.ts";
import { labelsForbiddenToNodes } from "../../../client/rules/node-labels.ts";
import { isMirrorPod, mirrorAnnotation, staticPodReference } from "../../../client/rules/static-pods.ts";
import type { KubeObject, OwnerReference, PodSpec } from "../../../client/types.ts";
import { notFound } from "../api-error.ts";
import { nodeIdentity } from "../filters/service-account-user.ts";
import { listOf, objectOf } from "../json.ts";
import { sameJson } from "../registry/object-meta.ts";
import { type Admission, type Attributes, admittedName, refusal } from "./admission.ts";
import {
  certificateRestriction,
  claimRestriction,
  csiNodeRestriction,
  sliceRestriction,
} from "./node-own-objects.ts";

/** Kubernetes' NodeRestriction: a node's agent writes its own Node, its own Lease, and the pods bound to it, and of those
 *  only what a node has to say. Beyond Kubernetes: which pod addresses a node has is not the node's to say, and it takes Leases of
 *  load balancers' addresses, for itself alone. */
export function nodeRestriction(facts: NodeFacts): Admission {
  return async (attributes) => {
    const node = nodeIdentity(attributes.by.user);
    if (node === undefined) return;
    if (node === "")
      throw refusal(
        attributes,
        `could not determine node from user ${JSON.stringify(attributes.by.user.name)}`,
      );
    const why = isEviction(attributes)
      ? await evictionRestriction(node, attributes, facts)
      : restrictionFor(node, attributes, await ownerUid(node, attributes, facts));
    if (why !== undefined) throw refusal(attributes, why);
  };
}

/** What stands in the store beside what is written. */
export interface NodeFacts {
  readonly nodeUid: (name: string) => Promise<string | undefined>;
  readonly pod: (namespace: string, name: string) => Promise<KubeObject | undefined>;
}

/** Only a mirror pod's owner is compared with the Node that is there. */
async function ownerUid(
  node: string,
  { kind, operation }: Attributes,
  { nodeUid }: NodeFacts,
): Promise<string | undefined> {
  return kind.kind === "Pod" && kind.group === "" && operation === "create" ? nodeUid(node) : undefined;
}

const isEviction = ({ kind, by }: Attributes) =>
  kind.kind === "Pod" && kind.group === "" && by.subresource === "eviction";

async function evictionRestriction(
  node: string,
  attributes: Attributes,
  { pod }: NodeFacts,
): Promise<string | undefined> {
  const { namespace = "" } = (attributes.object ?? attributes.old).metadata;
  const name = admittedName(attributes);
  const found = await pod(namespace, name);
  if (found === undefined) throw notFound({ group: "", plural: "pod" }, name);
  const isOwn = objectOf(found.spec).nodeName === node;
  return isOwn ? undefined : `node ${node} can only evict pods with spec.nodeName set to itself`;
}

/** Why a node may not do this; undefined: it may, as far as this plugin goes. Pure. */
export function restrictionFor(
  node: string,
  attributes: Attributes,
  nodeUid: string | undefined,
): string | undefined {
  switch (`${attributes.kind.plural}.${attributes.kind.group}`) {
    case "pods.":
      return podRestriction(node, attributes, nodeUid);
    case "nodes.":
      return nodeObjectRestriction(node, attributes);
    case "leases.coordination.k8s.io":
      return leaseRestriction(node, attributes);
    case "persistentvolumeclaims.":
      return claimRestriction(node, attributes);
    case "csinodes.storage.k8s.io":
      return csiNodeRestriction(node, attributes);
    case "resourceslices.resource.k8s.io":
      return sliceRestriction(node, attributes);
    case "certificatesigningrequests.certificates.k8s.io":
      return certificateRestriction(node, attributes);
    default:
      return undefined;
  }
}

function podRestriction(
  node: string,
  attributes: Attributes,
  nodeUid: string | undefined,
): string | undefined {
  const quoted = JSON.stringify(node);
  const { operation, by } = attributes;
  const isOwn = attributes.old === undefined || objectOf(attributes.old.spec).nodeName === node;
  switch (by.subresource) {
    case "":
      if (operation === "create") return mirrorPodRestriction(node, attributes.object, nodeUid);
      if (operation === "delete")
        return isOwn ? undefined : `node ${quoted} can only delete pods with spec.nodeName set to itself`;
      return `unexpected operation "UPDATE", node ${quoted} can only create and delete mirror pods`;
    case "status":
      if (operation !== "update") return `unexpected operation "${operation.toUpperCase()}"`;
      if (!isOwn)
        return `node ${quoted} can only update pod status for pods with spec.nodeName set to itself`;
      if (!sameMap(attributes.object.metadata.labels, attributes.old.metadata.labels))
        return `node ${quoted} cannot update labels through pod status`;
      return claimStatusRestriction(quoted, attributes.object, attributes.old);
    default:
      return `unexpected pod subresource ${JSON.stringify(by.subresource)}, only 'status' and 'eviction' are allowed`;
  }
}

function claimStatusRestriction(quoted: string, next: KubeObject, old: KubeObject): string | undefined {
  const [after, before] = [objectOf(next.status), objectOf(old.status)];
  if (!sameJson(after.resourceClaimStatuses ?? [], before.resourceClaimStatuses ?? []))
    return `node ${quoted} cannot update resource claim statues`;
  if (!sameJson(after.extendedResourceClaimStatus ?? null, before.extendedResourceClaimStatus ?? null))
    return `node ${quoted} cannot update extended resource claim status`;
  return undefined;
}

function mirrorPodRestriction(
  node: string,
  pod: KubeObject,
  nodeUid: string | undefined,
): string | undefined {
  const quoted = JSON.stringify(node);
  const spec = pod.spec as PodSpec;
  if (!isMirrorPod(pod))
    return `pod does not have "${mirrorAnnotation}" annotation, node ${quoted} can only create mirror pods`;
  if (spec.nodeName !== node) return `node ${quoted} can only create pods with spec.nodeName set to itself`;
  const owners = pod.metadata.ownerReferences ?? [];
  if (owners.length > 1)
    return `node ${quoted} can only create pods with a single owner reference set to itself`;
  const problem = ownerRestriction(node, owners[0], nodeUid);
  if (problem !== undefined) return problem;
  const referred = staticPodReference(spec, pod.metadata.name);
  return referred === undefined ? undefined : `node ${quoted} can not create pods that reference ${referred}`;
}

function ownerRestriction(
  node: string,
  owner: OwnerReference | undefined,
  nodeUid: string | undefined,
): string | undefined {
  const quoted = JSON.stringify(node);
  if (owner?.apiVersion !== "v1" || owner.kind !== "Node" || owner.name !== node)
    return `node ${quoted} can only create pods with an owner reference set to itself`;
  if (owner.controller !== true)
    return `node ${quoted} can only create pods with a controller owner reference set to itself`;
  if (owner.blockOwnerDeletion === true)
    return `node ${quoted} must not set blockOwnerDeletion on an owner reference`;
  if (nodeUid === undefined) throw notFound({ group: "", plural: "node" }, node);
  if (owner.uid !== nodeUid) return `node ${node} UID mismatch: expected ${owner.uid} got ${nodeUid}`;
  return undefined;
}

function nodeObjectRestriction(node: string, attributes: Attributes): string | undefined {
  const quoted = JSON.stringify(node);
  const { operation, object, old } = attributes;
  const { name } = (object ?? old).metadata;
  if (name !== node) return `node ${quoted} is not allowed to modify node ${JSON.stringify(name)}`;
  if (operation === "delete") return undefined; // no rule lets a node delete itself
  const [after, before] = [objectOf(object.spec), objectOf(old?.spec)];
  if (after.configSource !== undefined && !sameJson(after.configSource, before.configSource ?? null))
    return operation === "create"
      ? `node ${quoted} is not allowed to create pods with a non-nil configSource`
      : `node ${quoted} is not allowed to update configSource to a new non-nil configSource`;
  for (const field of ["podCIDR", "podCIDRs"] as const)
    if (!sameJson(after[field] ?? null, before[field] ?? null))
      return `node ${quoted} is not allowed to set spec.${field}`;
  if (operation === "update") {
    if (!sameJson(listOf(after.taints), listOf(before.taints)))
      return `node ${quoted} is not allowed to modify taints`;
    if (!sameJson(object.metadata.ownerReferences ?? [], old.metadata.ownerReferences ?? []))
      return `node ${quoted} is not allowed to modify ownerReferences`;
  }
  const labels = labelsForbiddenToNodes(
    changedKeys(object.metadata.labels ?? {}, old?.metadata.labels ?? {}),
  );
  if (labels.length === 0) return undefined;
  return operation === "create"
    ? `node ${quoted} is not allowed to set the following labels: ${labels.join(", ")}`
    : `is not allowed to modify labels: ${labels.join(", ")}`;
}

function leaseRestriction(node: string, { object, old }: Attributes): string | undefined {
  const { name, namespace } = (object ?? old).metadata;
  if (namespace === announcementNamespace && isAnnouncementLease(name)) {
    const after = holderOf(object);
    if (after === node || (after === "" && holderOf(old) === node)) return undefined;
    return `node ${JSON.stringify(node)} can only take the lease of a load balancer's address for itself, or give its own up`;
  }
  if (namespace !== "kube-node-lease")
    return 'can only access leases in the "kube-node-lease" system namespace';
  return name === node ? undefined : "can only access node lease with the same name as the requesting node";
}

const holderOf = (lease: KubeObject | undefined): unknown => objectOf(lease?.spec).holderIdentity ?? "";

type Labels = Readonly<Record<string, string>>;

function sameMap(a: Labels = {}, b: Labels = {}): boolean {
  return changedKeys(a, b).length === 0;
}

function changedKeys(a: Labels, b: Labels): readonly string[] {
  return [...new Set([...Object.keys(a), ...Object.keys(b)])].filter((key) => a[key] !== b[key]);
}
