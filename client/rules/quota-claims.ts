import { type Amount, readAmount, wholeAmount } from "../../base/quantity-text.ts";
import type { KubeObject, PersistentVolumeClaim } from "../types.ts";
import type { AmountsByName } from "./pod-amounts.ts";
import { objectCountName, one, type QuotaEvaluator } from "./quota-evaluator.ts";
import { anyMatches } from "./quota-scopes.ts";

const countName = objectCountName("", "persistentvolumeclaims");
const names = ["persistentvolumeclaims", "requests.storage"];
/** `gold.storageclass.storage.k8s.io/requests.storage` */
const ofClass = ".storageclass.storage.k8s.io/";
const classAnnotation = "volume.beta.kubernetes.io/storage-class";

/** Claims count by their number and by how much they ask for, also for each storage class by itself. */
export const claimQuota: QuotaEvaluator = {
  group: "",
  plural: "persistentvolumeclaims",
  counts: (name) =>
    name === countName || names.some((base) => name === base || name.endsWith(`${ofClass}${base}`)),
  usage: (object) => claimUsage(object as PersistentVolumeClaim),
  inScope: (object, requirement) =>
    requirement.scopeName === "VolumeAttributesClass" &&
    anyMatches(requirement, attributesClasses(object as PersistentVolumeClaim)),
  charges({ subresource, object, old }) {
    if (subresource === "") return true;
    return subresource === "status" && old !== undefined && changes(object, old);
  },
  changes,
};

function claimUsage(claim: PersistentVolumeClaim): AmountsByName {
  const { metadata, spec } = claim;
  const className = metadata.annotations?.[classAnnotation] ?? spec.storageClassName ?? "";
  const size = sizeOf(claim);
  const used = new Map<string, Amount>([
    [countName, one],
    ["persistentvolumeclaims", one],
  ]);
  if (size !== undefined) used.set("requests.storage", size);
  if (className === "") return used;
  used.set(`${className}${ofClass}persistentvolumeclaims`, one);
  if (size !== undefined) used.set(`${className}${ofClass}requests.storage`, size);
  return used;
}

/** What the claim asks for, or was given where that is more; whole bytes. */
function sizeOf({ spec, status }: PersistentVolumeClaim): Amount | undefined {
  const asked = spec.resources?.requests?.storage;
  if (asked === undefined) return undefined;
  const wanted = roundedUp(readAmount(asked));
  const given = status?.allocatedResources?.storage;
  const allocated = given === undefined ? wanted : roundedUp(readAmount(given));
  return allocated.nanos > wanted.nanos ? allocated : wanted;
}

function roundedUp({ nanos, notation }: Amount): Amount {
  const whole = wholeAmount(1).nanos;
  const rest = nanos % whole;
  return { nanos: rest > 0n ? nanos - rest + whole : nanos, notation };
}

/** Of all classes that the claim has, had or is to get. */
function attributesClasses({ spec, status }: PersistentVolumeClaim): readonly string[] {
  const all = [
    spec.volumeAttributesClassName,
    status?.currentVolumeAttributesClassName,
    status?.modifyVolumeStatus?.targetVolumeAttributesClassName,
  ];
  return [...new Set(all.filter((name): name is string => name !== undefined && name !== ""))];
}

function changes(next: KubeObject, before: KubeObject): boolean {
  const [claim, was] = [next as PersistentVolumeClaim, before as PersistentVolumeClaim];
  const shown = (of: PersistentVolumeClaim) =>
    JSON.stringify([of.status?.allocatedResources?.storage, attributesClasses(of).toSorted()]);
  return shown(claim) !== shown(was);
}
