/** How a kind's own rules in Kubernetes look at metadata when an object changes: beside what the server asks of every kind, most
 *  ask again, each in its own order, and what is wrong is told as often as it is asked for.
 *  change: what an update may not change, and labels, annotations and owners. whole: all that is asked of a new object.
 *  plain…: the same by rules that take finalizers without a domain.
 *  rules: here the rest of the object is looked at, by the kind's other rules for any object of it. */
export type Check = "change" | "whole" | "plainChange" | "plainWhole" | "rules";

/** Kinds that ask otherwise than most, who ask for the change alone: of changes of the object, and of those of its status where
 *  they differ from the rest, who ask for the change as well. */
interface Checks {
  readonly object: readonly Check[];
  readonly status?: readonly Check[];
}

const changeThenWhole: Checks = { object: ["change", "whole", "rules"] };
const wholeThenChange: Checks = { object: ["whole", "rules", "change"] };
const whole: Checks = { object: ["whole", "rules"], status: ["rules"] };
const plainWhole: Checks = { object: ["plainWhole", "rules"], status: ["rules"] };
const plainChange: Checks = { object: ["plainChange", "rules"], status: ["plainChange", "rules"] };

const checks: Readonly<Record<string, Checks>> = {
  ...sameFor(changeThenWhole, [
    ...["ConfigMap", "ControllerRevision", "Endpoints", "Ingress", "IngressClass", "PersistentVolumeClaim"],
    ...["Pod", "Secret", "ServiceAccount", "VolumeAttributesClass"],
  ]),
  ...sameFor(wholeThenChange, [
    ...["CSIStorageCapacity", "CertificateSigningRequest", "ClusterRole", "ClusterRoleBinding"],
    ...["IPAddress", "Job", "Node", "ResourceClaimTemplate", "Role", "RoleBinding", "StorageClass"],
  ]),
  DeviceClass: { object: ["whole", "change", "rules"] },
  ResourceClaim: { object: ["whole", "change", "rules"], status: ["plainChange", "rules"] },
  ...sameFor(whole, [
    ...["CSINode", "EndpointSlice", "FlowSchema", "LimitRange", "PriorityLevelConfiguration"],
    "VolumeAttachment",
  ]),
  PersistentVolume: { object: ["whole", "rules", "whole", "rules"] },
  ...sameFor(plainWhole, [
    ...["MutatingAdmissionPolicy", "MutatingAdmissionPolicyBinding", "MutatingWebhookConfiguration"],
    ...["ValidatingAdmissionPolicy", "ValidatingAdmissionPolicyBinding", "ValidatingWebhookConfiguration"],
  ]),
  ...sameFor(plainChange, ["CustomResourceDefinition", "Lease"]),
  APIService: { object: ["plainChange", "plainWhole", "rules"], status: ["plainChange", "rules"] },
  RuntimeClass: { object: ["plainWhole", "rules", "plainChange"] },
  Event: { object: ["rules"] },
  PodDisruptionBudget: { object: ["rules"], status: ["rules"] },
  CronJob: { object: ["change", "rules"], status: ["rules"] },
  ServiceCIDR: { object: ["change", "rules"], status: ["plainChange", "rules"] },
};

const usual: readonly Check[] = ["change", "rules"];

/** What a kind's own rules ask, in order. */
export function metaChecksOf(kind: string, via: "object" | "status"): readonly Check[] {
  const own = Object.hasOwn(checks, kind) ? checks[kind] : undefined;
  if (own === undefined) return usual;
  return via === "object" ? own.object : (own.status ?? usual);
}

/** Takes the kind finalizers without a domain, once it is there? New objects are asked by the same rules. */
export function takesPlainFinalizers(kind: string): boolean {
  const asked = metaChecksOf(kind, "object");
  return asked.every((check) => check === "rules" || check.startsWith("plain"));
}

function sameFor(checks: Checks, kinds: readonly string[]): Record<string, Checks> {
  return Object.fromEntries(kinds.map((kind) => [kind, checks]));
}
