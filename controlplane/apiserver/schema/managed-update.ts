import type { KubeObject } from "../../../client/types.ts";
import { changedFields, type FieldChanges, ownedFields } from "./changed-fields.ts";
import { isEmptyTree, minusTree, noFields, plusTree } from "./field-tree.ts";
import type { SchemaType } from "./load.ts";
import {
  isSameManager,
  type Manager,
  readManagers,
  readStoredManagers,
  type WrittenEntry,
  writeManagers,
  writtenEntry,
} from "./managed-fields.ts";
import { sharedNewFields } from "./shared-fields.ts";

export interface UpdateRecord {
  /** Undefined: the object is new. */
  readonly current: KubeObject | undefined;
  readonly next: KubeObject;
  readonly manager: string;
  readonly subresource: string;
  /** Fields that the write does not set, whatever it says: paths like `f:status`. */
  readonly resets: readonly string[];
  readonly now: string;
  /** The version that the client speaks; absent: the object's own. */
  readonly apiVersion?: string;
  readonly forms?: Forms;
}

/** How the object looks in each of its versions; undefined of one that cannot be shown at once; "gone" of one that the client's
 *  group does not serve (any more): Kubernetes forgets who set what in it. */
export type Forms = (apiVersion: string) => Form | undefined | "gone";
export interface Form {
  readonly type: SchemaType;
  readonly show: (object: KubeObject) => Json;
}
type Json = Readonly<Record<string, unknown>>;

/** Notes in `next` who set what, after a write that is no apply: what it changed is the writer's. Where nobody kept a record
 *  of an object so far, or the client drops it, none is begun. Mutates `next`.
 *  Rules: k8s.io/apimachinery managedfields, sigs.k8s.io/structured-merge-diff. */
export function recordUpdate(type: SchemaType, record: UpdateRecord): void {
  const { current, next, manager, subresource, now, apiVersion = next.apiVersion } = record;
  const before = managersToKeep(record);
  if (current !== undefined && before.length === 0) {
    delete next.metadata.managedFields;
    return;
  }
  const own = { manager, operation: "Update", apiVersion, subresource } as const;
  if (current === undefined && before.length === 0) {
    recordNew(type, record, own);
    return;
  }
  const changeIn = changes(type, record);
  setManagers(next, capped(afterUpdate(before, { changeIn, own, now })));
}

/** The only one who had a hand in it has set all that is there. Mutates `next`. */
function recordNew(
  type: SchemaType,
  { next, resets, forms, now }: UpdateRecord,
  own: Pick<Manager, "manager" | "operation" | "apiVersion" | "subresource">,
): void {
  const form = formIn(type, forms, own.apiVersion);
  const tree = form && sharedNewFields(form.type, form.show(next), resets);
  setEntries(next, tree === undefined ? [] : [writtenEntry({ ...own, time: now }, tree)]);
}

function formIn(type: SchemaType, forms: Forms | undefined, apiVersion: string): Form | undefined {
  const found = forms?.(apiVersion);
  if (found === "gone") return undefined;
  return found ?? { type, show: (object: KubeObject): Json => ({ ...object }) };
}

/** What differs, as each version shows it: fields may have other names there. */
export function changes(
  type: SchemaType,
  { current, next, resets, forms }: Pick<UpdateRecord, "current" | "next" | "resets" | "forms">,
): ChangeIn {
  const known = new Map<string, FieldChanges>();
  return (apiVersion) => {
    const before = known.get(apiVersion);
    if (before !== undefined) return before;
    const form = formIn(type, forms, apiVersion);
    if (form === undefined) return undefined;
    const from = current === undefined ? { metadata: {} } : form.show(current);
    const states = { before: withoutTops(from, resets), after: withoutTops(form.show(next), resets) };
    const change = changedFields(form.type, states, resets);
    known.set(apiVersion, change);
    return change;
  };
}

/** Nobody need compare what counts as unchanged. */
function withoutTops(object: Json, resets: readonly string[]): Json {
  const tops = resets.filter((path) => !path.includes("\0")).map((path) => path.slice("f:".length));
  if (tops.length === 0) return object;
  const rest = { ...object };
  for (const name of tops) delete rest[name];
  return rest;
}

/** Undefined of a version that is gone. */
type ChangeIn = (apiVersion: string) => FieldChanges | undefined;

interface Writing {
  readonly changeIn: ChangeIn;
  readonly own: Pick<Manager, "manager" | "operation" | "apiVersion" | "subresource">;
  readonly now: string;
}

/** Those who had a part lose what the write changed or took away; the writer gains it. Pure. */
function afterUpdate(before: readonly Manager[], { changeIn, own, now }: Writing): readonly Manager[] {
  const change = changeIn(own.apiVersion);
  const set = change === undefined ? noFields : ownedFields(change);
  if (change === undefined || isEmptyTree(set)) return untouched(before, changeIn);
  const isMine = (one: Manager) => isSameManager(one, own);
  const mine = before.find(isMine)?.fields ?? noFields;
  // What the writer sets again stays its own: mostly its fields are the same as before.
  const fields = plusTree(minusTree(mine, minusTree(change.touched, set)), set);
  const others = before.filter((one) => !isMine(one));
  return [...untouched(others, changeIn), { ...own, time: now, fields }];
}

/** What a write leaves to those who had a part. */
export function untouched(managers: readonly Manager[], changeIn: ChangeIn): readonly Manager[] {
  return managers.flatMap((one) => {
    const change = changeIn(one.apiVersion);
    return change === undefined ? [] : [{ ...one, fields: minusTree(one.fields, change.touched) }];
  });
}

/** What the record says before the write. A client that sends one means it, but for subresources; an empty one, or one with
 *  an empty entry, means that there is to be none. */
function managersToKeep({ current, next, subresource }: UpdateRecord): readonly Manager[] {
  const given = next.metadata.managedFields;
  const kept = readStoredManagers(current?.metadata.managedFields);
  if (subresource !== "" || given === undefined) return kept;
  const isReset = given.length === 0 || (given.length === 1 && Object.keys(given[0] ?? {}).length === 0);
  if (isReset) return [];
  if (given === current?.metadata.managedFields) return kept;
  const read = readManagers(given);
  return read.length > 0 ? read : kept;
}

/** So many who update are told apart; the changes of the oldest beyond them are put together. */
const updatersMax = 10;
const ancient = "ancient-changes";

function capped(managers: readonly Manager[]): readonly Manager[] {
  const updaters = managers.filter(({ operation, fields }) => operation === "Update" && !isEmptyTree(fields));
  let over = updaters.length - updatersMax;
  if (over <= 0) return managers;
  const byAge = [...updaters].sort((a, b) =>
    a.time === b.time ? compareText(a.manager, b.manager) : compareText(a.time ?? "", b.time ?? ""),
  );
  const buckets = new Map<string, Manager>();
  const first = new Map<string, Manager>();
  const gone = new Set<Manager>();
  for (const one of byAge) {
    if (over === 0) break;
    const bucket = buckets.get(one.apiVersion) ?? first.get(one.apiVersion);
    if (bucket === undefined) {
      first.set(one.apiVersion, one);
      continue;
    }
    gone.add(bucket).add(one);
    const { apiVersion, time } = one;
    const fields = plusTree(bucket.fields, one.fields);
    const merged: Manager = {
      manager: ancient,
      operation: "Update",
      apiVersion,
      subresource: "",
      time,
      fields,
    };
    buckets.set(apiVersion, merged);
    over -= 1;
  }
  return [
    ...managers.filter((one) => !gone.has(one)),
    ...[...buckets.values()].filter((one) => !gone.has(one)),
  ];
}

export const compareText = (a: string, b: string): number => (a < b ? -1 : a > b ? 1 : 0);

export function setManagers(
  object: { metadata: KubeObject["metadata"] },
  managers: readonly Manager[],
): void {
  setEntries(object, writeManagers(managers));
}

function setEntries(object: { metadata: KubeObject["metadata"] }, entries: readonly WrittenEntry[]): void {
  if (entries.length > 0)
    object.metadata.managedFields = entries as unknown as KubeObject["metadata"]["managedFields"] & object;
  else delete object.metadata.managedFields;
}
