import { dns1123Subdomain, qualifiedName } from "../../../client/rules/names.ts";
import type { CSINode } from "../../../client/types.ts";
import type { FieldError } from "../registry/kind.ts";
import { GoForm } from "../schema/go-form.ts";
import { sameValue } from "../schema/same-value.ts";
import { age, ageColumn, column } from "./cell-text.ts";
import { validateCount } from "./counts.ts";
import { csiDriverName } from "./csi-names.ts";
import { duplicate, invalid, required } from "./field-errors.ts";
import { kindOf } from "./typed-kind.ts";

type Driver = CSINode["spec"]["drivers"][number];

const nodeIdCharactersMax = 256;

export const csiNodes = kindOf<CSINode>({
  group: "storage.k8s.io",
  version: "v1",
  kind: "CSINode",
  plural: "csinodes",
  singular: "csinode",
  shortNames: [],
  categories: [],
  namespaced: false,
  needsVersion: true,
  returnsDeleted: true,
  subresources: {},
  nameRule: dns1123Subdomain,
  applyDefaults() {},
  validate: ({ spec }) =>
    (spec.drivers ?? []).flatMap((driver, index, all) => {
      const at = `spec.drivers[${index}]`;
      const twice = all.findIndex(({ name }) => name === driver.name) < index;
      return [...validateDriver(driver, at), ...(twice ? [duplicate(`${at}.name`, driver.name)] : [])];
    }),
  validateUpdate: (next, current) =>
    (current.spec.drivers ?? []).flatMap((before) =>
      (next.spec.drivers ?? [])
        .filter((after) => after.name === before.name && !sameValue(fixed(after), fixed(before)))
        .map((after) =>
          invalid("spec.drivers", new GoForm("storage.CSINodeDriver", after), "field is immutable"),
        ),
    ),
  columns: [column("Drivers", "integer"), ageColumn],
  cells: ({ metadata, spec }, nowMs) => [(spec.drivers ?? []).length, age(metadata.creationTimestamp, nowMs)],
});

/** How many volumes a driver takes may change. */
function fixed({ allocatable: _, ...driver }: Driver): Omit<Driver, "allocatable"> {
  return driver;
}

function validateDriver(driver: Driver, field: string): readonly FieldError[] {
  const { name, nodeID = "", allocatable, topologyKeys = [] } = driver;
  const problems: FieldError[] = [...csiDriverName(name, `${field}.name`)];
  if (nodeID === "") problems.push(required(`${field}.nodeID`));
  if (nodeID.length > nodeIdCharactersMax)
    problems.push(invalid(`${field}.nodeID`, nodeID, `must be ${nodeIdCharactersMax} characters or less`));
  problems.push(...validateCount(allocatable?.count, `${field}.allocatable.count`));
  topologyKeys.forEach((key, index) => {
    if (key === "") problems.push(required(field));
    if (topologyKeys.indexOf(key) < index) problems.push(duplicate(field, key));
    problems.push(...qualifiedName(key).map((text) => invalid(field, key, text)));
  });
  return problems;
}
