import type { KubeObject } from "../../../client/types.ts";
import { mergeApplied } from "./apply-merge.ts";
import {
  coversAny,
  type FieldSet,
  fieldsOf,
  minus,
  type Path,
  pathText,
  removeAt,
  setOf,
  union,
  valueAt,
} from "./field-set.ts";
import { findTypeName, type SchemaType, typeOf, UnknownKindError } from "./load.ts";
import { isSameManager, type Manager, readManagers, writeManagers } from "./managed-fields.ts";
import { sameValue } from "./same-value.ts";

type Json = Record<string, unknown>;

export interface ApplyRequest {
  readonly current: KubeObject | undefined;
  /** The whole of what the manager wants, apiVersion and kind included. */
  readonly patch: Json;
  readonly manager: string;
  /** Take over fields that others own. */
  readonly force: boolean;
  readonly subresource: string;
  /** RFC 3339. */
  readonly now: string;
}
export interface ApplyConflict {
  readonly manager: string;
  /** As `.spec.replicas`. */
  readonly field: string;
}
export type ApplyOutcome =
  | { readonly ok: true; readonly object: Json }
  | { readonly ok: false; readonly conflicts: readonly ApplyConflict[] };

/** Who owns what was there before anybody applied. */
const firstManager = "before-first-apply";

/** Server-side apply. What the manager gives becomes its own, what it gave before and no longer gives goes unless others
 *  own it too, and what others own with another value is a conflict. Pure. Throws UnknownKindError.
 *  Rules: k8s.io/apimachinery managedfields, sigs.k8s.io/structured-merge-diff. */
export function serverSideApply(request: ApplyRequest): ApplyOutcome {
  const { current, manager, force, subresource, now } = request;
  const patch = withoutNulls(request.patch);
  const type = kindType(patch);
  if (subresource !== "status") delete patch.status;
  const fields = fieldsOf(type, patch);
  const others = otherManagers(type, request);
  const conflicts = force || current === undefined ? [] : findConflicts({ others, fields, patch, current });
  if (conflicts.length > 0) return { ok: false, conflicts };

  const own: Pick<Manager, "manager" | "operation" | "subresource"> = {
    manager,
    operation: "Apply",
    subresource,
  };
  const before = managersOf(current).find((one) => isSameManager(one, own));
  const object = current === undefined ? patch : mergeApplied(type, structuredClone(current), patch);
  if (before !== undefined) removeAbandoned(object, before.fields, { fields, others });
  const kept = others.map((one) => ({
    ...one,
    fields: force ? minus(one.fields, changed(one.fields, fields, request)) : one.fields,
  }));
  const same = before !== undefined && sameMembers(before.fields, fields) && sameContent(object, current);
  const entry: Manager = {
    ...own,
    apiVersion: String(patch.apiVersion),
    time: same ? before.time : now,
    fields,
  };
  setManagers(object, [...kept, entry]);
  return { ok: true, object };
}

const lastApplied = "kubectl.kubernetes.io/last-applied-configuration";

/** After a create: what a client-side apply brought is recorded as its own, for that is what a later server-side apply
 *  takes over. Other creators are not recorded; nobody asks for them. Mutates `object`. */
export function recordCreate(object: KubeObject, manager: string, now: string): void {
  if (object.metadata.annotations?.[lastApplied] === undefined) return;
  const fields = fieldsOf(kindType(object), object);
  const entry = {
    manager,
    operation: "Update" as const,
    apiVersion: object.apiVersion,
    subresource: "",
    time: now,
    fields,
  };
  setManagers(object, [entry]);
}

export interface UpdateRecord {
  readonly current: KubeObject;
  readonly next: KubeObject;
  readonly manager: string;
  readonly subresource: string;
  readonly now: string;
}

/** After an update that is no apply: the changed fields become the updater's. Only where somebody applied before, for
 *  nobody else asks. Mutates `next`. */
export function recordUpdate({ current, next, manager, subresource, now }: UpdateRecord): void {
  const managers = managersOf(current);
  const given = next.metadata.managedFields;
  // A client that changes the record itself means it.
  if (managers.length === 0 || (given !== undefined && !sameValue(given, current.metadata.managedFields)))
    return;
  const type = kindType(next);
  const after = fieldsOf(type, next);
  const gone = minus(fieldsOf(type, current), after);
  const touched = setOf(
    [...after.values()].filter((path) => !sameValue(valueAt(current, path), valueAt(next, path))),
  );
  if (touched.size === 0 && gone.size === 0) {
    setManagers(next, managers);
    return;
  }
  const own = { manager, operation: "Update" as const, subresource };
  const mine = managers.find((one) => isSameManager(one, own));
  // What changed hands is the updater's alone; an Apply manager that set another value will hear of a conflict.
  const rest = managers
    .filter((one) => one !== mine)
    .map((one) => ({ ...one, fields: minus(minus(one.fields, leavesOf(touched, next)), gone) }));
  const fields = minus(union(mine?.fields ?? new Map(), touched), gone);
  setManagers(next, [...rest, { ...own, apiVersion: next.apiVersion, time: now, fields }]);
}

function kindType(object: { readonly apiVersion?: unknown; readonly kind?: unknown }): SchemaType {
  const [apiVersion, kind] = [String(object.apiVersion ?? ""), String(object.kind ?? "")];
  const type = typeOf(findTypeName(apiVersion, kind) ?? "");
  if (type === undefined) throw new UnknownKindError(apiVersion, kind);
  return type;
}

const managersOf = (object: KubeObject | undefined) => readManagers(object?.metadata.managedFields);

/** Everybody but the one who applies. */
function otherManagers(
  type: SchemaType,
  { current, manager, subresource, now }: ApplyRequest,
): readonly Manager[] {
  const all = managersOf(current);
  if (current !== undefined && all.length === 0) {
    const { status, ...rest } = current;
    const fields = fieldsOf(type, rest);
    return [
      {
        manager: firstManager,
        operation: "Update",
        apiVersion: current.apiVersion,
        subresource: "",
        time: now,
        fields,
      },
    ];
  }
  return all.filter((one) => !isSameManager(one, { manager, operation: "Apply", subresource }));
}

interface Given {
  readonly others: readonly Manager[];
  readonly fields: FieldSet;
  readonly patch: Json;
  readonly current: KubeObject;
}

function findConflicts({ others, fields, patch, current }: Given): readonly ApplyConflict[] {
  const conflicts = others.flatMap(({ manager, fields: theirs }) =>
    [...changed(theirs, fields, { patch, current }).values()].map((path) => ({
      manager,
      field: pathText(path),
    })),
  );
  return conflicts.sort((a, b) => (a.field < b.field ? -1 : a.field > b.field ? 1 : 0));
}

/** A list element by key is there or not; its fields are what can differ. */
const isLeaf = (path: Path) => !path.at(-1)?.startsWith("k:");

/** Of `theirs`, what the patch gives another value. What they own but is not there (any more) is nobody's loss. */
function changed(
  theirs: FieldSet,
  fields: FieldSet,
  { patch, current }: Pick<ApplyRequest, "patch" | "current">,
): FieldSet {
  const differs = (path: Path) => {
    const before = valueAt(current, path);
    return before !== undefined && !sameValue(valueAt(patch, path), before);
  };
  return new Map([...theirs].filter(([key, path]) => fields.has(key) && isLeaf(path) && differs(path)));
}

function leavesOf(set: FieldSet, object: unknown): FieldSet {
  return new Map([...set].filter(([, path]) => isLeaf(path) && valueAt(object, path) !== undefined));
}

/** Removes what the manager gave before, gives no longer, and nobody else owns; mutates `object`. */
function removeAbandoned(
  object: Json,
  before: FieldSet,
  { fields, others }: { readonly fields: FieldSet; readonly others: readonly Manager[] },
): void {
  // Short paths first: an element of a list goes as a whole where nobody owns anything in it.
  const abandoned = [...minus(before, fields).values()].sort((a, b) => a.length - b.length);
  for (const path of abandoned) {
    const wanted = coversAny(fields, path) || others.some((one) => coversAny(one.fields, path));
    if (!wanted && !isKeyOfElement(path)) removeAt(object, path);
  }
}

/** The field by which a list element that stays is told from the others. */
function isKeyOfElement(path: Path): boolean {
  const [element = "", field = ""] = path.slice(-2);
  if (!element.startsWith("k:")) return false;
  const keys: unknown = JSON.parse(element.slice(2));
  return typeof keys === "object" && keys !== null && Object.hasOwn(keys, field.slice(2));
}

function setManagers(object: Json, managers: readonly Manager[]): void {
  const metadata = typeof object.metadata === "object" && object.metadata !== null ? object.metadata : {};
  object.metadata = { ...metadata, managedFields: writeManagers(managers) };
}

function sameMembers(a: FieldSet, b: FieldSet): boolean {
  return a.size === b.size && minus(a, b).size === 0;
}

function sameContent(object: Json, current: KubeObject | undefined): boolean {
  return sameValue(object, current);
}

function withoutNulls(object: Json): Json {
  const clean = (value: unknown): unknown => {
    if (Array.isArray(value)) return value.map(clean);
    if (typeof value !== "object" || value === null) return value;
    return Object.fromEntries(
      Object.entries(value).flatMap(([key, one]) => (one === null ? [] : [[key, clean(one)]])),
    );
  };
  return Object.fromEntries(
    Object.entries(object).flatMap(([key, one]) => (one === null ? [] : [[key, clean(one)]])),
  );
}
