/** How a kind's own rules in Kubernetes look at metadata when an object changes: beside what the server asks of every kind, most
 *  ask again, each in its own order, and what is wrong is told as often as it is asked for.
 *  change: what an update may not change, and labels, annotations and owners. whole: all that is asked of a new object.
 *  plain…: the same by rules that take finalizers without a domain. */
export type MetaCheck = "change" | "whole" | "plainChange" | "plainWhole";

/** Kinds that ask otherwise than most, who ask for the change alone: of changes of the object, and of those of its status where
 *  they differ from the rest, who ask for the change as well. */
interface MetaChecks {
  readonly object: readonly MetaCheck[];
  readonly status?: readonly MetaCheck[];
}

const changeThenWhole: MetaChecks = { object: ["change", "whole"] };
const wholeThenChange: MetaChecks = { object: ["whole", "change"] };
const whole: MetaChecks = { object: ["whole"], status: [] };
const plainWhole: MetaChecks = { object: ["plainWhole"], status: [] };
const plainChange: MetaChecks = { object: ["plainChange"], status: ["plainChange"] };

const checks: Readonly<Record<string, MetaChecks>> = {
  ...sameFor(changeThenWhole, [
    ...["ConfigMap", "ControllerRevision", "Endpoints", "Ingress", "IngressClass", "PersistentVolumeClaim"],
    ...["Pod", "Secret", "ServiceAccount", "VolumeAttributesClass"],
  ]),
  ...sameFor(wholeThenChange, [
    ...[
      "CSIStorageCapacity",
      "CertificateSigningRequest",
      "ClusterRole",
      "ClusterRoleBinding",
      "DeviceClass",
    ],
    ...["IPAddress", "Job", "Node", "ResourceClaimTemplate", "Role", "RoleBinding", "StorageClass"],
  ]),
  ResourceClaim: { object: ["whole", "change"], status: ["plainChange"] },
  ...sameFor(whole, [
    ...["CSINode", "EndpointSlice", "FlowSchema", "LimitRange", "PriorityLevelConfiguration"],
    "VolumeAttachment",
  ]),
  PersistentVolume: { object: ["whole", "whole"] },
  ...sameFor(plainWhole, [
    ...["MutatingAdmissionPolicy", "MutatingAdmissionPolicyBinding", "MutatingWebhookConfiguration"],
    ...["ValidatingAdmissionPolicy", "ValidatingAdmissionPolicyBinding", "ValidatingWebhookConfiguration"],
  ]),
  ...sameFor(plainChange, ["CustomResourceDefinition", "Lease"]),
  APIService: { object: ["plainChange", "plainWhole"], status: ["plainChange"] },
  RuntimeClass: { object: ["plainWhole", "plainChange"] },
  PodDisruptionBudget: { object: [], status: [] },
  CronJob: { object: ["change"], status: [] },
  ServiceCIDR: { object: ["change"], status: ["plainChange"] },
};

const usual: readonly MetaCheck[] = ["change"];

/** What a kind's own rules ask of metadata, in order. */
export function metaChecksOf(kind: string, via: "object" | "status"): readonly MetaCheck[] {
  const own = Object.hasOwn(checks, kind) ? checks[kind] : undefined;
  if (own === undefined) return usual;
  return via === "object" ? own.object : (own.status ?? usual);
}

/** Takes the kind finalizers without a domain, once it is there? New objects are asked by the same rules. */
export function takesPlainFinalizers(kind: string): boolean {
  const asked = metaChecksOf(kind, "object");
  return asked.every((check) => check.startsWith("plain"));
}

function sameFor(checks: MetaChecks, kinds: readonly string[]): Record<string, MetaChecks> {
  return Object.fromEntries(kinds.map((kind) => [kind, checks]));
}
