import { type FieldTree, setToTree, treeToSet } from "./field-set.ts";
import { isEmptyTree, noFields } from "./field-tree.ts";

/** One entry of metadata.managedFields: who set which fields, how and when. */
export interface Manager {
  readonly manager: string;
  readonly operation: "Apply" | "Update";
  readonly apiVersion: string;
  readonly subresource: string;
  /** RFC 3339; absent of a manager whose first apply changed nothing. */
  readonly time: string | undefined;
  /** In Kubernetes' order; nobody may change them. */
  readonly fields: FieldTree;
}

interface Entry {
  readonly manager?: string;
  readonly operation?: string;
  readonly apiVersion?: string;
  readonly subresource?: string;
  readonly time?: string;
  readonly fieldsV1?: unknown;
}

/** The same of entries as they are stored, whose trees are in order. */
export function readStoredManagers(entries: readonly Entry[] | undefined): readonly Manager[] {
  return readManagers(entries, (tree) => (isTree(tree) ? tree : noFields));
}

const isTree = (value: unknown): value is FieldTree => typeof value === "object" && value !== null;
const ordered = (tree: unknown) => setToTree(treeToSet(tree));

/** Of two entries that stand for the same writer the later one counts, as in Kubernetes. */
export function readManagers(
  entries: readonly Entry[] | undefined,
  fieldsOf: (tree: unknown) => FieldTree = ordered,
): readonly Manager[] {
  const managers = (entries ?? []).map(
    (entry): Manager => ({
      manager: entry.manager ?? "",
      operation: entry.operation === "Apply" ? "Apply" : "Update",
      apiVersion: entry.apiVersion ?? "",
      subresource: entry.subresource ?? "",
      time: entry.time,
      fields: fieldsOf(entry.fieldsV1),
    }),
  );
  return managers.filter((one, at) => !managers.slice(at + 1).some((later) => isSameManager(one, later)));
}

export interface WrittenEntry {
  manager?: string;
  operation: string;
  apiVersion: string;
  time?: string;
  fieldsType: "FieldsV1";
  fieldsV1: FieldTree;
  subresource?: string;
}

/** The entries as they are stored, in Kubernetes' order; managers of nothing are left out. */
export function writeManagers(managers: readonly Manager[]): WrittenEntry[] {
  return managers
    .filter(({ fields }) => !isEmptyTree(fields))
    .sort(
      (a, b) =>
        compare(a.operation, b.operation) ||
        compare(a.time ?? "", b.time ?? "") ||
        compare(a.manager, b.manager) ||
        compare(a.apiVersion, b.apiVersion) ||
        compare(a.subresource, b.subresource),
    )
    .map((manager) => writtenEntry(manager, manager.fields));
}

export function writtenEntry(
  { manager, operation, apiVersion, time, subresource }: Omit<Manager, "fields">,
  fieldsV1: FieldTree,
): WrittenEntry {
  return {
    ...(manager !== "" && { manager }),
    operation,
    apiVersion,
    ...(time !== undefined && { time }),
    fieldsType: "FieldsV1",
    fieldsV1,
    ...(subresource !== "" && { subresource }),
  };
}

const compare = (a: string, b: string): number => (a < b ? -1 : a > b ? 1 : 0);

/** Do both stand for the same writer? One who applies stays the same in whatever version. */
export function isSameManager(a: Manager, b: Omit<Manager, "time" | "fields">): boolean {
  if (a.manager !== b.manager || a.operation !== b.operation || a.subresource !== b.subresource) return false;
  return a.operation === "Apply" || a.apiVersion === b.apiVersion;
}
