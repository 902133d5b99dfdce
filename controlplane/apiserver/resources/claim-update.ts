import { compareQuantities, isQuantity } from "../../../base/quantity.ts";
import { qualifiedName } from "../../../client/rules/names.ts";
import type { PersistentVolumeClaim } from "../../../client/types.ts";
import type { FieldError } from "../registry/kind.ts";
import { sameValue } from "../schema/same-value.ts";
import { betaClassAnnotation } from "./access-modes.ts";
import { forbidden, immutable, invalid, notSupported } from "./field-errors.ts";
import { forbiddenChange } from "./forbidden-change.ts";
import { validateNotNegative } from "./storage-amounts.ts";

type Spec = PersistentVolumeClaim["spec"];

const storageField = "spec.resources.requests.storage";
const attributesClassField = "spec.volumeAttributesClassName";

/** What of a claim may change once it is made: it gets its volume and its class once, and may ask for more when bound. */
export function validateClaimUpdate(
  next: PersistentVolumeClaim,
  current: PersistentVolumeClaim,
): readonly FieldError[] {
  const problems: FieldError[] = [];
  const [after, before] = [next.spec, current.spec];
  const annotation = current.metadata.annotations?.[betaClassAnnotation];
  const newAnnotation = next.metadata.annotations?.[betaClassAnnotation];
  const takesClassOver = annotation !== undefined && after.storageClassName === annotation;
  const getsClass = before.storageClassName === undefined && after.storageClassName !== undefined;
  const movesAnnotation =
    getsClass && takesClassOver && (newAnnotation === undefined || newAnnotation === annotation);
  if (!movesAnnotation && newAnnotation !== annotation)
    problems.push(
      invalid(`metadata.annotations.${betaClassAnnotation}`, newAnnotation ?? "", "field is immutable"),
    );
  const keepsClass = !(getsClass && (annotation === undefined || takesClassOver));
  const bound = next.status?.phase === "Bound";
  const fixed = fixedPart(after, before, { bound, keepsClass });
  if (!sameValue(fixed, before))
    problems.push(
      forbiddenChange(
        "spec",
        "spec is immutable after creation except resources.requests and volumeAttributesClassName for bound claims\n",
        { goType: "core.PersistentVolumeClaimSpec", before, after: fixed },
      ),
    );
  problems.push(...sizeProblems(after, before, current.status?.capacity?.storage));
  problems.push(...immutable("volumeMode", after.volumeMode, before.volumeMode));
  return [...problems, ...attributesClassProblems(after, current)];
}

/** `next` with all that may change put back to how it was. */
function fixedPart(
  next: Spec,
  current: Spec,
  { bound, keepsClass }: { readonly bound: boolean; readonly keepsClass: boolean },
): Spec {
  const fixed = structuredClone(next);
  const putBack = (name: "volumeName" | "storageClassName" | "volumeAttributesClassName") => {
    const value = current[name];
    if (value === undefined) delete fixed[name];
    else fixed[name] = value;
  };
  if (!current.volumeName) putBack("volumeName");
  if (!keepsClass) putBack("storageClassName");
  const size = current.resources?.requests?.storage;
  if (bound && fixed.resources?.requests !== undefined && size !== undefined)
    fixed.resources.requests.storage = size;
  if (bound) putBack("volumeAttributesClassName");
  return fixed;
}

function sizeProblems(next: Spec, current: Spec, capacity = "0"): readonly FieldError[] {
  const [after = "0", before = "0"] = [
    next.resources?.requests?.storage,
    current.resources?.requests?.storage,
  ];
  if (![after, before, capacity].every(isQuantity) || compareQuantities(after, before) >= 0) return [];
  // A volume that could not grow so far may be asked for less, and never for less than it has.
  return compareQuantities(after, capacity) > 0
    ? []
    : [forbidden(storageField, "field can not be less than status.capacity")];
}

function attributesClassProblems(next: Spec, { spec, status }: PersistentVolumeClaim): readonly FieldError[] {
  const { volumeAttributesClassName: name } = next;
  if (name === spec.volumeAttributesClassName || status?.currentVolumeAttributesClassName === undefined)
    return [];
  const forbids = (what: string) =>
    forbidden(
      attributesClassField,
      `update to ${what} is forbidden when status.currentVolumeAttributesClassName is not nil`,
    );
  if (name === undefined) return [forbids("nil")];
  return name === "" ? [forbids("empty string")] : [];
}

const resizeStates = [
  "ControllerResizeInProgress",
  "ControllerResizeInfeasible",
  "NodeResizeInProgress",
  "NodeResizeInfeasible",
  "NodeResizePending",
].sort();

export function validateClaimStatus({ status = {} }: PersistentVolumeClaim): readonly FieldError[] {
  const problems: FieldError[] = [];
  for (const [name, amount] of Object.entries(status.capacity ?? {}))
    problems.push(...validateNotNegative(amount, `status.capacity[${name}]`));
  const states = "status.allocatedResourceStatuses";
  for (const [name, state] of Object.entries(status.allocatedResourceStatuses ?? {})) {
    problems.push(...resourceKey(name, states));
    // Kubernetes shows the resource, not its state.
    if (!resizeStates.includes(state)) problems.push(notSupported(states, name, resizeStates));
  }
  for (const [name, amount] of Object.entries(status.allocatedResources ?? {})) {
    const field = "status.allocatedResources";
    const wrong = resourceKey(name, field);
    problems.push(...(wrong.length > 0 ? wrong : validateNotNegative(amount, `${field}[${name}]`)));
  }
  return problems;
}

/** Of the resources without a domain of their own a claim has only one. */
function resourceKey(name: string, field: string): readonly FieldError[] {
  const problems = qualifiedName(name).map((text) => invalid(field, name, text));
  const isNative = !name.includes("/") || name.includes("kubernetes.io/");
  if (problems.length > 0 || !isNative || name === "storage") return problems;
  return [notSupported(field, name, ["storage"])];
}
