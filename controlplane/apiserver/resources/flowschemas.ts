import { dns1123Subdomain } from "../../../client/rules/names.ts";
import type { FlowSchema } from "../../../client/types.ts";
import { age, ageColumn, column } from "./cell-text.ts";
import { validateFlowSchema } from "./flow-schema-validation.ts";
import { clearStatus, keepStatus, wholeMetadata } from "./status.ts";
import { kindOf } from "./typed-kind.ts";

const precedenceDefault = 1000;

/** Which requests belong together, and at which priority level they are served (`flowcontrol/`). */
export const flowSchemas = kindOf<FlowSchema>({
  group: "flowcontrol.apiserver.k8s.io",
  version: "v1",
  kind: "FlowSchema",
  plural: "flowschemas",
  singular: "flowschema",
  shortNames: [],
  categories: [],
  namespaced: false,
  subresources: { status: true },
  hasGeneration: true,
  statusKeeps: wholeMetadata,
  nameRule: dns1123Subdomain,
  applyDefaults(schema) {
    const { spec } = schema;
    spec.priorityLevelConfiguration ??= { name: "" };
    spec.priorityLevelConfiguration.name ??= "";
    spec.matchingPrecedence ||= precedenceDefault;
    schema.status ??= {};
  },
  prepareForCreate: clearStatus,
  prepareForUpdate: keepStatus,
  validate: validateFlowSchema,
  columns: [
    column("PriorityLevel"),
    column("MatchingPrecedence"),
    column("DistinguisherMethod"),
    ageColumn,
    column("MissingPL"),
  ],
  cells: ({ spec, status, metadata }, nowMs) => [
    spec.priorityLevelConfiguration?.name ?? "",
    spec.matchingPrecedence ?? 0,
    spec.distinguisherMethod === undefined ? "<none>" : (spec.distinguisherMethod.type ?? ""),
    age(metadata.creationTimestamp, nowMs),
    status?.conditions?.find(({ type }) => type === "Dangling")?.status ?? "?",
  ],
});
