import { goKind, goPrinted, goTypeOf } from "./go-printed.ts";
import { PatchError } from "./patch-error.ts";
import { indexOfKey, inOrderOf, keyOf } from "./strategic-order.ts";

/** Lists in strategic merge patches, whose elements merge by a key or, plain values, as a set.
 *  Rules: k8s.io/apimachinery util/strategicpatch. */

type Json = Record<string, unknown>;

export interface ListMerge {
  /** The merge key; "" for plain values. */
  readonly key: string;
  /** Two elements with one key become one; mutates and returns the first. */
  readonly mergeElement: (current: Json, patch: Json) => Json;
}

/** `patch` merged into `current`. */
export function mergeLists(
  current: readonly unknown[],
  patch: readonly unknown[],
  merge: ListMerge,
): unknown[] {
  if (current.length === 0 && patch.length === 0) return [];
  const { key } = merge;
  if (kindOfElements(current, patch) !== "map") {
    const merged = [...new Set([...current, ...patch])];
    return inOrderOf(merged, patch, { serverOrder: current, key });
  }
  if (key === "") throw new PatchError("cannot merge lists without merge key");
  const [before, added] = withoutSpecial(current, patch as readonly Json[], key);
  const merged = [...before];
  for (const element of added) {
    const index = indexOfKey(merged, key, keyOf(element, key));
    const found = index >= 0 ? merged[index] : undefined;
    if (isObject(found)) merged[index] = merge.mergeElement(found, element);
    else merged.push(element);
  }
  return inOrderOf(merged, added, { serverOrder: before, key });
}

/** `$deleteFromPrimitiveList`. */
export function deleteFromList(current: readonly unknown[], patch: readonly unknown[]): readonly unknown[] {
  if (current.length === 0 && patch.length === 0) return current;
  kindOfElements(current, patch);
  return current.filter((one) => !patch.includes(one));
}

/** `$setElementOrder` with the list's own patch, if there is one; undefined where there is no list at all. */
export function orderList(
  lists: { readonly current?: unknown; readonly patch?: unknown },
  order: unknown,
  how: { readonly isMerged: boolean; readonly merge: ListMerge },
): unknown[] | undefined {
  const wanted = requireList(order);
  const current = lists.current === undefined ? undefined : requireList(lists.current);
  const patch = lists.patch === undefined ? undefined : requireList(lists.patch);
  const { key } = how.merge;
  checkOrder(patch ?? [], wanted, key);
  if (current === undefined && patch === undefined) return undefined;
  let merged = current ?? [];
  if (patch !== undefined && current === undefined) merged = withoutDirectives(patch) as unknown[];
  else if (patch !== undefined) merged = how.isMerged ? mergeLists(merged, patch, how.merge) : patch;
  const ordered = inOrderOf(merged, wanted, { serverOrder: current ?? [], key });
  kindOfElements(current ?? [], patch ?? []);
  return ordered;
}

/** A value of a patch that becomes part of the object: what has a directive goes; undefined where the value itself has one. */
export function withoutDirectives(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(withoutDirectives).filter((one) => one !== undefined);
  if (!isObject(value)) return value;
  if (Object.hasOwn(value, "$patch")) return undefined;
  for (const [name, one] of Object.entries(value)) {
    const kept = withoutDirectives(one);
    if (kept === undefined) delete value[name];
    else value[name] = kept;
  }
  return value;
}

/** Fails where a patch's elements stand in another order than it says. */
function checkOrder(patch: readonly unknown[], order: readonly unknown[], key: string): void {
  if (patch.length === 0 || order.length === 0) return;
  const rest = patch.filter((one) => !(isObject(one) && Object.hasOwn(one, "$patch")));
  let at = 0;
  for (const one of order) {
    if (at >= rest.length) return;
    const isSame = key === "" ? rest[at] === one : keyOf(rest[at], key) === keyOf(one, key);
    if (isSame) at += 1;
  }
  if (at < rest.length)
    throw new PatchError(
      `The order in patch list:\n${goPrinted(patch)}\n doesn't match $setElementOrder list:\n${goPrinted(order)}\n`,
    );
}

/** What is left to merge once elements with directives have been heeded. */
function withoutSpecial(
  current: readonly unknown[],
  patch: readonly Json[],
  key: string,
): readonly [before: readonly unknown[], added: readonly Json[]] {
  let before = [...current];
  let replaces = false;
  const added: Json[] = [];
  for (const element of patch) {
    const directive = element.$patch;
    if (!Object.hasOwn(element, "$patch")) added.push(element);
    else if (directive === "replace") replaces = true;
    else if (directive === "merge")
      throw new PatchError("merging lists cannot yet be specified in the patch");
    else if (directive === "delete") {
      const wanted = keyOf(element, key);
      before = before.filter((one) => !(isObject(one) && one[key] === wanted));
    } else throw unknownDirective(directive, element);
  }
  return replaces ? [added, []] : [before, added];
}

export function unknownDirective(directive: unknown, patch: Json): PatchError {
  const shown =
    typeof directive === "string" ? directive : `%!s(${goTypeOf(directive)}=${goPrinted(directive)})`;
  return new PatchError(`unknown patch type: ${shown} in map: ${goPrinted(patch)}`);
}

/** Of all elements; fails where they are not of one kind. */
function kindOfElements(...lists: readonly (readonly unknown[])[]): string {
  const [first, ...others] = lists.flat();
  if (first === undefined) throw new PatchError("no elements in any of the given slices");
  const kind = goKind(first);
  if (kind === "slice") throw new PatchError("lists of lists are not supported", 422);
  if (others.some((one) => goKind(one) !== kind))
    throw new PatchError(`list element types are not identical: ${goPrinted(lists)}`);
  return kind;
}

function requireList(value: unknown): readonly unknown[] {
  if (Array.isArray(value)) return value;
  throw new PatchError(`expected a []interface {}, but received a ${goTypeOf(value)}`);
}

function isObject(value: unknown): value is Json {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
