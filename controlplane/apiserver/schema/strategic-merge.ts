import { cloneJson } from "../../../base/clone-json.ts";
import { ownField, setOwnField } from "../../../base/own-field.ts";
import { fieldOf, type Gvk, type SchemaField, type SchemaType, typeNameOf, typeOf } from "./load.ts";
import { PatchError } from "./patch-error.ts";
import {
  deleteFromList,
  type ListMerge,
  mergeLists,
  orderList,
  unknownDirective,
  withoutDirectives,
} from "./strategic-lists.ts";

/** Strategic merge patch: a merge patch whose lists of objects merge by key where `merge-keys.txt` says so, with
 *  directives in the patch: $patch (replace, delete), $retainKeys, $setElementOrder/x, $deleteFromPrimitiveList/x.
 *  Rules: k8s.io/apimachinery util/strategicpatch. */

type Json = Record<string, unknown>;

/** @property patch What is left of the patch, as Kubernetes shows it where the object cannot be decoded. */
export interface Patched {
  readonly object: Json;
  readonly patch: Json;
}

/** `current` with `patch` applied; changes neither, and shares with `current` what the patch leaves alone. Throws PatchError,
 *  UnknownKindError. */
export function strategicMergePatch(gvk: Gvk, current: Json, patch: Readonly<Json>): Patched {
  const rest = cloneJson({ ...patch });
  const type = typeOf(typeNameOf(gvk));
  const shape: Shape = type === undefined ? "free" : type;
  return { object: mergeMap(shape, current, rest), patch: rest };
}

/** What is known of a map's fields: those of a message; of a map of names nothing, and of what is of any form. */
type Shape = SchemaType | "map" | "free";

const orderPrefix = "$setElementOrder";
const deletePrefix = "$deleteFromPrimitiveList";

/** Mutates the patch. */
function mergeMap(shape: Shape, before: Json, patch: Json): Json {
  if (Object.hasOwn(patch, "$patch")) return directed(patch);
  const current = { ...before };
  retain(current, patch);
  for (const name of Object.keys(patch)) if (name.startsWith(orderPrefix)) order(shape, current, patch, name);
  for (const [name, value] of Object.entries(patch)) {
    if (name.startsWith(deletePrefix)) {
      const list = listName(name, "invalid patch format of primitive list");
      const before = current[list];
      if (Array.isArray(before) && Array.isArray(value)) {
        fieldIn(shape, list);
        current[list] = deleteFromList(before, value);
      }
    } else mergeField(shape, current, { name, value });
  }
  return current;
}

/** What a map is that has a directive of its own. */
function directed(patch: Json): Json {
  const directive = patch.$patch;
  if (directive === "delete") return {};
  if (directive !== "replace") throw unknownDirective(directive, patch);
  delete patch.$patch;
  return patch;
}

function mergeField(
  shape: Shape,
  current: Json,
  { name, value }: { readonly name: string; readonly value: unknown },
): void {
  const before = ownField(current, name);
  if (value === null) delete current[name];
  else if (isObject(before) && isObject(value)) {
    const field = fieldIn(shape, name);
    current[name] = field.replace === 1 ? value : mergeMap(shapeOf(field), before, value);
  } else if (Array.isArray(before) && Array.isArray(value)) {
    const field = fieldIn(shape, name);
    current[name] = field.merge === undefined ? value : mergeLists(before, value, mergeOf(field));
  } else {
    dropNulls(value);
    const kept = withoutDirectives(value);
    if (kept === undefined) delete current[name];
    else setOwnField<unknown>(current, name, kept);
  }
}

/** $retainKeys: everything it does not name goes. */
function retain(current: Json, patch: Json): void {
  if (!Object.hasOwn(patch, "$retainKeys")) return;
  const keep = patch.$retainKeys;
  delete patch.$retainKeys;
  const isDirective = (name: string) => name.startsWith(deletePrefix) || name.startsWith(orderPrefix);
  const isFit =
    Array.isArray(keep) &&
    Object.entries(patch).every(
      ([name, value]) => value === null || isDirective(name) || keep.includes(name),
    );
  if (!isFit) throw new PatchError("invalid patch format of retainKeys", 400);
  for (const name of Object.keys(current)) if (!keep.includes(name)) delete current[name];
}

/** $setElementOrder, along with what else the patch says of the list. */
function order(shape: Shape, current: Json, patch: Json, directive: string): void {
  const wanted = patch[directive];
  delete patch[directive];
  if (!Array.isArray(wanted)) orderList({}, wanted, { isMerged: false, merge: mergeOf(undefined) });
  const name = listName(directive, "invalid patch format of setElementOrder list");
  const lists = { current: current[name], patch: patch[name] };
  const field = fieldIn(shape, name);
  const how = { isMerged: field.merge !== undefined, merge: mergeOf(field) };
  const ordered = orderList(lists, wanted, how);
  if (ordered === undefined) return;
  current[name] = ordered;
  delete patch[name];
}

function listName(directive: string, problem: string): string {
  const cut = directive.indexOf("/");
  const isWhole = [orderPrefix, deletePrefix].includes(directive.slice(0, Math.max(cut, 0)));
  if (!isWhole) throw new PatchError(problem, 400);
  return directive.slice(cut + 1);
}

function mergeOf(field: SchemaField | undefined): ListMerge {
  const shape = shapeOf(field);
  return {
    key: field?.merge ?? "",
    mergeElement: (current, patch) => mergeMap(shape, current, patch),
  };
}

/** What is known of the values of a field that holds a message, a map, or a list of those. */
function shapeOf(field: SchemaField | undefined): Shape {
  if (field?.c === "map") return "map";
  return typeOf(field?.t ?? "") ?? "free";
}

/** Fails where Kubernetes does not know how the field merges. */
function fieldIn(shape: Shape, name: string): SchemaField {
  if (shape === "map")
    throw new PatchError("merging an object in json but data type is not struct, instead is: map");
  const field = shape === "free" ? undefined : fieldOf(shape, name);
  if (field !== undefined) return field;
  const struct = shape === "free" ? "RawExtension" : shape.k;
  throw new PatchError(
    `unable to find api field in struct ${struct} for the json field ${JSON.stringify(name)}`,
  );
}

/** Mutates. */
function dropNulls(value: unknown): void {
  if (Array.isArray(value)) value.forEach(dropNulls);
  else if (isObject(value))
    for (const [name, one] of Object.entries(value)) {
      if (one === null) delete value[name];
      else dropNulls(one);
    }
}

function isObject(value: unknown): value is Json {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
