import { compareQuantities, isQuantity, quantityRule } from "../../../base/quantity.ts";
import { dns1123Subdomain } from "../../../client/rules/names.ts";
import type { CSIStorageCapacity } from "../../../client/types.ts";
import type { FieldError } from "../registry/kind.ts";
import { column } from "./cell-text.ts";
import { immutable, invalid } from "./field-errors.ts";
import { validateLabelSelector } from "./labels.ts";
import { labelSelectorWarnings } from "./node-label-warnings.ts";
import { kindOf } from "./typed-kind.ts";

export const csiStorageCapacities = kindOf<CSIStorageCapacity>({
  group: "storage.k8s.io",
  version: "v1",
  kind: "CSIStorageCapacity",
  plural: "csistoragecapacities",
  singular: "csistoragecapacity",
  shortNames: [],
  categories: [],
  namespaced: true,
  needsVersion: true,
  hasSpec: false,
  subresources: {},
  nameRule: dns1123Subdomain,
  applyDefaults: () => undefined,
  validate: ({ nodeTopology, storageClassName = "", capacity }) => [
    ...validateLabelSelector(nodeTopology, "nodeTopology"),
    ...dns1123Subdomain(storageClassName).map((text) => invalid("storageClassName", storageClassName, text)),
    ...validateCapacity(capacity, "capacity"),
  ],
  validateUpdate: (next, current) => [
    ...immutable("nodeTopology", next.nodeTopology, current.nodeTopology, "*meta.LabelSelector"),
    ...immutable("storageClassName", next.storageClassName, current.storageClassName),
  ],
  // Kubernetes has columns for this kind, and does not use them.
  noRowsAreNull: true,
  columns: [column("Created At", "date")],
  warnings: ({ nodeTopology }) => labelSelectorWarnings(nodeTopology, "nodeTopology"),
  cells: ({ metadata }) => [metadata.creationTimestamp],
});

function validateCapacity(capacity: string | undefined, field: string): readonly FieldError[] {
  if (capacity === undefined) return [];
  if (!isQuantity(capacity)) return [invalid(field, capacity, quantityRule)];
  if (compareQuantities(capacity, "0") >= 0) return [];
  return [invalid(field, capacity, "must be greater than or equal to 0")];
}
