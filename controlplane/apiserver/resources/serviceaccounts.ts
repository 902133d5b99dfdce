import { dns1123Subdomain } from "../../../client/rules/names.ts";
import type { ServiceAccount } from "../../../client/types.ts";
import { age, ageColumn } from "./cell-text.ts";
import { kindOf } from "./typed-kind.ts";

const mountableAnnotation = "kubernetes.io/enforce-mountable-secrets";

export const serviceAccounts = kindOf<ServiceAccount>({
  group: "",
  version: "v1",
  kind: "ServiceAccount",
  plural: "serviceaccounts",
  singular: "serviceaccount",
  shortNames: ["sa"],
  categories: [],
  namespaced: true,
  returnsDeleted: true,
  subresources: { special: ["token"] },
  nameRule: dns1123Subdomain,
  hasSpec: false,
  applyDefaults: () => undefined,
  validate: () => [],
  columns: [ageColumn],
  warnings: ({ metadata }, current) =>
    metadata.annotations?.[mountableAnnotation] === undefined ||
    current?.metadata.annotations?.[mountableAnnotation] !== undefined
      ? []
      : [
          `metadata.annotations[${mountableAnnotation}]: deprecated in v1.32+; prefer separate namespaces to isolate access to mounted secrets`,
        ],
  cells: ({ metadata }, nowMs) => [age(metadata.creationTimestamp, nowMs)],
});
