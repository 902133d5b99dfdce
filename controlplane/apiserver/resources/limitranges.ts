import { dns1123Subdomain } from "../../../client/rules/names.ts";
import type { LimitRange, LimitRangeItem } from "../../../client/types.ts";
import { column } from "./cell-text.ts";
import { fillIn } from "./fill-in.ts";
import { validateLimitRange } from "./limitrange-validation.ts";
import { kindOf } from "./typed-kind.ts";

export const limitRanges = kindOf<LimitRange>({
  group: "",
  version: "v1",
  kind: "LimitRange",
  plural: "limitranges",
  singular: "limitrange",
  shortNames: ["limits"],
  categories: [],
  namespaced: true,
  createsOnUpdate: true,
  storagePrefix: "limitranges",
  subresources: {},
  nameRule: dns1123Subdomain,
  applyDefaults({ spec }) {
    for (const limit of spec.limits ?? []) if (limit.type === "Container") defaultLimits(limit);
  },
  // As in Kubernetes, one that has no name gets a unique one.
  prepareForCreate({ metadata }) {
    metadata.name ||= metadata.uid ?? "";
  },
  validate: validateLimitRange,
  noRowsAreNull: true,
  columns: [column("Created At", "date")],
  cells: ({ metadata }) => [metadata.creationTimestamp],
});

/** A container's limit is the most that it may have, and its request what is its limit, unless something else is said. */
function defaultLimits(limit: LimitRangeItem): void {
  fillIn(limit, "default", { ...limit.max });
  fillIn(limit, "defaultRequest", { ...limit.min, ...limit.default });
}
