import { isDefaultStorageClass } from "../../../client/rules/default-storage-class.ts";
import { dns1123Subdomain } from "../../../client/rules/names.ts";
import type { StorageClass } from "../../../client/types.ts";
import { age, ageColumn, column } from "./cell-text.ts";
import { immutable, notSupported } from "./field-errors.ts";
import { nodeLabelWarning } from "./node-label-warnings.ts";
import { validateParameters, validateProvisioner, validateTopologies } from "./storage-class-validation.ts";
import { kindOf } from "./typed-kind.ts";

const reclaimPolicies = ["Delete", "Retain"];
const bindingModes = ["Immediate", "WaitForFirstConsumer"];

export const storageClasses = kindOf<StorageClass>({
  group: "storage.k8s.io",
  version: "v1",
  kind: "StorageClass",
  plural: "storageclasses",
  singular: "storageclass",
  shortNames: ["sc"],
  categories: [],
  namespaced: false,
  returnsDeleted: true,
  hasSpec: false,
  subresources: {},
  nameRule: dns1123Subdomain,
  applyDefaults(storageClass) {
    storageClass.reclaimPolicy ??= "Delete";
    storageClass.volumeBindingMode ??= "Immediate";
  },
  validate({ provisioner, parameters, reclaimPolicy, volumeBindingMode: mode, allowedTopologies }) {
    return [
      ...validateProvisioner(provisioner, "provisioner"),
      ...validateParameters(parameters ?? {}, "parameters"),
      ...(reclaimPolicy && !reclaimPolicies.includes(reclaimPolicy)
        ? [notSupported("reclaimPolicy", reclaimPolicy, reclaimPolicies)]
        : []),
      ...(mode === undefined || bindingModes.includes(mode)
        ? []
        : [notSupported("volumeBindingMode", mode, bindingModes)]),
      ...validateTopologies(allowedTopologies ?? [], "allowedTopologies"),
    ];
  },
  validateUpdate: (next, current) =>
    (["parameters", "provisioner", "reclaimPolicy", "volumeBindingMode"] as const).flatMap((name) =>
      name === "provisioner"
        ? immutable(name, next[name] ?? "", current[name] ?? "")
        : immutable(name, next[name], current[name]),
    ),
  columnsIncludeName: true,
  columns: [
    { ...column("Name"), format: "name" },
    column("Provisioner"),
    column("ReclaimPolicy"),
    column("VolumeBindingMode"),
    column("AllowVolumeExpansion"),
    ageColumn,
  ],
  warnings: ({ allowedTopologies = [] }) =>
    allowedTopologies.flatMap(({ matchLabelExpressions = [] }, index) =>
      matchLabelExpressions.flatMap(({ key }, place) => {
        const text = nodeLabelWarning(key);
        const at = `allowedTopologies[${index}].matchLabelExpressions[${place}].key`;
        return text === undefined ? [] : [`${at}: ${text}`];
      }),
    ),
  cells: (storageClass, nowMs) => [
    `${storageClass.metadata.name}${isDefaultStorageClass(storageClass) ? " (default)" : ""}`,
    storageClass.provisioner,
    storageClass.reclaimPolicy ?? "Delete",
    storageClass.volumeBindingMode ?? "Immediate",
    storageClass.allowVolumeExpansion ?? false,
    age(storageClass.metadata.creationTimestamp, nowMs),
  ],
});
