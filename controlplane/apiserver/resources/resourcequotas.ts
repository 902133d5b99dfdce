import { canonicalQuantity } from "../../../base/quantity-text.ts";
import { dns1123Subdomain } from "../../../client/rules/names.ts";
import type { ResourceQuota } from "../../../client/types.ts";
import { age, ageColumn, column } from "./cell-text.ts";
import { quotaWarnings } from "./quota-warnings.ts";
import { validateResourceQuota, validateResourceQuotaUpdate } from "./resourcequota-validation.ts";
import { clearStatus, keepStatus } from "./status.ts";
import { kindOf } from "./typed-kind.ts";

export const resourceQuotas = kindOf<ResourceQuota>({
  group: "",
  version: "v1",
  kind: "ResourceQuota",
  plural: "resourcequotas",
  singular: "resourcequota",
  shortNames: ["quota"],
  categories: [],
  namespaced: true,
  returnsDeleted: true,
  storagePrefix: "resourcequotas",
  subresources: { status: true },
  nameRule: dns1123Subdomain,
  applyDefaults(object) {
    object.status ??= {};
  },
  prepareForCreate: clearStatus,
  prepareForUpdate: keepStatus,
  validate: validateResourceQuota,
  validateUpdate: validateResourceQuotaUpdate,
  warnings: quotaWarnings,
  columns: [column("Request"), column("Limit"), ageColumn],
  cells: ({ status, metadata }, nowMs) => {
    const names = Object.keys(status?.hard ?? {}).sort();
    const shown = (name: string) =>
      `${name}: ${amount(status?.used?.[name])}/${amount(status?.hard?.[name])}`;
    const isLimit = (name: string) => name.startsWith("limits.");
    return [
      names
        .filter((name) => !isLimit(name))
        .map(shown)
        .join(", "),
      names.filter(isLimit).map(shown).join(", "),
      age(metadata.creationTimestamp, nowMs),
    ];
  },
});

const amount = (text: string | undefined) => canonicalQuantity(text ?? "0");
