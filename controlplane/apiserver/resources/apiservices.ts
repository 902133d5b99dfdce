import type { APIService } from "../../../client/types.ts";
import { localCondition } from "../aggregation/conditions.ts";
import { validateApiService, validateApiServiceStatus } from "./apiservice-validation.ts";
import { age, ageColumn, column } from "./cell-text.ts";
import { keepStatus, wholeMetadata } from "./status.ts";
import { kindOf } from "./typed-kind.ts";

/** Who serves a group and version: this server, or one behind a Service (`aggregation/`). */
export const apiServices = kindOf<APIService>({
  group: "apiregistration.k8s.io",
  version: "v1",
  kind: "APIService",
  plural: "apiservices",
  singular: "apiservice",
  shortNames: [],
  categories: ["api-extensions"],
  namespaced: false,
  storagePrefix: "apiregistration.k8s.io/apiservices",
  subresources: { status: true },
  needsVersion: true,
  statusKeeps: wholeMetadata,
  // The rule for names needs the spec.
  nameRule: () => [],
  applyDefaults(service) {
    const { spec } = service;
    spec.groupPriorityMinimum ??= 0;
    spec.versionPriority ??= 0;
    if (spec.service !== undefined) spec.service.port ??= 443;
    service.status ??= {};
  },
  prepareForCreate(service) {
    service.status = {};
    if (service.spec.service === undefined)
      service.status.conditions = [
        { ...localCondition, lastTransitionTime: service.metadata.creationTimestamp },
      ];
  },
  prepareForUpdate: keepStatus,
  validate: validateApiService,
  validateStatus: validateApiServiceStatus,
  columns: [column("Service"), column("Available"), ageColumn],
  cells: ({ spec, status, metadata }, nowMs) => {
    const { service } = spec;
    const available = status?.conditions?.find(({ type }) => type === "Available");
    const why = available?.status !== "True" && available?.reason ? ` (${available.reason})` : "";
    return [
      service === undefined ? "Local" : `${service.namespace ?? ""}/${service.name ?? ""}`,
      `${available?.status ?? "Unknown"}${why}`,
      age(metadata.creationTimestamp, nowMs),
    ];
  },
});
