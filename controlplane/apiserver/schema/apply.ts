import { cloneJson } from "../../../base/clone-json.ts";
import { exactJsonText, parseExactJson } from "../../../base/exact-json.ts";
import type { KubeObject } from "../../../client/types.ts";
import { mergeApplied } from "./apply-merge.ts";
import { noChange } from "./changed-fields.ts";
import { compareObjects } from "./compare.ts";
import {
  comparePaths,
  coversAny,
  type FieldSet,
  fieldsOf,
  intersection,
  minus,
  type Path,
  pathText,
  removeAt,
  setToTree,
  treeToSet,
  union,
  without,
} from "./field-set.ts";
import { isEmptyTree } from "./field-tree.ts";
import type { SchemaType } from "./load.ts";
import { isSameManager, type Manager, readStoredManagers } from "./managed-fields.ts";
import { changes, compareText, type Forms, setManagers, untouched } from "./managed-update.ts";
import { newFields } from "./new-fields.ts";
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
  /** Fields that the write does not set, whatever it says. */
  readonly resets: readonly string[];
  /** RFC 3339. */
  readonly now: string;
  /** From the version in which `current` and `patch` are. */
  readonly forms?: Forms;
}
export interface ApplyConflict {
  readonly manager: Pick<Manager, "manager" | "operation" | "apiVersion" | "subresource">;
  /** As `.spec.replicas`. */
  readonly field: string;
}
export type ApplyOutcome =
  | { readonly ok: true; readonly object: Json }
  | { readonly ok: false; readonly conflicts: readonly ApplyConflict[] };

/** Who owns what was there before anybody applied. */
const firstManager = "before-first-apply";
/** kubectl takes its own client-side applies over. */
const clientSide = "kubectl";
const lastApplied = "kubectl.kubernetes.io/last-applied-configuration";

/** Server-side apply. What the manager gives becomes its own, what it gave before and no longer gives goes unless others
 *  own it too, and what others own with another value is a conflict. Pure.
 *  Rules: k8s.io/apimachinery managedfields, sigs.k8s.io/structured-merge-diff. */
export function serverSideApply(type: SchemaType, request: ApplyRequest): ApplyOutcome {
  const { current, patch, manager, force, subresource, resets, now } = request;
  const apiVersion = String(patch.apiVersion);
  const own = { manager, operation: "Apply", apiVersion, subresource } as const;
  const fields = without(fieldsOf(type, patch), resets);
  const managers = managersBefore(type, request);
  const before = managers.find((one) => isSameManager(one, own));
  const others = managers.filter((one) => one !== before);
  const object = current === undefined ? cloneJson(patch) : mergeApplied(type, cloneJson(current), patch);
  object.metadata ??= {};
  if (before !== undefined) removeAbandoned(object, before, { fields, others });
  const next = object as unknown as KubeObject;
  const changeIn = changes(type, { current, next, resets, ...(request.forms && { forms: request.forms }) });
  const conflicts =
    current === undefined || force
      ? []
      : allConflicts(others, (version) => treeToSet((changeIn(version) ?? noChange).given));
  const mine = manager === clientSide ? takenOver(type, current) : undefined;
  const open = conflicts.filter(({ path }) => mine === undefined || !mine.has(path.join("\0")));
  if (open.length > 0)
    return { ok: false, conflicts: open.map(({ path, ...one }) => ({ ...one, field: pathText(path) })) };

  const { touched } = changeIn(apiVersion) ?? noChange;
  const kept = untouched(others, changeIn);
  const isSame = current !== undefined && isEmptyTree(touched) && sameLists(current, object);
  const entry: Manager = { ...own, time: isSame ? before?.time : now, fields: setToTree(fields) };
  if (manager === clientSide) renewLastApplied(object, patch);
  setManagers(object as unknown as KubeObject, [...kept, entry]);
  return { ok: true, object };
}

/** Is the order in lists the same too? */
function sameLists(current: KubeObject, object: Json): boolean {
  const { managedFields: _, ...metadata } = current.metadata;
  const { managedFields: __, ...after } = object.metadata as KubeObject["metadata"];
  return sameValue({ ...current, metadata }, { ...object, metadata: after });
}

interface Conflict {
  readonly manager: ApplyConflict["manager"];
  readonly path: Path;
}

function allConflicts(
  others: readonly Manager[],
  setIn: (apiVersion: string) => FieldSet,
): readonly Conflict[] {
  return [...others]
    .sort((a, b) => compareText(a.manager, b.manager))
    .flatMap(({ manager, operation, apiVersion, subresource, fields }) =>
      [...intersection(treeToSet(fields), setIn(apiVersion)).values()]
        .sort(comparePaths)
        .map((path) => ({ manager: { manager, operation, apiVersion, subresource }, path })),
    );
}

/** What kubectl's client-side apply brought and nobody changed since. */
function takenOver(type: SchemaType, current: KubeObject | undefined): FieldSet | undefined {
  const text = current?.metadata.annotations?.[lastApplied];
  if (current === undefined || text === undefined || text === "") return undefined;
  let said: unknown;
  try {
    said = parseExactJson(text);
  } catch {
    return undefined; // whoever wrote it, it says nothing of fields
  }
  const brought = said as Json;
  if (typeof said !== "object" || said === null || brought.apiVersion !== current.apiVersion)
    return undefined;
  const { added, modified, removed } = compareObjects(type, brought, current);
  return minus(fieldsOf(type, brought), union(added, modified, removed));
}

/** An old kubectl that applies on its own side later shall know what was applied last. */
function renewLastApplied(object: Json, patch: Json): void {
  const metadata = object.metadata as KubeObject["metadata"];
  if (!metadata.annotations?.[lastApplied]) return;
  const wanted = cloneJson(patch) as unknown as KubeObject;
  if (wanted.metadata.annotations !== undefined) delete wanted.metadata.annotations[lastApplied];
  metadata.annotations[lastApplied] = `${exactJsonText(sorted(wanted))}\n`;
}

function sorted(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(sorted);
  if (typeof value !== "object" || value === null) return value;
  const entries = Object.entries(value).sort(([a], [b]) => compareText(a, b));
  return Object.fromEntries(entries.map(([name, one]) => [name, sorted(one)]));
}

/** Everybody on record; where nobody is, whoever made the object. */
function managersBefore(type: SchemaType, { current, subresource, now }: ApplyRequest): readonly Manager[] {
  const all = readStoredManagers(current?.metadata.managedFields);
  if (current === undefined || all.length > 0) return all;
  const own = {
    manager: firstManager,
    operation: "Update",
    apiVersion: current.apiVersion,
    subresource,
  } as const;
  const fields = newFields(type, { ...current }, []);
  return fields === undefined ? [] : [{ ...own, time: now, fields }];
}

/** Removes what the manager gave before, gives no longer, and nobody else owns; mutates `object`. */
function removeAbandoned(
  object: Json,
  before: Manager,
  { fields, others }: { readonly fields: FieldSet; readonly others: readonly Manager[] },
): void {
  const kept = [fields, ...others.map((one) => treeToSet(one.fields))];
  // Short paths first: an element of a list goes as a whole where nobody owns anything in it.
  const abandoned = [...minus(treeToSet(before.fields), fields).values()].sort((a, b) => a.length - b.length);
  for (const path of abandoned) {
    const wanted = kept.some((set) => coversAny(set, path));
    if (!wanted && !isKeyOfElement(path)) removeAt(object, path);
  }
}

/** The field by which a list element that stays is told from the others. */
function isKeyOfElement(path: Path): boolean {
  const [element = "", field = ""] = path.slice(-2);
  if (!element.startsWith("k:")) return false;
  const keys = parseExactJson(element.slice(2));
  return typeof keys === "object" && keys !== null && Object.hasOwn(keys, field.slice(2));
}
