import { dns1123Subdomain } from "../../../client/rules/names.ts";
import type { Lease } from "../../../client/types.ts";
import type { FieldError } from "../registry/kind.ts";
import { age, ageColumn, column } from "./cell-text.ts";
import { validateCount } from "./counts.ts";
import { dropDisabledLease } from "./disabled-fields.ts";
import { invalid } from "./field-errors.ts";
import { kindOf } from "./typed-kind.ts";

export const leases = kindOf<Lease>({
  group: "coordination.k8s.io",
  version: "v1",
  kind: "Lease",
  plural: "leases",
  singular: "lease",
  shortNames: [],
  categories: [],
  namespaced: true,
  storagePrefix: "leases",
  createsOnUpdate: true,
  needsVersion: true,
  subresources: {},
  nameRule: dns1123Subdomain,
  applyDefaults: () => undefined,
  dropDisabled: dropDisabledLease,
  validate({ spec = {} }) {
    const problems: FieldError[] = [];
    const { leaseDurationSeconds: duration, leaseTransitions: transitions } = spec;
    if (duration !== undefined && duration <= 0)
      problems.push(invalid("spec.leaseDurationSeconds", duration, "must be greater than 0"));
    problems.push(...validateCount(transitions, "spec.leaseTransitions"));
    return problems;
  },
  columns: [column("Holder"), ageColumn],
  cells: ({ spec, metadata }, nowMs) => [spec?.holderIdentity ?? "", age(metadata.creationTimestamp, nowMs)],
});
