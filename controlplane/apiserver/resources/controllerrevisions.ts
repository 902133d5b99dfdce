import { dns1123Subdomain } from "../../../client/rules/names.ts";
import type { ControllerRevision } from "../../../client/types.ts";
import { isObject } from "../json.ts";
import { age, ageColumn, column } from "./cell-text.ts";
import { validateCount } from "./counts.ts";
import { immutable, required } from "./field-errors.ts";
import { kindOf } from "./typed-kind.ts";

export const controllerRevisions = kindOf<ControllerRevision>({
  group: "apps",
  version: "v1",
  kind: "ControllerRevision",
  plural: "controllerrevisions",
  singular: "controllerrevision",
  shortNames: [],
  categories: [],
  namespaced: true,
  storagePrefix: "controllerrevisions",
  subresources: {},
  nameRule: dns1123Subdomain,
  hasSpec: false,
  applyDefaults: () => undefined,
  validate: ({ revision }) => validateCount(revision, "revision"),
  validateCreate: ({ data }) => [
    ...(data === undefined ? [required("data", "data is mandatory")] : []),
    ...(data === undefined || isObject(data) ? [] : [required("data", "data must be a valid JSON object")]),
  ],
  validateUpdate: (next, current) => immutable("data", next.data, current.data),
  columns: [column("Controller"), column("Revision"), ageColumn],
  cells({ metadata, revision }, nowMs) {
    const owner = metadata.ownerReferences?.find(({ controller }) => controller === true);
    return [
      owner === undefined ? "<none>" : ownerText(owner),
      revision ?? 0,
      age(metadata.creationTimestamp, nowMs),
    ];
  },
});

function ownerText({ apiVersion, kind, name }: { apiVersion: string; kind: string; name: string }): string {
  const group = apiVersion.includes("/") ? `.${apiVersion.split("/")[0]}` : "";
  return `${kind.toLowerCase()}${group}/${name}`;
}
