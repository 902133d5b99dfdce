import { exactJsonText, parseExactJson } from "../../../base/exact-json.ts";
import { compareElements } from "./element-order.ts";
import { elementOf, fieldOf, messageOf, type SchemaField, type SchemaType } from "./load.ts";
import { sameValue } from "./same-value.ts";
import { zeroScalar } from "./written-form.ts";

/** Sets of fields as server-side apply speaks of them: each member is a path of elements, `f:name` for a field or map
 *  key, `k:{"name":"web"}` for a list element by its keys, `v:"x"` for one by its value. Pure. */

export type Path = readonly string[];
/** By the path's text, so that membership is a look-up. */
export type FieldSet = ReadonlyMap<string, Path>;
/** FieldsV1: the set as a tree in JSON; `.` marks a member that has members below it. */
export interface FieldTree {
  [element: string]: FieldTree;
}

type Json = Record<string, unknown>;

export const pathKey = (path: Path): string => path.join("\0");

export function setOf(paths: Iterable<Path>): FieldSet {
  return new Map([...paths].map((path) => [pathKey(path), path]));
}

/** What else stands in a set says nothing, as in Kubernetes. */
const knownElement = /^[fkvi]:/;

export function treeToSet(tree: unknown): FieldSet {
  const paths: Path[] = [];
  const walk = (node: unknown, path: Path): void => {
    const children = isObject(node) ? Object.entries(node) : [];
    if (path.length > 0 && (children.length === 0 || (isObject(node) && "." in node))) paths.push(path);
    for (const [element, child] of children) if (knownElement.test(element)) walk(child, [...path, element]);
  };
  walk(tree, []);
  return setOf(paths);
}

/** Plain objects: what begins with `f:`, `k:`, `v:` or `i:` is no name that an object inherits. */
export function setToTree(set: FieldSet): FieldTree {
  const root: FieldTree = {};
  const members = [...set.values()].sort(compareInOrder);
  for (const path of members) {
    let node = root;
    // Of the path as far as `node`.
    let key = "";
    for (const [depth, element] of path.entries()) {
      if (depth > 0 && set.has(key)) node["."] ??= {};
      key = depth === 0 ? element : `${key}\0${element}`;
      node[element] ??= {};
      node = node[element] ?? node;
    }
  }
  return root;
}

/** As Kubernetes writes a set: what stands above others before them, at each level in the order of the elements. */
function compareInOrder(a: Path, b: Path): number {
  const shorter = Math.min(a.length, b.length);
  for (let at = 0; at < shorter; at++) {
    const order = compareElements(a[at] ?? "", b[at] ?? "");
    if (order !== 0) return order;
  }
  return a.length - b.length;
}

export function union(...sets: readonly FieldSet[]): FieldSet {
  const all = new Map<string, Path>();
  for (const set of sets) for (const [key, path] of set) all.set(key, path);
  return all;
}

/** `set` itself where it has nothing of the other. */
export function minus(set: FieldSet, other: FieldSet): FieldSet {
  const [small, large] = set.size < other.size ? [set, other] : [other, set];
  let common = false;
  for (const key of small.keys()) if (large.has(key)) common = true;
  return common ? new Map([...set].filter(([key]) => !other.has(key))) : set;
}

export function intersection(set: FieldSet, other: FieldSet): FieldSet {
  return new Map([...set].filter(([key]) => other.has(key)));
}

/** Without the members at or below any of the given paths. */
export function without(set: FieldSet, tops: readonly string[]): FieldSet {
  const isBelow = (key: string) => tops.some((top) => key === top || key.startsWith(`${top}\0`));
  return tops.length === 0 ? set : new Map([...set].filter(([key]) => !isBelow(key)));
}

/** As Kubernetes walks a set: at each level the members first, then those that have members below them. */
export function comparePaths(a: Path, b: Path): number {
  let at = 0;
  while (at < a.length && at < b.length && a[at] === b[at]) at += 1;
  const [aEnds, bEnds] = [a.length <= at + 1, b.length <= at + 1];
  if (aEnds !== bEnds) return aEnds ? -1 : 1;
  const [left = "", right = ""] = [a[at], b[at]];
  return left < right ? -1 : left > right ? 1 : 0;
}

/** Is `path` a member, or something below it? */
export function coversAny(set: FieldSet, path: Path): boolean {
  const key = pathKey(path);
  if (set.has(key)) return true;
  const prefix = `${key}\0`;
  for (const member of set.keys()) if (member.startsWith(prefix)) return true;
  return false;
}

/** What of an object is nobody's: what the server itself writes, and what names the object. */
const serverFields: FieldSet = setOf([
  ["f:apiVersion"],
  ["f:kind"],
  ...[
    "name",
    "namespace",
    "uid",
    "resourceVersion",
    "generation",
    "creationTimestamp",
    "managedFields",
    "selfLink",
  ].map((field) => ["f:metadata", `f:${field}`]),
]);

/** The same and the part that they are in, which is always there. */
export const unownedFields: FieldSet = union(serverFields, setOf([["f:metadata"]]));

/** All fields that `object` sets. */
export function fieldsOf(type: SchemaType, object: Readonly<Json>): FieldSet {
  const paths: Path[] = [];
  collectMessage(type, object, [], paths);
  return setOf(paths);
}

function collectMessage(type: SchemaType, object: Readonly<Json>, path: Path, out: Path[]): void {
  for (const [name, value] of Object.entries(object)) {
    const at = [...path, `f:${name}`];
    if (value === undefined || serverFields.has(pathKey(at))) continue;
    const field = fieldOf(type, name);
    if (field === undefined) collectUnknown(value, at, out);
    else collectField(field, value, at, out);
  }
}

/** Fields that no schema tells of are maps as far as they look like some. */
function collectUnknown(value: unknown, path: Path, out: Path[]): void {
  if (!isObject(value)) out.push(path);
  else {
    for (const [name, inner] of Object.entries(value)) collectUnknown(inner, [...path, `f:${name}`], out);
    if (Object.keys(value).length === 0) out.push(path);
  }
}

function collectField(field: SchemaField, value: unknown, path: Path, out: Path[]): void {
  if (field.atomic === 1) out.push(path);
  else if (field.c === "list" && Array.isArray(value)) collectList(field, value, path, out);
  else if (field.c === "map" && isObject(value) && Object.keys(value).length > 0) {
    for (const [key, element] of Object.entries(value))
      collectOne(field, element, [...path, `f:${key}`], out);
  } else collectOne(field, value, path, out);
}

function collectOne(field: SchemaField, value: unknown, path: Path, out: Path[]): void {
  const type = messageOf(field);
  const granular =
    type !== undefined &&
    (type.atomic !== 1 || field.granular === 1) &&
    isObject(value) &&
    Object.keys(value).length > 0;
  if (granular && field.c !== "list") collectMessage(type, value, path, out);
  else out.push(path);
}

function collectList(field: SchemaField, list: readonly unknown[], path: Path, out: Path[]): void {
  if (field.set !== 1 && field.keys === undefined) {
    out.push(path);
    return;
  }
  const type = messageOf(field);
  for (const element of list) {
    const name = listElement(field, element);
    if (name === undefined) continue;
    const at = [...path, name];
    out.push(at);
    if (type !== undefined && type.atomic !== 1 && isObject(element)) collectMessage(type, element, at, out);
  }
}

/** Keys that an element of a built-in list may leave out, and what they are then. */
const keyDefaults: Readonly<Record<string, unknown>> = { protocol: "TCP" };

/** What its type's schema says, which of what must be given is the zero. */
function keyDefault(field: SchemaField, key: string): unknown {
  if (keyDefaults[key] !== undefined) return keyDefaults[key];
  const type = field.inner === undefined ? messageOf(elementOf(field)) : undefined;
  const own = type === undefined ? undefined : fieldOf(type, key);
  return own?.v ?? (own?.r === 1 ? zeroScalar(own) : undefined);
}

/** The path element of a list's element; undefined where the list is owned as a whole. */
export function listElement(field: SchemaField, element: unknown): string | undefined {
  if (field.set === 1) return `v:${exactJsonText(element)}`;
  if (field.keys === undefined || !isObject(element)) return undefined;
  const defaultOf = (key: string) => (field.defaults ? field.defaults[key] : keyDefault(field, key));
  const pairs = [...field.keys]
    .sort()
    .map((key) => [key, element[key] === undefined ? defaultOf(key) : element[key]] as const);
  return `k:${exactJsonText(Object.fromEntries(pairs.filter(([, value]) => value !== undefined)))}`;
}

/** The index in `list` of the element that a `k:` or `v:` path element names; -1 if there is none. */
export function indexOfElement(list: readonly unknown[], element: string): number {
  const wanted = parseExactJson(element.slice(2));
  if (element.startsWith("v:")) return list.findIndex((one) => sameValue(one, wanted));
  if (!isObject(wanted)) return -1;
  return list.findIndex(
    (one) =>
      isObject(one) &&
      Object.entries(wanted).every(([key, value]) =>
        sameValue(one[key] ?? keyDefaults[key] ?? (typeof value === "number" ? 0 : ""), value),
      ),
  );
}

/** The value at a path, undefined if there is none. */
export function valueAt(object: unknown, path: Path): unknown {
  let value = object;
  for (const element of path) {
    if (element.startsWith("f:")) value = isObject(value) ? value[element.slice(2)] : undefined;
    else value = Array.isArray(value) ? value[indexOfElement(value, element)] : undefined;
  }
  return value;
}

/** Removes what is at a path; mutates. */
export function removeAt(object: unknown, path: Path): void {
  const last = path.at(-1) ?? "";
  const parent = valueAt(object, path.slice(0, -1));
  if (last.startsWith("f:")) {
    if (isObject(parent)) delete parent[last.slice(2)];
  } else if (Array.isArray(parent)) {
    const index = indexOfElement(parent, last);
    if (index >= 0) parent.splice(index, 1);
  }
}

/** The path as Kubernetes prints it: `.spec.containers[name="web"].image`. */
export function pathText(path: Path): string {
  return path
    .map((element) => {
      if (element.startsWith("f:")) return `.${element.slice(2)}`;
      if (element.startsWith("v:")) return `[=${element.slice(2)}]`;
      if (element.startsWith("i:")) return `[${element.slice(2)}]`;
      const keys = parseExactJson(element.slice(2));
      const pairs = isObject(keys) ? Object.entries(keys) : [];
      return `[${pairs.map(([key, value]) => `${key}=${exactJsonText(value)}`).join(",")}]`;
    })
    .join("");
}

function isObject(value: unknown): value is Json {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
