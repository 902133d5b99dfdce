import { dns1123Subdomain, qualifiedName } from "../../../client/rules/names.ts";
import type { DeviceClass } from "../../../client/types.ts";
import type { FieldError } from "../registry/kind.ts";
import { age, ageColumn } from "./cell-text.ts";
import { configMax, configurationProblems, listProblems } from "./device-rules.ts";
import { selectorProblems } from "./device-selectors.ts";
import { invalid } from "./field-errors.ts";
import { kindOf } from "./typed-kind.ts";

export const deviceClasses = kindOf<DeviceClass>({
  group: "resource.k8s.io",
  version: "v1",
  kind: "DeviceClass",
  plural: "deviceclasses",
  singular: "deviceclass",
  shortNames: [],
  categories: [],
  namespaced: false,
  returnsDeleted: true,
  hasGeneration: true,
  subresources: {},
  nameRule: dns1123Subdomain,
  prefixIsFree: true,
  applyDefaults: () => undefined,
  validate: ({ spec }): readonly FieldError[] => [
    ...selectorProblems(spec.selectors, "spec.selectors"),
    ...listProblems(spec.config, { max: configMax, field: "spec.config", judge: configurationProblems }),
    ...(spec.extendedResourceName === undefined || isExtended(spec.extendedResourceName)
      ? []
      : [
          invalid(
            "spec.extendedResourceName",
            spec.extendedResourceName,
            "must be a valid extended resource name",
          ),
        ]),
  ],
  columns: [ageColumn],
  cells: ({ metadata }, nowMs) => [age(metadata.creationTimestamp, nowMs)],
});

/** Of somebody's own domain, and short enough to be asked for in a quota. */
function isExtended(name: string): boolean {
  const isNative = !name.includes("/") || name.includes("kubernetes.io/");
  return !isNative && !name.startsWith("requests.") && qualifiedName(`requests.${name}`).length === 0;
}
