import { isQuantity } from "../../../base/quantity.ts";
import { dns1123Subdomain } from "../../../client/rules/names.ts";
import type { PersistentVolume } from "../../../client/types.ts";
import type { FieldError } from "../registry/kind.ts";
import { GoForm } from "../schema/go-form.ts";
import { sameValue } from "../schema/same-value.ts";
import { validateAccessModes, volumeModes } from "./access-modes.ts";
import { validateNodeSelector } from "./affinity-validation.ts";
import { forbidden, immutable, invalid, notSupported, required } from "./field-errors.ts";
import { forbiddenChange } from "./forbidden-change.ts";
import { sourceOf, validateVolumeSource } from "./persistent-volume-sources.ts";
import { validateNotNegative, validatePositive } from "./storage-amounts.ts";

type Spec = PersistentVolume["spec"];
type Place = NonNullable<Spec["nodeAffinity"]>;

const reclaimPolicies = ["Delete", "Recycle", "Retain"];
const mountOptionAnnotation = "volume.beta.kubernetes.io/mount-options";
/** Volumes that are mounted with the options of the annotation. */
const takesMountOptions = [
  "gcePersistentDisk",
  "awsElasticBlockStore",
  "glusterfs",
  "nfs",
  "rbd",
  "quobyte",
  "iscsi",
  "cinder",
  "cephfs",
  "azureFile",
  "vsphereVolume",
  "azureDisk",
  "photonPersistentDisk",
] as const;

export const validatePersistentVolume = ({ metadata, spec }: PersistentVolume): readonly FieldError[] =>
  validateVolumeSpec(spec, metadata.name, "spec", { isInline: false });

/** Asked once, where the rest is asked twice of a volume that changes. */
export function validateMountOptions({ metadata, spec }: PersistentVolume): readonly FieldError[] {
  const isAnnotated = metadata.annotations?.[mountOptionAnnotation] !== undefined;
  if (!isAnnotated || takesMountOptions.some((one) => spec[one] !== undefined)) return [];
  const text = "may not specify mount options for this volume type";
  return [forbidden(`metadata.annotations.${mountOptionAnnotation}`, text)];
}

/** @param isInline The volume is written down where one is attached, and is no object of its own. */
export function validateVolumeSpec(
  spec: Spec,
  name: string,
  field: string,
  { isInline }: { readonly isInline: boolean },
): readonly FieldError[] {
  const { accessModes = [], storageClassName, volumeMode, persistentVolumeReclaimPolicy: policy } = spec;
  const problems: FieldError[] = [];
  if (accessModes.length === 0) problems.push(required(`${field}.accessModes`));
  problems.push(...validateAccessModes(accessModes, `${field}.accessModes`));
  if (isInline) problems.push(...inlineProblems(spec, field));
  else {
    problems.push(...validateCapacity(spec.capacity, `${field}.capacity`));
    if (policy && !reclaimPolicies.includes(policy))
      problems.push(notSupported(`${field}.persistentVolumeReclaimPolicy`, policy, reclaimPolicies));
    problems.push(...validatePlace(spec.nodeAffinity, `${field}.nodeAffinity`));
    for (const text of storageClassName ? dns1123Subdomain(storageClassName) : [])
      problems.push(invalid(`${field}.storageClassName`, storageClassName, text));
    if (volumeMode !== undefined && !volumeModes.includes(volumeMode))
      problems.push(notSupported(`${field}.volumeMode`, volumeMode, volumeModes));
    problems.push(...validateAttributesClass(spec, field));
  }
  problems.push(...validateVolumeSource(spec, name, field));
  if (spec.hostPath?.path && isRoot(spec.hostPath.path) && policy === "Recycle")
    problems.push(
      forbidden(`${field}.persistentVolumeReclaimPolicy`, "may not be 'recycle' for a hostPath mount of '/'"),
    );
  return problems;
}

const isRoot = (path: string) => /^\/(?:\/|(?<=\/)\.)*$/.test(path);

function inlineProblems(spec: Spec, field: string): readonly FieldError[] {
  const inline = "in the context of inline volumes";
  const { persistentVolumeReclaimPolicy: policy, volumeMode } = spec;
  const problems: FieldError[] = [];
  const mayNot = (name: string, text = `may not be specified ${inline}`) =>
    problems.push(forbidden(`${field}.${name}`, text));
  if (spec.claimRef !== undefined) mayNot("claimRef");
  if (Object.keys(spec.capacity ?? {}).length > 0) mayNot("capacity");
  if (spec.csi === undefined) problems.push(required(`${field}.csi`, `has to be specified ${inline}`));
  if (policy && policy !== "Retain") mayNot("persistentVolumeReclaimPolicy", `may only be Retain ${inline}`);
  if (spec.nodeAffinity !== undefined) mayNot("nodeAffinity");
  if (spec.storageClassName) mayNot("storageClassName");
  if (volumeMode !== undefined && volumeMode !== "Filesystem")
    mayNot("volumeMode", `may not specify volumeMode other than Filesystem ${inline}`);
  return problems;
}

function validateCapacity(
  capacity: Readonly<Record<string, string>> | undefined,
  field: string,
): readonly FieldError[] {
  const all = Object.entries(capacity ?? {}).sort(([a], [b]) => (a < b ? -1 : 1));
  const problems: FieldError[] = all.length === 0 ? [required(field)] : [];
  if (all.length !== 1 || all[0]?.[0] !== "storage")
    problems.push(notSupported(field, capacity && Object.fromEntries(all), ["storage"]));
  for (const [name, amount] of all) {
    const at = `${field}[${name}]`;
    problems.push(...validateNotNegative(amount, at));
    if (isQuantity(amount)) problems.push(...validatePositive(amount, at));
  }
  return problems;
}

function validatePlace(affinity: Place | undefined, field: string): readonly FieldError[] {
  if (affinity === undefined) return [];
  if (affinity.required === undefined)
    return [required(`${field}.required`, "must specify required node constraints")];
  return validateNodeSelector(affinity.required, `${field}.required`);
}

function validateAttributesClass(spec: Spec, field: string): readonly FieldError[] {
  const { volumeAttributesClassName: name } = spec;
  if (name === undefined) return [];
  const at = `${field}.volumeAttributesClassName`;
  return [
    ...(name === ""
      ? [required(at, "an empty string is disallowed")]
      : dns1123Subdomain(name).map((text) => invalid(at, name, text))),
    ...(spec.csi === undefined
      ? [required(`${field}.csi`, "has to be specified when using volumeAttributesClassName")]
      : []),
  ];
}

export function validatePersistentVolumeUpdate(
  next: PersistentVolume,
  current: PersistentVolume,
): readonly FieldError[] {
  const problems: FieldError[] = [...validateMountOptions(next)];
  const source = sourceOf(next.spec);
  // This secret may still be named later.
  if (current.spec.csi?.controllerExpandSecretRef === undefined && source.csi !== undefined) {
    const { controllerExpandSecretRef: _, ...csi } = source.csi;
    source.csi = csi;
  }
  const before = sourceOf(current.spec);
  if (!sameValue(source, before))
    problems.push(
      forbiddenChange(
        "spec.persistentvolumesource",
        "spec.persistentvolumesource is immutable after creation\n",
        // What is shown is what was asked for, with the secret.
        { goType: "core.PersistentVolumeSource", before, after: sourceOf(next.spec) },
      ),
    );
  problems.push(...immutable("volumeMode", next.spec.volumeMode, current.spec.volumeMode));
  problems.push(...placeKept(next.spec.nodeAffinity, current.spec.nodeAffinity));
  const attributesClass = "volumeAttributesClassName";
  if (current.spec[attributesClass] !== undefined && next.spec[attributesClass] === undefined)
    problems.push(forbidden(`spec.${attributesClass}`, "update from non-nil value to nil is forbidden"));
  return problems;
}

/** Where a volume can be reached from does not change, but for labels that got new names. */
function placeKept(next: Place | undefined, current: Place | undefined): readonly FieldError[] {
  if (current === undefined) return [];
  if (next !== undefined && sameValue(withOldNames(next, current), current)) return [];
  const text = "field is immutable, except for updating from beta label to GA";
  return [invalid("nodeAffinity", new GoForm("*core.VolumeNodeAffinity", next), text)];
}

const newNames: Readonly<Record<string, string>> = {
  "failure-domain.beta.kubernetes.io/zone": "topology.kubernetes.io/zone",
  "failure-domain.beta.kubernetes.io/region": "topology.kubernetes.io/region",
  "beta.kubernetes.io/os": "kubernetes.io/os",
  "beta.kubernetes.io/arch": "kubernetes.io/arch",
  "beta.kubernetes.io/instance-type": "node.kubernetes.io/instance-type",
};

/** `next` with the old names where only the new ones took their place. */
function withOldNames(next: Place, current: Place): Place {
  const copy = structuredClone(next);
  copy.required?.nodeSelectorTerms?.forEach((term, at) => {
    const before = current.required?.nodeSelectorTerms?.[at];
    for (const list of ["matchExpressions", "matchFields"] as const)
      term[list]?.forEach((one, index) => {
        const key = before?.[list]?.[index]?.key;
        if (key !== undefined && newNames[key] === one.key) one.key = key;
      });
  });
  return copy;
}
