import type { ObjectMeta } from "../../../client/types.ts";
import type { JsonSchema } from "./json-schema.ts";

/** A CustomResourceDefinition (apiextensions.k8s.io/v1) as its kind stores it. */
export interface Definition {
  readonly apiVersion: string;
  readonly kind: string;
  readonly metadata: ObjectMeta & { name: string; uid: string };
  spec: DefinitionSpec;
  status?: DefinitionStatus;
}

export interface DefinitionSpec {
  group: string;
  names: DefinitionNames;
  scope: string;
  versions: DefinitionVersion[];
  conversion?: { strategy: string; webhook?: unknown };
  preserveUnknownFields?: boolean;
}

export interface DefinitionNames {
  plural: string;
  singular?: string;
  shortNames?: string[];
  kind: string;
  listKind?: string;
  categories?: string[];
}

export interface DefinitionVersion {
  name: string;
  served: boolean;
  storage: boolean;
  deprecated?: boolean;
  deprecationWarning?: string;
  schema?: { openAPIV3Schema?: JsonSchema };
  subresources?: { status?: object; scale?: ScalePaths };
  additionalPrinterColumns?: PrinterColumn[];
  selectableFields?: { jsonPath: string }[];
}

export interface ScalePaths {
  readonly specReplicasPath: string;
  readonly statusReplicasPath: string;
  readonly labelSelectorPath?: string;
}

export interface PrinterColumn {
  readonly name: string;
  readonly type: string;
  readonly format?: string;
  readonly description?: string;
  readonly priority?: number;
  readonly jsonPath: string;
}

export interface DefinitionStatus {
  conditions?: DefinitionCondition[];
  acceptedNames?: DefinitionNames;
  storedVersions?: string[];
  observedGeneration?: number;
}

export interface DefinitionCondition {
  type: string;
  status: "True" | "False" | "Unknown";
  reason?: string;
  message?: string;
  lastTransitionTime?: string;
  observedGeneration?: number;
}

export function conditionOf({ status }: Definition, type: string): DefinitionCondition | undefined {
  return status?.conditions?.find((one) => one.type === type);
}

/** Puts the condition into the definition; the time stays where its status does. Mutates. */
export function setCondition(definition: Definition, condition: DefinitionCondition, now: string): void {
  definition.status ??= {};
  const conditions = definition.status.conditions ?? [];
  const at = conditions.findIndex(({ type }) => type === condition.type);
  const before = conditions[at];
  const kept = before?.status === condition.status ? before.lastTransitionTime : undefined;
  const next = { ...condition, lastTransitionTime: kept ?? now };
  if (at < 0) conditions.push(next);
  else conditions[at] = next;
  definition.status.conditions = conditions;
}

export function storageVersion({ spec }: Definition): DefinitionVersion | undefined {
  return spec.versions.find(({ storage }) => storage);
}

/** The finalizer under which a definition waits until none of its objects is left. */
export const cleanupFinalizer = "customresourcecleanup.apiextensions.k8s.io";
