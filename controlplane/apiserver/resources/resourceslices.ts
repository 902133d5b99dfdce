import { dns1123Subdomain } from "../../../client/rules/names.ts";
import type { ResourceSlice } from "../../../client/types.ts";
import { age, ageColumn, column } from "./cell-text.ts";
import { validateSlice } from "./device-slice-validation.ts";
import { kindOf } from "./typed-kind.ts";

/** Devices that a driver offers. */
export const resourceSlices = kindOf<ResourceSlice>({
  group: "resource.k8s.io",
  version: "v1",
  kind: "ResourceSlice",
  plural: "resourceslices",
  singular: "resourceslice",
  shortNames: [],
  categories: [],
  namespaced: false,
  returnsDeleted: true,
  hasGeneration: true,
  subresources: {},
  nameRule: dns1123Subdomain,
  applyDefaults({ spec }) {
    if (spec.pool !== undefined) spec.pool.generation ??= 0;
  },
  prepareForCreate({ metadata, spec }) {
    for (const taint of (spec.devices ?? []).flatMap(({ taints = [] }) => taints))
      taint.timeAdded ??= metadata.creationTimestamp;
  },
  dropDisabled({ spec }) {
    // Lists as attributes, and devices that stand for CPU or memory, are off in Kubernetes 1.36.
    for (const device of spec.devices ?? []) {
      delete device.nodeAllocatableResourceMappings;
      for (const attribute of Object.values(device.attributes ?? {}))
        for (const name of ["bools", "ints", "strings", "versions"] as const) delete attribute[name];
    }
  },
  validate: ({ spec }, _facts, current) => validateSlice(spec, current?.spec),
  selectableFields: ({ spec }) => ({
    "spec.nodeName": spec.nodeName ?? "",
    "spec.driver": spec.driver ?? "",
  }),
  warnings: ({ spec: { driver = "" } }) =>
    driver === driver.toLowerCase()
      ? []
      : [
          `spec.driver: driver names should be lowercase; ${JSON.stringify(driver)} contains uppercase characters`,
        ],
  columns: [column("Node"), column("Driver"), column("Pool"), ageColumn],
  cells: ({ metadata, spec }, nowMs) => [
    spec.nodeName ?? "",
    spec.driver ?? "",
    spec.pool?.name ?? "",
    age(metadata.creationTimestamp, nowMs),
  ],
});
