import { fieldOf, type SchemaField, type SchemaType, typeOf } from "./load.ts";
import { sameValue } from "./same-value.ts";

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

export function treeToSet(tree: unknown): FieldSet {
  const paths: Path[] = [];
  const walk = (node: unknown, path: Path): void => {
    const children = isObject(node) ? Object.entries(node) : [];
    if (path.length > 0 && (children.length === 0 || (isObject(node) && "." in node))) paths.push(path);
    for (const [element, child] of children) if (element !== ".") walk(child, [...path, element]);
  };
  walk(tree, []);
  return setOf(paths);
}

export function setToTree(set: FieldSet): FieldTree {
  const root: FieldTree = Object.create(null) as FieldTree;
  // Short paths first, so that a node that has members below it is told from a leaf.
  for (const path of [...set.values()].sort(
    (a, b) => a.length - b.length || (pathKey(a) < pathKey(b) ? -1 : 1),
  )) {
    let node = root;
    path.forEach((element, depth) => {
      const parent = path.slice(0, depth);
      if (depth > 0 && set.has(pathKey(parent))) node["."] ??= {};
      node[element] ??= Object.create(null) as FieldTree;
      node = node[element] ?? node;
    });
  }
  return root;
}

export function union(...sets: readonly FieldSet[]): FieldSet {
  return new Map(sets.flatMap((set) => [...set]));
}

export function minus(set: FieldSet, other: FieldSet): FieldSet {
  return new Map([...set].filter(([key]) => !other.has(key)));
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
const unowned = setOf([
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

/** All fields that `object` sets. */
export function fieldsOf(type: SchemaType, object: Readonly<Json>): FieldSet {
  const paths: Path[] = [];
  collectMessage(type, object, [], paths);
  return setOf(paths);
}

function collectMessage(type: SchemaType, object: Readonly<Json>, path: Path, out: Path[]): void {
  for (const [name, value] of Object.entries(object)) {
    const at = [...path, `f:${name}`];
    if (value === undefined || unowned.has(pathKey(at))) continue;
    const field = fieldOf(type, name);
    if (field === undefined) out.push(at);
    else collectField(field, value, at, out);
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
  const type = typeOf(field.t);
  const granular =
    type !== undefined &&
    (type.atomic !== 1 || field.granular === 1) &&
    isObject(value) &&
    Object.keys(value).length > 0;
  if (granular && field.c !== "list") collectMessage(type, value, path, out);
  else out.push(path);
}

function collectList(field: SchemaField, list: readonly unknown[], path: Path, out: Path[]): void {
  const elements = list.map((element) => listElement(field, element));
  if (list.length === 0 || elements.includes(undefined)) {
    out.push(path);
    return;
  }
  list.forEach((element, index) => {
    const at = [...path, elements[index] ?? ""];
    out.push(at);
    const type = typeOf(field.t);
    if (type !== undefined && isObject(element)) collectMessage(type, element, at, out);
  });
}

/** Keys that an element may leave out, and what they are then. */
const keyDefaults: Readonly<Record<string, unknown>> = { protocol: "TCP" };

/** The path element of a list's element; undefined where the list is owned as a whole. */
export function listElement(field: SchemaField, element: unknown): string | undefined {
  if (field.set === 1) return `v:${JSON.stringify(element)}`;
  if (field.keys === undefined || !isObject(element)) return undefined;
  const pairs = [...field.keys].sort().map((key) => [key, element[key] ?? keyDefaults[key]] as const);
  return `k:${JSON.stringify(Object.fromEntries(pairs.filter(([, value]) => value !== undefined)))}`;
}

/** The index in `list` of the element that a `k:` or `v:` path element names; -1 if there is none. */
export function indexOfElement(list: readonly unknown[], element: string): number {
  const wanted: unknown = JSON.parse(element.slice(2));
  if (element.startsWith("v:")) return list.findIndex((one) => sameValue(one, wanted));
  if (!isObject(wanted)) return -1;
  return list.findIndex(
    (one) =>
      isObject(one) &&
      Object.entries(wanted).every(([key, value]) => sameValue(one[key] ?? keyDefaults[key], value)),
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
      const keys: unknown = JSON.parse(element.slice(2));
      const pairs = isObject(keys) ? Object.entries(keys) : [];
      return `[${pairs.map(([key, value]) => `${key}=${JSON.stringify(value)}`).join(",")}]`;
    })
    .join("");
}

function isObject(value: unknown): value is Json {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
