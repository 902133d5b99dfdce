import { exactJsonText } from "../../../base/exact-json.ts";
import { fieldOf, type Gvk, type SchemaField, type SchemaType, typeNameOf, typeOf } from "./load.ts";
import { sameValue } from "./same-value.ts";

/** Strategic merge patch: a merge patch whose lists of objects merge by key where `merge-keys.txt` says so, with
 *  directives in the patch: $patch (merge, replace, delete), $retainKeys, $setElementOrder/x, $deleteFromPrimitiveList/x.
 *  Rules: k8s.io/apimachinery util/strategicpatch. Pure. */

type Json = Record<string, unknown>;

/** The patch contradicts itself or the schema: a bad request. */
export class PatchError extends Error {
  override readonly name = "PatchError";
}

/** `current` with `patch` applied; neither is changed. Throws PatchError, UnknownKindError. */
export function strategicMergePatch(gvk: Gvk, current: Readonly<Json>, patch: Readonly<Json>): Json {
  return mergeObject(typeOf(typeNameOf(gvk)), structuredClone(current), structuredClone(patch));
}

const orderPrefix = "$setElementOrder/";
const deletePrefix = "$deleteFromPrimitiveList/";

function mergeObject(type: SchemaType | undefined, current: Json, patch: Json): Json {
  const directive = patch.$patch;
  if (directive === "replace") return withoutDirectives(patch);
  if (directive === "delete") return {};
  if (directive !== undefined && directive !== "merge")
    throw new PatchError(`Unknown patch type: ${JSON.stringify(directive)}`);
  const out: Json = { ...retained(current, patch) };
  for (const [name, value] of Object.entries(patch)) {
    if (name.startsWith(deletePrefix)) deleteValues(out, name.slice(deletePrefix.length), value);
  }
  for (const [name, value] of Object.entries(patch)) {
    if (name.startsWith("$")) continue;
    const field = type === undefined ? undefined : fieldOf(type, name);
    if (value === null) delete out[name];
    else out[name] = mergeField(field, out[name], value, patch[orderPrefix + name]);
  }
  // An order may also be given for a list that has no other change.
  for (const [name, order] of Object.entries(patch)) {
    if (!name.startsWith(orderPrefix)) continue;
    const list = name.slice(orderPrefix.length);
    const found = out[list];
    if (Object.hasOwn(patch, list) || !Array.isArray(found) || !Array.isArray(order)) continue;
    out[list] = ordered(found, order, type === undefined ? undefined : fieldOf(type, list)?.merge);
  }
  return out;
}

/** $retainKeys: everything it does not name goes. */
function retained(current: Json, patch: Json): Json {
  const keep = patch.$retainKeys;
  if (keep === undefined) return current;
  if (!Array.isArray(keep)) throw new PatchError("$retainKeys must be a list");
  return Object.fromEntries(Object.entries(current).filter(([name]) => keep.includes(name)));
}

function mergeField(
  field: SchemaField | undefined,
  current: unknown,
  patch: unknown,
  order: unknown,
): unknown {
  if (Array.isArray(patch)) {
    const before = Array.isArray(current) ? current : [];
    return mergeList(field, before, patch, Array.isArray(order) ? order : undefined);
  }
  if (!isObject(patch)) return patch;
  if (field?.replace === 1) return withoutDirectives(patch);
  const type = field?.c === undefined ? typeOf(field?.t ?? "") : undefined;
  if (field?.c === "map" && isObject(current)) return mergeMap(field, current, patch);
  return mergeObject(type, isObject(current) ? current : {}, patch);
}

/** A map of plain values or of messages. */
function mergeMap(field: SchemaField, current: Json, patch: Json): Json {
  const inner = typeOf(field.t);
  if (patch.$patch === "replace") return withoutDirectives(patch);
  if (patch.$patch === "delete") return {};
  const out = { ...current };
  for (const [key, value] of Object.entries(patch)) {
    if (key.startsWith("$")) continue;
    const before = out[key];
    if (value === null) delete out[key];
    else if (inner !== undefined && isObject(value))
      out[key] = mergeObject(inner, isObject(before) ? before : {}, value);
    else out[key] = value;
  }
  return out;
}

function mergeList(
  field: SchemaField | undefined,
  current: readonly unknown[],
  patch: readonly unknown[],
  order: readonly unknown[] | undefined,
): unknown[] {
  const key = field?.merge;
  if (field === undefined || key === undefined) return patch.filter((one) => !isReplace(one)).map(plain);
  if (key === "") {
    const merged = [...current, ...patch.filter((one) => !current.includes(one))];
    return order === undefined ? merged : ordered(merged, order, key);
  }
  if (patch.some(isReplace)) return patch.filter((one) => !isReplace(one)).map(plain);
  const type = typeOf(field.t);
  const out = [...current];
  for (const element of patch) {
    if (!isObject(element)) throw new PatchError(`a list merged by ${key} takes objects only`);
    if (element.$patch === "delete" && !Object.hasOwn(element, key)) continue;
    const value = element[key];
    if (value === undefined)
      throw new PatchError(`map: ${exactJsonText(element)} does not contain declared merge key: ${key}`);
    const index = findElement(out, element, field);
    if (element.$patch === "delete") {
      if (index >= 0) out.splice(index, 1);
    } else {
      const before = index >= 0 ? out[index] : undefined;
      const merged = mergeObject(type, isObject(before) ? before : {}, element);
      if (index >= 0) out[index] = merged;
      else out.push(merged);
    }
  }
  return order === undefined ? out : ordered(out, order, key);
}

/** By the merge key; where several elements share it (a port with two protocols), by the other keys too if given. */
function findElement(list: readonly unknown[], wanted: Json, field: SchemaField): number {
  const key = field.merge ?? "";
  const matching = list.flatMap((one, index) =>
    isObject(one) && sameValue(one[key], wanted[key]) ? [index] : [],
  );
  const others = (field.keys ?? []).filter((name) => name !== key && wanted[name] !== undefined);
  if (matching.length <= 1 || others.length === 0) return matching[0] ?? -1;
  const exact = matching.find((index) => {
    const one = list[index];
    return isObject(one) && others.every((name) => sameValue(one[name], wanted[name]));
  });
  return exact ?? -1;
}

/** `list` in the given order; elements that the order does not name stay behind the neighbour they had. */
function ordered(list: readonly unknown[], order: readonly unknown[], key: string | undefined): unknown[] {
  const identity = (one: unknown) => exactJsonText(key && isObject(one) ? one[key] : one);
  const rank = new Map(order.map((one, index) => [identity(one), index]));
  const named = list.filter((one) => rank.has(identity(one)));
  named.sort((a, b) => (rank.get(identity(a)) ?? 0) - (rank.get(identity(b)) ?? 0));
  const out = [...named];
  // Server-only elements: put each right after what stood before it, as far as that is known.
  list.forEach((one, index) => {
    if (rank.has(identity(one))) return;
    const before = list.slice(0, index).findLast((other) => out.includes(other));
    out.splice(before === undefined ? 0 : out.indexOf(before) + 1, 0, one);
  });
  return out;
}

function deleteValues(out: Json, name: string, values: unknown): void {
  const list = out[name];
  if (!Array.isArray(values)) throw new PatchError(`${deletePrefix}${name} must be a list`);
  if (Array.isArray(list)) out[name] = list.filter((one) => !values.includes(one));
}

const isReplace = (element: unknown) => isObject(element) && element.$patch === "replace";

function withoutDirectives(patch: Json): Json {
  return Object.fromEntries(
    Object.entries(patch)
      .filter(([name, value]) => !name.startsWith("$") && value !== null)
      .map(([name, value]) => [name, plain(value)]),
  );
}

/** A value of the patch that becomes part of the object as it is. */
function plain(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(plain);
  return isObject(value) ? withoutDirectives(value) : value;
}

function isObject(value: unknown): value is Json {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
