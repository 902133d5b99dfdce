import { localPath } from "../../../client/rules/local-path.ts";
import { badRequest } from "../api-error.ts";
import type { ServedKind } from "./kind-table.ts";

/** The fields by which Kubernetes 1.36 lets lists and watches of a kind be selected: its own list where the kind has a
 *  conversion of field labels (pkg/apis/…/v1/conversion.go), else name and namespace – the latter even of kinds outside
 *  namespaces, where no object has one. Pure. */
const own: Readonly<Record<string, readonly string[]>> = {
  "v1/pods": [
    "metadata.name",
    "metadata.namespace",
    "spec.nodeName",
    "spec.restartPolicy",
    "spec.schedulerName",
    "spec.serviceAccountName",
    "spec.hostNetwork",
    "status.phase",
    "status.podIP",
    "status.podIPs",
    "status.nominatedNodeName",
  ],
  "v1/nodes": ["metadata.name", "spec.unschedulable"],
  "v1/namespaces": ["metadata.name", "status.phase"],
  "v1/replicationcontrollers": ["metadata.name", "metadata.namespace", "status.replicas"],
  "v1/secrets": ["metadata.name", "metadata.namespace", "type"],
  "v1/services": ["metadata.name", "metadata.namespace", "spec.clusterIP", "spec.type"],
  "v1/events": [
    "metadata.name",
    "metadata.namespace",
    "involvedObject.kind",
    "involvedObject.namespace",
    "involvedObject.name",
    "involvedObject.uid",
    "involvedObject.apiVersion",
    "involvedObject.resourceVersion",
    "involvedObject.fieldPath",
    "reason",
    "reportingComponent",
    "source",
    "type",
  ],
  "events.k8s.io/v1/events": ["metadata.name", "metadata.namespace", "reason", "type"],
  "certificates.k8s.io/v1/certificatesigningrequests": ["metadata.name", "spec.signerName"],
  "certificates.k8s.io/v1beta1/clustertrustbundles": ["metadata.name", "spec.signerName"],
  "resource.k8s.io/v1/resourceslices": ["metadata.name", "spec.nodeName", "spec.driver"],
  "batch/v1/jobs": ["metadata.name", "metadata.namespace", "status.successful"],
};
const others = ["metadata.name", "metadata.namespace"];

/** What our own parts select by, beside Kubernetes' fields. */
const ours: Readonly<Record<string, readonly string[]>> = {
  "v1/persistentvolumes": [localPath.nodeField],
};

/** Labels that stand for a field of another name. */
const renamed: Readonly<Record<string, Readonly<Record<string, string>>>> = {
  "v1/pods": { "spec.host": "spec.nodeName" },
  "events.k8s.io/v1/events": {
    "regarding.kind": "involvedObject.kind",
    "regarding.namespace": "involvedObject.namespace",
    "regarding.name": "involvedObject.name",
    "regarding.uid": "involvedObject.uid",
    "regarding.apiVersion": "involvedObject.apiVersion",
    "regarding.resourceVersion": "involvedObject.resourceVersion",
    "regarding.fieldPath": "involvedObject.fieldPath",
    reportingController: "reportingComponent",
  },
};

/** The name under which `StoredObject.fields` has the field. Fails with Kubernetes' BadRequest for one that nobody can
 *  select by. */
export function selectedField(served: ServedKind, label: string): string {
  const name = `${served.apiVersion}/${served.plural}`;
  const names = renamed[name];
  if (names !== undefined && Object.hasOwn(names, label)) return names[label] ?? label;
  const custom = served.fieldLabels;
  if (custom !== undefined) {
    if (Object.hasOwn(custom, label)) return custom[label] ?? label;
    throw badRequest(`field label not supported: ${label}`);
  }
  if ((own[name] ?? others).includes(label) || ours[name]?.includes(label)) return label;
  throw badRequest(refusal(name, label));
}

function refusal(name: string, label: string): string {
  const quoted = JSON.stringify(label);
  if (name === "batch/v1/jobs") return `field label ${quoted} not supported for Job`;
  if (name === "resource.k8s.io/v1/resourceslices")
    return `field label not supported for resource.k8s.io/v1, Kind=ResourceSlice: ${label}`;
  if (name in own) return `field label not supported: ${label}`;
  return `${quoted} is not a known field selector: only "metadata.name", "metadata.namespace"`;
}
