import { type FieldSet, listElement, type Path, pathKey } from "./field-set.ts";
import { elementOf, fieldOf, messageOf, type SchemaField, type SchemaType } from "./load.ts";
import { sameValue } from "./same-value.ts";
import { alwaysWritten, zeroOf } from "./written-form.ts";

/** What tells one state of an object from another, field by field, as structured-merge-diff compares. */
export interface Comparison {
  readonly added: FieldSet;
  readonly modified: FieldSet;
  readonly removed: FieldSet;
}

type Json = Readonly<Record<string, unknown>>;
type Found = Record<keyof Comparison, Map<string, Path>>;

/** Pure. A part that is new is a member itself, beside the fields in it. */
export function compareObjects(type: SchemaType, before: Json, after: Json): Comparison {
  const found: Found = { added: new Map(), modified: new Map(), removed: new Map() };
  compareFields(type, [before, after], [], found);
  return found;
}

type Pair = readonly [before: unknown, after: unknown];

function compareFields(type: SchemaType | undefined, [before, after]: Pair, path: Path, found: Found): void {
  const [a, b] = [objectOf(before), objectOf(after)];
  // What both sides always have is the same there; what only one is there to have is its own.
  const zeros = type === undefined || (a === undefined) === (b === undefined) ? [] : alwaysWritten(type);
  const names = [...Object.keys(a ?? {}), ...Object.keys(b ?? {}), ...zeros.map(([name]) => name)];
  for (const name of new Set(names)) {
    const field = type === undefined ? undefined : fieldOf(type, name);
    const at = [...path, `f:${name}`];
    comparePart(field, [asStored(field, givenValue(field, a, name)), givenValue(field, b, name)], at, found);
  }
}

/** Kubernetes stores an empty list that is always written as none at all. */
function asStored(field: SchemaField | undefined, value: unknown): unknown {
  const isEmptyList = Array.isArray(value) && value.length === 0;
  return isEmptyList && field !== undefined && zeroOf(field) === null ? null : value;
}

/** What Go's types always have is there where its owner is. */
function givenValue(field: SchemaField | undefined, owner: Json | undefined, name: string): unknown {
  if (owner === undefined) return undefined;
  const value = owner[name];
  if (value !== undefined && (value !== null || field?.nil === 1)) return value;
  return field === undefined ? undefined : zeroOf(field);
}

function comparePart(field: SchemaField | undefined, pair: Pair, path: Path, found: Found): void {
  const [before, after] = pair;
  if (before === after) return;
  if (field !== undefined && isGranularList(field)) compareList(field, pair, path, found);
  else if (isGranularMap(field, pair)) {
    if (isEmpty(before) && isEmpty(after)) compareLeaf(pair, path, found);
    else {
      if (field?.c === "map") compareEntries(field, pair, path, found);
      else compareFields(field === undefined ? undefined : messageOf(field), pair, path, found);
      comparePresence(pair, path, found);
    }
  } else compareLeaf(pair, path, found);
}

function compareEntries(field: SchemaField, [before, after]: Pair, path: Path, found: Found): void {
  const [a, b] = [objectOf(before), objectOf(after)];
  const element = elementOf(field);
  for (const key of new Set([...Object.keys(a ?? {}), ...Object.keys(b ?? {})]))
    comparePart(element, [a?.[key], b?.[key]], [...path, `f:${key}`], found);
}

function compareList(field: SchemaField, pair: Pair, path: Path, found: Found): void {
  const [before, after] = pair;
  const [a, b] = [elementsOf(field, before), elementsOf(field, after)];
  // A list whose elements cannot be told apart, or an empty one, counts as a whole.
  if (a === undefined || b === undefined || a.size + b.size === 0) {
    compareLeaf(pair, path, found);
    return;
  }
  const isMessage = messageOf(field) !== undefined;
  for (const name of new Set([...a.keys(), ...b.keys()])) {
    const [one, other] = [a.get(name), b.get(name)];
    const isWhole = !isMessage || one instanceof Doubles || other instanceof Doubles;
    const element: SchemaField = isWhole ? { t: field.t, atomic: 1 } : elementOf(field);
    comparePart(element, [plain(one), plain(other)], [...path, name], found);
  }
  comparePresence(pair, path, found);
}

/** Elements of one name, which are owned together. */
class Doubles {
  readonly all: readonly unknown[];
  constructor(all: readonly unknown[]) {
    this.all = all;
  }
}

const plain = (value: unknown) => (value instanceof Doubles ? value.all : value);

/** Undefined: at least one has no name of its own. */
function elementsOf(field: SchemaField, list: unknown): ReadonlyMap<string, unknown> | undefined {
  const elements = new Map<string, unknown>();
  for (const element of Array.isArray(list) ? list : []) {
    const name = listElement(field, element);
    if (name === undefined) return undefined;
    const before = elements.get(name);
    if (before === undefined) elements.set(name, element);
    else elements.set(name, new Doubles([...(before instanceof Doubles ? before.all : [before]), element]));
  }
  return elements;
}

export const isGranularList = (field: SchemaField): boolean =>
  field.c === "list" && field.atomic !== 1 && (field.set === 1 || field.keys !== undefined);

/** Fields that no schema tells of are maps as far as they look like some. */
export function isGranularMap(field: SchemaField | undefined, values: readonly unknown[]): boolean {
  if (field === undefined)
    return values.every((value) => value === undefined || objectOf(value) !== undefined);
  if (field.atomic === 1) return false;
  if (field.c === "map") return true;
  const type = field.c === undefined ? messageOf(field) : undefined;
  return type !== undefined && (type.atomic !== 1 || field.granular === 1);
}

function compareLeaf([before, after]: Pair, path: Path, found: Found): void {
  if (before === undefined || after === undefined) comparePresence([before, after], path, found);
  else if ((before === null) !== (after === null) || !sameValue(before, after))
    found.modified.set(pathKey(path), path);
}

function comparePresence([before, after]: Pair, path: Path, found: Found): void {
  if (before === undefined && after !== undefined) found.added.set(pathKey(path), path);
  if (before !== undefined && after === undefined) found.removed.set(pathKey(path), path);
}

function isEmpty(value: unknown): boolean {
  return value === undefined || value === null || Object.keys(value).length === 0;
}

function objectOf(value: unknown): Json | undefined {
  return typeof value === "object" && value !== null && !Array.isArray(value) ? (value as Json) : undefined;
}
