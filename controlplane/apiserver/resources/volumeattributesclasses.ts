import { dns1123Subdomain } from "../../../client/rules/names.ts";
import type { VolumeAttributesClass } from "../../../client/types.ts";
import type { FieldError } from "../registry/kind.ts";
import { sameValue } from "../schema/same-value.ts";
import { age, ageColumn, column } from "./cell-text.ts";
import { forbidden, required } from "./field-errors.ts";
import { validateParameters, validateProvisioner } from "./storage-class-validation.ts";
import { kindOf } from "./typed-kind.ts";

export const volumeAttributesClasses = kindOf<VolumeAttributesClass>({
  group: "storage.k8s.io",
  version: "v1",
  kind: "VolumeAttributesClass",
  plural: "volumeattributesclasses",
  singular: "volumeattributesclass",
  shortNames: ["vac"],
  categories: [],
  namespaced: false,
  returnsDeleted: true,
  hasSpec: false,
  subresources: {},
  nameRule: dns1123Subdomain,
  applyDefaults: () => undefined,
  validate: ({ driverName, parameters = {} }, _facts, current) => [
    // Kubernetes looks at this first.
    ...(current === undefined ? [] : changesOf({ driverName, parameters }, current)),
    ...validateProvisioner(driverName, "driverName"),
    ...validateParameters(parameters, "parameters"),
    ...(Object.keys(parameters).length === 0
      ? [required("parameters", "must contain at least one key/value pair")]
      : []),
  ],
  columns: [column("DriverName"), ageColumn],
  cells: ({ metadata, driverName }, nowMs) => [driverName, age(metadata.creationTimestamp, nowMs)],
});

type Fixed = Pick<VolumeAttributesClass, "driverName" | "parameters">;

function changesOf(next: Fixed, current: Fixed): readonly FieldError[] {
  return (["driverName", "parameters"] as const).flatMap((name) =>
    sameValue(next[name], current[name]) ? [] : [forbidden(name, `updates to ${name} are forbidden.`)],
  );
}
