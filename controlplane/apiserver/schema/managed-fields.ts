import { type FieldSet, type FieldTree, treeToSet } from "./field-set.ts";
import { sharedTreeOf } from "./shared-sets.ts";
import { isSharedTree } from "./shared-trees.ts";

/** One entry of metadata.managedFields: who set which fields, how and when. */
export interface Manager {
  readonly manager: string;
  readonly operation: "Apply" | "Update";
  readonly apiVersion: string;
  readonly subresource: string;
  /** RFC 3339; absent of a manager whose first apply changed nothing. */
  readonly time: string | undefined;
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

/** The same of entries as they are stored, in Kubernetes' order: where a set stays, its tree is written as it stands. Nobody may
 *  change that any more. */
export function readStoredManagers(entries: readonly Entry[] | undefined): readonly Manager[] {
  return readManagers(entries, setOfStored);
}

const treeOfSet = new WeakMap<FieldSet, FieldTree>();
const setOfShared = new WeakMap<object, FieldSet>();

function setOfStored(tree: unknown): FieldSet {
  if (typeof tree !== "object" || tree === null) return treeToSet(tree);
  const known = setOfShared.get(tree);
  if (known !== undefined) return known;
  const set = treeToSet(tree);
  treeOfSet.set(set, tree as FieldTree);
  // Sets take more room than trees: only those of many objects are kept.
  if (isSharedTree(tree)) setOfShared.set(tree, set);
  return set;
}

/** Of two entries that stand for the same writer the later one counts, as in Kubernetes. */
export function readManagers(
  entries: readonly Entry[] | undefined,
  setOf: (tree: unknown) => FieldSet = treeToSet,
): readonly Manager[] {
  const managers = (entries ?? []).map(
    (entry): Manager => ({
      manager: entry.manager ?? "",
      operation: entry.operation === "Apply" ? "Apply" : "Update",
      apiVersion: entry.apiVersion ?? "",
      subresource: entry.subresource ?? "",
      time: entry.time,
      fields: setOf(entry.fieldsV1),
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
    .filter(({ fields }) => fields.size > 0)
    .sort(
      (a, b) =>
        compare(a.operation, b.operation) ||
        compare(a.time ?? "", b.time ?? "") ||
        compare(a.manager, b.manager) ||
        compare(a.apiVersion, b.apiVersion) ||
        compare(a.subresource, b.subresource),
    )
    .map((manager) => writtenEntry(manager, treeOfSet.get(manager.fields) ?? sharedTreeOf(manager.fields)));
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
