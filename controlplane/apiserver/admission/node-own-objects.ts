import { CertificateRequestError, readCertificateRequest } from "../../../base/os/certificate-request.ts";
import type { KubeObject } from "../../../client/types.ts";
import { type JsonObject, objectOf, stringOf } from "../json.ts";
import { sameJson } from "../registry/object-meta.ts";
import type { Attributes } from "./admission.ts";

/** What NodeRestriction says of objects that are neither pods nor nodes, but a node's to write. Each gives why a node may not
 *  do this; undefined: it may. Pure. */
export function claimRestriction(
  node: string,
  { by, operation, object, old }: Attributes,
): string | undefined {
  if (by.subresource !== "status") return "may only update PVC status";
  if (operation !== "update") return `unexpected operation ${JSON.stringify(operation.toUpperCase())}`;
  const [after, before] = [withoutSize(object), withoutSize(old)];
  const changed = [...new Set([...Object.keys(after), ...Object.keys(before)])].filter(
    (part) => !sameJson(after[part] ?? null, before[part] ?? null),
  );
  if (changed.length === 0) return undefined;
  return `node ${JSON.stringify(node)} is not allowed to update fields other than status.quantity and status.conditions: ${changed.join(", ")}`;
}

/** A claim without what a node says of it when it has made a file system larger, part by part. */
function withoutSize({ metadata, spec, status }: KubeObject): JsonObject {
  const { resourceVersion: _v, managedFields: _m, ...kept } = metadata;
  const {
    capacity: _c,
    conditions: _o,
    allocatedResources: _a,
    allocatedResourceStatuses: _s,
    ...rest
  } = objectOf(status);
  return {
    metadata: kept,
    spec,
    ...Object.fromEntries(Object.entries(rest).map(([name, one]) => [`status.${name}`, one])),
  };
}

export function csiNodeRestriction(node: string, { object, old }: Attributes): string | undefined {
  const { name } = (object ?? old).metadata;
  return name === node ? undefined : "can only access CSINode with the same name as the requesting node";
}

export function sliceRestriction(node: string, { operation, object, old }: Attributes): string | undefined {
  // Whose the others are the authorizer knows.
  if (operation !== "create" && operation !== "delete") return undefined;
  if (objectOf((object ?? old).spec).nodeName === node) return undefined;
  return `can only ${operation} ResourceSlice with the same NodeName as the requesting node`;
}

const nodeSigners = new Set(["kubernetes.io/kubelet-serving", "kubernetes.io/kube-apiserver-client-kubelet"]);

export function certificateRestriction(node: string, { operation, object }: Attributes): string | undefined {
  if (operation !== "create") return undefined;
  const { signerName, request } = objectOf(object.spec);
  if (!nodeSigners.has(stringOf(signerName))) return undefined;
  const name = `system:node:${node}`;
  try {
    const { commonName } = readCertificateRequest(Buffer.from(stringOf(request), "base64").toString());
    return commonName === name ? undefined : `can only create a node CSR with CN=${name}`;
  } catch (error) {
    if (error instanceof CertificateRequestError) return `unable to parse csr: ${error.message}`;
    throw error;
  }
}
