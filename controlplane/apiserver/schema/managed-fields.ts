import { type FieldSet, type FieldTree, setToTree, treeToSet } from "./field-set.ts";

/** One entry of metadata.managedFields: who set which fields, how and when. */
export interface Manager {
  readonly manager: string;
  readonly operation: "Apply" | "Update";
  readonly apiVersion: string;
  readonly subresource: string;
  /** RFC 3339. */
  readonly time: string;
  readonly fields: FieldSet;
}

interface Entry {
  readonly manager?: string;
  readonly operation?: string;
  readonly apiVersion?: string;
  readonly subresource?: string;
  readonly time?: string;
  readonly fieldsV1?: unknown;
}

export function readManagers(entries: readonly Entry[] | undefined): readonly Manager[] {
  return (entries ?? []).map((entry) => ({
    manager: entry.manager ?? "",
    operation: entry.operation === "Apply" ? "Apply" : "Update",
    apiVersion: entry.apiVersion ?? "",
    subresource: entry.subresource ?? "",
    time: entry.time ?? "",
    fields: treeToSet(entry.fieldsV1),
  }));
}

export interface WrittenEntry {
  manager: string;
  operation: string;
  apiVersion: string;
  time: string;
  fieldsType: "FieldsV1";
  fieldsV1: FieldTree;
  subresource?: string;
}

/** The entries as they are stored; managers of nothing are left out. */
export function writeManagers(managers: readonly Manager[]): WrittenEntry[] {
  return managers
    .filter(({ fields }) => fields.size > 0)
    .map(({ manager, operation, apiVersion, time, subresource, fields }) => ({
      manager,
      operation,
      apiVersion,
      time,
      fieldsType: "FieldsV1",
      fieldsV1: setToTree(fields),
      ...(subresource !== "" && { subresource }),
    }));
}

/** Do both stand for the same writer? */
export function isSameManager(
  a: Manager,
  b: Pick<Manager, "manager" | "operation" | "subresource">,
): boolean {
  return a.manager === b.manager && a.operation === b.operation && a.subresource === b.subresource;
}
